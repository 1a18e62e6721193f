"""The bodies that sensors may send, written down a second time: member by member, each with all
that may stand there. Whoever widens the wire format widens it here too, or the audit fails.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

_NAME, _HEX64, _KEY_ID = r"[a-z2-7]{16}", r"[0-9a-f]{64}", r"[0-9a-f]{16}"
_SIGNATURE, _DAY = r"[A-Za-z0-9+/]{86}==", r"\d{4}-\d\d-\d\d"
_LARGEST_COUNT = 1_000_000
_WHOLE_FILTER, _VERSIONS = 2**16, 2**53

Rule = Callable[[Any], bool] | dict[str, Any]


def _text(pattern: str) -> Rule:
    return lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value))


def _number(low: int, high: int) -> Rule:
    return lambda value: type(value) is int and low <= value <= high


def _numbers(most: int, low: int, high: int) -> Rule:
    one = _number(low, high)
    return lambda value: (
        isinstance(value, list) and len(value) <= most and all(one(each) for each in value)  # type: ignore[operator]
    )


def _count(row: str) -> Rule:
    return {
        "row": _text(row), "value": _number(-_LARGEST_COUNT, _LARGEST_COUNT),
        "bound": _number(1, 3), "epsilon": _text(r"0\.\d{1,2}"),
    }  # fmt: skip


_COUNTS = {"fingerprints": "E1", "scans": "E1", "arrivals": "E2", "passers_by": "E3"}
_QUARTER = rf"{_DAY}T\d\d:(00|15|30|45):00Z"
SUMMARY: Rule = {
    "format": _text(r"chaland\.summary/1"),
    "sensor": _text(_NAME),
    "sequence": _number(1, 10**9),
    "made_at": _text(rf"{_DAY}T\d\d:\d\d:00Z"),
    "simulated": lambda value: isinstance(value, bool),
    "start": _text(_QUARTER),
    "windows": _number(0, 3),
    "state": _text(r"[a-z-]{2,20}"),
    "mode": _text("default|strict"),
    "counts": {f"{name}?": _count(row) for name, row in _COUNTS.items()},
    "dwell?": {
        "row": _text("E4"), "day": _text(_DAY), "edges_s": _numbers(7, 60, 7200),
        "counts": _numbers(6, -_LARGEST_COUNT, _LARGEST_COUNT), "bound": _number(1, 1),
        "epsilon": _text(r"0\.25"),
    },
    "sketch?": {
        "row": _text("E5"), "day": _text(_DAY), "since": _text(_QUARTER), "key": _text(_KEY_ID),
        "epsilon": _text("2"), "bits": _number(1, 4096), "ordered": _number(0, 4096),
        "places": _text(r"[A-Za-z0-9+/]{100,1400}={0,2}"),
    },
}  # fmt: skip
EXCHANGE: Rule = {
    "format": _text(r"chaland\.exchange/1"),
    "sensor": _text(_NAME),
    "day": _text(_DAY),
    "day_key": _text(f"({_HEX64})?"),
    "day_key_signature": _text(f"({_SIGNATURE})?"),
    "holds": _text(f"({_KEY_ID})?"),
    "offers": _text(f"({_KEY_ID})?"),
    "copies": lambda value: isinstance(value, list) and not any(
        problem for each in value for problem in problems(each, _COPY, "copies")
    ),
    "objected": _numbers(1024, 0, _WHOLE_FILTER - 1),
    "charter_version": _number(0, _VERSIONS),
    "filter_version": _number(0, _VERSIONS),
}  # fmt: skip
_COPY: Rule = {
    "maker": _text(_NAME), "recipient": _text(_NAME), "recipient_key": _text(_HEX64),
    "key": _text(_KEY_ID), "box": _text(r"[A-Za-z0-9+/]{107}="), "signature": _text(_SIGNATURE),
}  # fmt: skip
ENROLMENT: Rule = {
    "format": _text(r"chaland\.enrolment/\d"), "code": _text(r"[A-Za-z0-9-]{6,40}"),
    "public_key": _text(_HEX64), "proof": _text(_SIGNATURE),
}  # fmt: skip


def read(body: bytes) -> dict[str, Any]:
    """Return the members of a body. Raises ValueError for what is no JSON object in one spelling:
    blanks and escapes could tell something, too.
    """
    members = json.loads(body.decode("ascii"))
    if not isinstance(members, dict) or json.dumps(members).encode() != body:
        raise ValueError("another spelling")
    return members


def problems(value: Any, rule: Rule, name: str) -> Iterator[str]:
    """Yield what is not as the rule says."""
    if callable(rule):
        if not rule(value):
            yield f"{name} is {str(value)[:40]!r}"
        return
    if not isinstance(value, dict):
        yield f"{name} is no object"
        return
    known = {key.removesuffix("?"): key for key in rule}
    for key in value.keys() - known.keys():
        yield f"{name}.{str(key)[:40]} is in no format"
    for key, rule_name in known.items():
        if key in value:
            yield from problems(value[key], rule[rule_name], f"{name}.{key}")
        elif not rule_name.endswith("?"):
            yield f"{name}.{key} is missing"
