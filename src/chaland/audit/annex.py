"""F15: the annex says everything that decides what is released, and says it as promised.

Every field of the mechanism, found by walking the dataclasses, is changed once: the annex and its
digest must change with it. So must they with the calendar's constants. What the page of the
assessment shows is compared with the annex member by member (``inside.assessment``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import time
from typing import Any

from chaland.audit.promises import MECHANISM, WINDOW_S, WINDOWS_PER_CELL
from chaland.audit.report import Outcome
from chaland.wire import mechanism as wire
from chaland.wire.mechanism import DEFAULT_MECHANISM, Mechanism, annex, annex_digest


def judge(outcome: Outcome) -> None:
    """Change each field and constant; compare with the promise."""
    changed = list(_changed(DEFAULT_MECHANISM))
    usual = annex_digest()
    for name, other in changed:
        says = annex(other) != annex() and annex_digest(other) != usual
        outcome.require(says, f"the annex does not say {name}: it can change behind the charter")
    outcome.measure("fields of the mechanism, each changed once", len(changed), "> 20")
    _constants(outcome, usual)
    for name, promised in MECHANISM.items():
        found = _member(DEFAULT_MECHANISM, name)
        outcome.require(found == promised, f"the mechanism's {name} is {found}, not {promised}")
    outcome.require(
        Mechanism() == DEFAULT_MECHANISM, "the mechanism in use is not the one of its defaults"
    )


def _constants(outcome: Outcome, usual: str) -> None:
    for name, promised in (("WINDOW_S", WINDOW_S), ("WINDOWS_PER_CELL", WINDOWS_PER_CELL)):
        found = getattr(wire, name)
        outcome.require(found == promised, f"{name} is {found}, not {promised}")
        setattr(wire, name, found + 1)
        try:
            outcome.require(annex_digest() != usual, f"the annex does not say {name}")
        finally:
            setattr(wire, name, found)


def _changed(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield copies of a value that differ from it in one place each, with the place's name."""
    if is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            for place, other in _changed(getattr(value, each.name), f"{name}.{each.name}"):
                yield place, replace(value, **{each.name: other})
    elif isinstance(value, Mapping):
        for key, member in value.items():
            for place, other in _changed(member, f"{name}.{key}"):
                yield place, {**value, key: other}
    else:
        yield name.removeprefix("."), _another(value)


def _another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"{float(value) + 0.01:.4g}"
    if isinstance(value, time):
        return value.replace(hour=value.hour + 1)
    if isinstance(value, tuple):
        return (*value[:-1], value[-1] + 1)
    raise TypeError(f"the audit can't change a {type(value).__name__}")


def _member(value: Any, name: str) -> Any:
    for part in name.split("."):
        value = getattr(value, part)
    return value
