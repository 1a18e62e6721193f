"""Strict reading of small JSON objects: each member asked for, checked and named in errors.

Every message of the wire has one spelling only (ASCII, fixed order, no spare white space), so
that nothing can hide in the way in which it is written.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TypeVar

from chaland.wire.errors import WireErrorFinal

Choice = TypeVar("Choice", bound=StrEnum)

YEARS = range(2000, 2101)
"""Years that a message may name."""

DEEPEST = 8
"""Lists and objects within each other; no message of ours has more than four."""
LONGEST_NUMBER = 25

_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
_EPSILON = re.compile(r"(?!0$)(?:0|[1-9]\d?)(?:\.\d{0,5}[1-9])?", re.ASCII)
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


def dump(message: Mapping[str, object]) -> bytes:
    """Write a message in its one spelling: ASCII, members in the order given."""
    return json.dumps(message, ensure_ascii=True, allow_nan=False).encode("ascii")


def write_instant(instant: datetime) -> str:
    """Write an aware instant as UTC to the second, ``2026-03-14T10:15:00Z``."""
    return instant.astimezone(UTC).strftime(_INSTANT)


def one_spelling(body: bytes, canonical: bytes) -> None:
    """Refuse a message that is not written as this version writes it. Raises WireErrorFinal."""
    if body == canonical:
        return
    at = next(
        (i for i, (a, b) in enumerate(zip(body, canonical, strict=False)) if a != b),
        min(len(body), len(canonical)),
    )
    raise WireErrorFinal(
        "message", f"is not written in the order and spacing of the format, from byte {at}"
    )


def load(body: bytes, max_bytes: int, encoding: str = "ascii") -> "Fields":
    """Parse ``body`` into its members. Whatever the bytes, it raises nothing but WireErrorFinal:
    when the body is too long, not in the encoding, not JSON, nested deeper than any message
    is, repeats a member, holds half a surrogate pair or an endless number, or is not an object.
    """
    if len(body) > max_bytes:
        raise WireErrorFinal("message", f"has {len(body)} bytes; at most {max_bytes} are allowed")
    try:
        value = json.loads(
            body.decode(encoding),
            object_pairs_hook=_no_repeats,
            parse_constant=_no_constant,
            parse_int=_whole,
            parse_float=_fraction,
        )
    except UnicodeDecodeError as error:
        raise WireErrorFinal("message", f"byte {error.start} is not {encoding.upper()}") from None
    except RecursionError:
        raise WireErrorFinal("message", "is nested too deeply") from None
    except json.JSONDecodeError as error:
        problem = f"is not JSON: {error.msg} at byte {error.pos}"
        raise WireErrorFinal("message", problem) from None
    _plain(value, DEEPEST)
    return Fields(value)


def _plain(value: object, deeper: int) -> None:
    """Refuse what would be read and could not be printed or written: every text is whole."""
    if isinstance(value, str):
        if not value.isascii() and _HALF_A_PAIR.search(value):
            raise WireErrorFinal("message", "holds half a surrogate pair, which is no character")
    elif isinstance(value, dict | list):
        if not deeper:
            raise WireErrorFinal("message", "is nested too deeply")
        for part in value:
            _plain(part, deeper - 1)
        for part in value.values() if isinstance(value, dict) else ():
            _plain(part, deeper - 1)


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise WireErrorFinal("message", f"holds a number of {len(digits)} signs")
    return int(digits)


def _fraction(digits: str) -> float:
    if len(digits) > LONGEST_NUMBER:
        raise WireErrorFinal("message", f"holds a number of {len(digits)} signs")
    return float(digits)


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise WireErrorFinal("message", "holds the same member twice")
    return members


def _no_constant(name: str) -> object:
    raise WireErrorFinal("message", f"{name} is not a number of JSON")


def readable(text: str, at_most: int) -> str:
    """Return a stranger's text fit for a terminal and a log: one line, no sign that steers it."""
    return "".join(sign if sign.isprintable() else " " for sign in text[:at_most])


