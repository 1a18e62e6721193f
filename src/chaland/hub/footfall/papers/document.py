"""A document as blocks: one content for the page (HTML) and for the print (Typst)."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from django.utils.formats import number_format

Figure = int | float | str | Fraction


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    text: str
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Some sentences in red: what is not as it should be."""

    text: str
    kind: Literal["alarm"] = "alarm"


@dataclass(frozen=True, slots=True)
class Points:
    """A list."""

    items: tuple[str, ...]
    kind: Literal["points"] = "points"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; ``numbers`` counts its last columns that hold numbers. The first one names rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: int = 0
    kind: Literal["table"] = "table"

    @property
    def labelled(self) -> list[list[tuple[str, str]]]:
        """The rows, each cell with its column's heading: what a narrow screen shows."""
        return [list(zip(self.head, row, strict=True)) for row in self.rows]


Block = Paragraph | Alarm | Points | Table


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (``slug`` is its place in the page's address) and what stands below it."""

    slug: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A document in one language."""

    language: str
    title: str
    version: str
    lead: str
    sections: tuple[Section, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of all that it says, 64 hexadecimal digits."""
        spelt = json.dumps(asdict(self), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(spelt.encode("ascii")).hexdigest()


def number(value: Figure, digits: int = 4) -> str:
    """Write a number in the active language, with as few decimals as it needs: "0,46", "72.5"."""
    rounded = f"{float(Fraction(value)):.{digits}g}"
    plain = format(Decimal(rounded), "f")
    whole, _, decimals = plain.partition(".")
    return str(number_format(Decimal(plain), len(decimals), force_grouping=len(whole) > 4))


def paragraphs(*texts: str) -> tuple[Paragraph, ...]:
    """Return texts as paragraphs."""
    return tuple(Paragraph(text) for text in texts)


def table(
    title: str, head: Iterable[str], rows: Iterable[Iterable[str]], numbers: int = 0
) -> Table:
    """Return a table of any rows. Raises ValueError where a row is not as long as the head."""
    made = Table(title, tuple(head), tuple(tuple(row) for row in rows), numbers)
    if any(len(row) != len(made.head) for row in made.rows):
        raise ValueError(f"the rows of {title!r} need {len(made.head)} cells")
    return made
