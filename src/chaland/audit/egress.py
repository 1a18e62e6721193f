"""What the sensors sent to the hub, request by request: the wire format, and nothing else (F1).

The courier kept every byte. Each request must be one of the four kinds that the reference of the
wire lists, with no header, parameter or member beside those, in the one spelling that there is.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaland.audit import shapes
from chaland.audit.promises import PROMISED, PROMISED_DWELL, objection_bit
from chaland.audit.report import Outcome
from chaland.wire import exchange, summary
from chaland.wire.errors import WireErrorFinal
from chaland.wire.summary import Summary

_SUMMARIES, _ENROL, _EXCHANGE = (
    "/api/v1/summaries",
    "/api/v1/sensors/enrol",
    "/api/v1/exchange",
)
_ALLOWED = {("HEAD", _SUMMARIES), ("POST", _SUMMARIES), ("POST", _ENROL), ("POST", _EXCHANGE)}
_RULES = {
    _SUMMARIES: shapes.SUMMARY,
    _ENROL: shapes.ENROLMENT,
    _EXCHANGE: shapes.EXCHANGE,
}
_UNCHANGING = {"accept-encoding", "connection", "user-agent"}
_HEADERS = {
    "host": r"127\.0\.0\.1:8377",
    "accept": r"\*/\*",
    "accept-encoding": r"[a-z, ]{1,30}",
    "connection": r"keep-alive",
    "user-agent": r"python-httpx/[0-9.]{3,10}",
    "content-length": r"\d{1,6}",
    "content-type": r"application/json",
    "chaland-sensor": r"[a-z2-7]{16}",
    "chaland-sequence": r"\d{1,9}",
    "chaland-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "chaland-signature": r"[A-Za-z0-9+/]{86}==",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request that left."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def requests(post: Path) -> Iterator[Request]:
    """Yield all that was sent to the hub. Raises ValueError for what is no HTTP."""
    for path in sorted(post.glob("up-*")):
        rest = path.read_bytes()
        while rest:
            head, gap, rest = rest.partition(b"\r\n\r\n")
            if not gap:
                raise ValueError(f"what was sent is no request: {head[:60]!r}")
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ")
            headers = {}
            for line in lines:
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            size = int(headers.get("content-length", "0"))
            yield Request(method, target, headers, rest[:size])
            rest = rest[size:]


def summaries(post: Path, sensor: str = "") -> list[Summary]:
    """Return the summaries that were sent (by one sensor), each once, in order."""
    found: dict[tuple[str, int], Summary] = {}
    for request in requests(post):
        if (request.method, request.path) == ("POST", _SUMMARIES):
            sent = summary.decode(request.body)
            if sensor in ("", sent.sensor):
                found[sent.sensor, sent.sequence] = sent
    return list(found.values())


def judge(post: Path, outcome: Outcome, addresses: Sequence[bytes] = ()) -> None:
    """Judge every request by the format, and told objections by who could have asked for them."""
    count = 0
    last: dict[str, int] = {}
    said: dict[str, set[str]] = {}
    allowed = {objection_bit(address) for address in addresses}
    for request in requests(post):
        count += 1
        for problem in _problems(request):
            outcome.require(False, f"{request.method} {request.path[:60]}: {problem}")
        for name in _UNCHANGING & request.headers.keys():
            said.setdefault(name, set()).add(request.headers[name])
        if (request.method, request.path) == ("POST", _SUMMARIES):
            _judge_summary(request, last, outcome)
        elif request.path == _EXCHANGE and addresses:
            told = set(_objected(request.body))
            outcome.require(told <= allowed, "a bit is told as an objection that no canary has")
    changing = sorted(name for name, values in said.items() if len(values) > 1)
    outcome.require(not changing, f"headers that change from request to request: {changing}")
    outcome.measure("requests to the hub, each judged by the format", count)
    outcome.require(count > 2, "the sensors sent nothing: the story was not told")


def _objected(body: bytes) -> Sequence[int]:
    try:
        return exchange.decode(body).objected
    except WireErrorFinal:
        return ()  # told already


def _problems(request: Request) -> Iterator[str]:
    if (request.method, request.path) not in _ALLOWED:
        yield "no such request is in the format"
    for name, value in request.headers.items():
        if not re.fullmatch(_HEADERS.get(name, "(?!)"), value):
            yield f"a header that the format does not have: {name}: {value[:60]}"
    rule = _RULES.get(request.path)
    if not request.body or rule is None:
        return
    try:
        yield from shapes.problems(shapes.read(request.body), rule, "its body")
    except ValueError:
        yield "its body is no JSON object in its one spelling"


def _judge_summary(request: Request, last: dict[str, int], outcome: Outcome) -> None:
    try:
        sent = summary.decode(request.body)
    except WireErrorFinal:
        return  # told already
    before = last.get(sent.sensor, 0)
    outcome.require(
        sent.sequence in (before, before + 1), f"sequence {sent.sequence} follows {before}"
    )
    last[sent.sensor] = sent.sequence
    counts = {name: (c.bound, c.epsilon) for name, c in sent.cell.counts.items()}
    promised = PROMISED[sent.cell.mode]
    outcome.require(counts.items() <= promised.items(), f"a summary says that it spends {counts}")
    dwell = sent.cell.dwell
    outcome.require(
        dwell is None or (dwell.bound, dwell.epsilon) == PROMISED_DWELL,
        "a summary says that its dwell spends another budget",
    )