class Fields:
    """The members of one JSON object. Each reader raises WireErrorFinal naming the field."""

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise WireErrorFinal(path or "message", "must be a JSON object")
        self._members: dict[str, object] = dict(value)
        self._path = path

    def name(self, member: str) -> str:
        """Return the full name of a member, for messages."""
        return f"{self._path}.{member}" if self._path else member

    def refuse(self, member: str, problem: str) -> WireErrorFinal:
        """Make the error that names a member of this object."""
        return WireErrorFinal(self.name(member), problem)

    def __contains__(self, member: str) -> bool:
        return member in self._members

    def members(self) -> list[str]:
        """Return the names of the members not read yet."""
        return list(self._members)

    def take(self, member: str) -> object:
        """Return a member's value, once."""
        if member not in self._members:
            raise self.refuse(member, "is missing")
        return self._members.pop(member)

    def expect(self, member: str, value: str) -> None:
        """Refuse any other value than this one."""
        if self.take(member) != value:
            raise self.refuse(member, f"must be {value}")

    def done(self) -> None:
        """Refuse whatever was not asked for."""
        for member in self._members:
            raise self.refuse(member[:40], "is not a member of this message")

    def integer(self, member: str, low: int, high: int) -> int:
        return self._integer(self.take(member), member, low, high)

    def _integer(self, value: object, member: str, low: int, high: int) -> int:
        if type(value) is not int:  # a bool is an int to Python, and 3.0 is no count
            raise self.refuse(member, "must be a whole number")
        if not low <= value <= high:
            raise self.refuse(member, f"must be from {low} to {high}")
        return value

    def integers(self, member: str, count: tuple[int, int], low: int, high: int) -> tuple[int, ...]:
        """Read a list of ``count[0]`` to ``count[1]`` whole numbers from ``low`` to ``high``."""
        values = self.take(member)
        if not isinstance(values, list) or not count[0] <= len(values) <= count[1]:
            size = f"{count[0]}" if count[0] == count[1] else f"{count[0]} to {count[1]}"
            raise self.refuse(member, f"must be a list of {size} whole numbers")
        return tuple(
            self._integer(value, f"{member}[{index}]", low, high)
            for index, value in enumerate(values)
        )

    def boolean(self, member: str) -> bool:
        value = self.take(member)
        if not isinstance(value, bool):
            raise self.refuse(member, "must be true or false")
        return value

    def text(self, member: str, pattern: re.Pattern[str], form: str) -> str:
        """Read a text that matches ``pattern`` fully; ``form`` describes it in the error."""
        value = self.take(member)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self.refuse(member, f"must be {form}")
        return value

    def texts(
        self, member: str, at_most: int, pattern: re.Pattern[str], form: str
    ) -> tuple[str, ...]:
        """Read a list of at most ``at_most`` texts, each as ``text``."""
        values = self.take(member)
        if not isinstance(values, list) or len(values) > at_most:
            raise self.refuse(member, f"must be a list of at most {at_most} texts")
        for value in values:
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise self.refuse(member, f"must hold {form} only")
        return tuple(values)

    def _text(self, member: str) -> str:
        value = self.take(member)
        return value if isinstance(value, str) else ""

    def choice(self, member: str, choices: type[Choice]) -> Choice:
        value = self.take(member)
        if not isinstance(value, str) or value not in {choice.value for choice in choices}:
            raise self.refuse(member, f"must be one of {', '.join(choices)}")
        return choices(value)

    def instant(self, member: str) -> datetime:
        """Read a UTC instant to the second, of the years 2000 to 2100 (sums can't overflow)."""
        try:
            instant = datetime.strptime(self._text(member), _INSTANT).replace(tzinfo=UTC)
        except ValueError:
            raise self.refuse(member, "must be an instant like 2026-03-14T10:15:00Z") from None
        if instant.year not in YEARS:
            raise self.refuse(member, "must be of the years 2000 to 2100")
        return instant

    def day(self, member: str) -> date:
        try:
            day = date.fromisoformat(self._text(member))
        except ValueError:
            raise self.refuse(member, "must be a day like 2026-03-14") from None
        if day.year not in YEARS:
            raise self.refuse(member, "must be of the years 2000 to 2100")
        return day

    def ended_day(self, member: str, start: datetime) -> date:
        """Read the local day that the cell from ``start`` (UTC) ends."""
        day = self.day(member)
        # A UTC date against a local day: a recording that ends in the morning, east of about
        # UTC+4, ends a day that has not begun in UTC.
        if not -1 <= (start.date() - day).days <= 2:
            raise self.refuse(member, "must be the local day that the cell ends")
        return day

    def epsilon(self, member: str) -> str:
        return self.text(member, _EPSILON, 'a decimal above 0 and below 100 such as "0.5"')

    def object(self, member: str) -> "Fields":
        return Fields(self.take(member), self.name(member))

    def objects(self, member: str, at_most: int) -> "list[Fields]":
        """Read a list of at most ``at_most`` objects."""
        values = self.take(member)
        if not isinstance(values, list) or len(values) > at_most:
            raise self.refuse(member, f"must be a list of at most {at_most} objects")
        return [Fields(value, f"{self.name(member)}[{i}]") for i, value in enumerate(values)]
