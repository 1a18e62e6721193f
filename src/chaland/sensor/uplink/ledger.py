"""What the spool must never forget: the last sequence number, the cells released, the drops."""

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from chaland.sensor.uplink.durable import write_whole
from chaland.sensor.uplink.reasons import UplinkDrop
from chaland.wire.fields import dump, load
from chaland.wire.summary import MAX_SEQUENCE

FORMAT = "chaland.ledger/1"
REMEMBERED_CELLS = 32 * 96
"""A month of cells: as far back as the hub takes them."""
REMEMBERED_DAYS = 32
MAX_BYTES = 1_048_576

_CELL = re.compile(r"[0-9-]{10}T[0-9:]{8}\+00:00")
_DAY = re.compile(r"[0-9-]{10}")


@dataclass(slots=True)
class Ledger:
    """The spool's memory; ``save`` makes it survive a power cut.

    ``cells`` and ``days`` hold the starts (ISO text) of what was released, oldest first. A cell
    is noised once and released once, as are a day's dwell and sketch, which leave together; else
    their privacy loss would be paid twice.
    """

    path: Path
    sequence: int = 0
    cells: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    drops: Counter[UplinkDrop] = field(default_factory=Counter)

    @classmethod
    def load(cls, path: Path) -> "Ledger":
        """Read the ledger. A missing one is new; an unreadable one is counted and begun again."""
        if not path.exists():
            return cls(path)
        try:
            return cls._read(path)
        except ValueError:  # WireErrorFinal, or a reason or time that is none
            return cls(path, drops=Counter({UplinkDrop.LEDGER_UNREADABLE: 1}))

    @classmethod
    def _read(cls, path: Path) -> "Ledger":
        fields = load(path.read_bytes(), MAX_BYTES)
        fields.expect("format", FORMAT)
        counts = fields.object("drops")
        drops = {UplinkDrop(name): counts.integer(name, 0, 2**53) for name in counts.members()}
        cells = fields.texts("cells", REMEMBERED_CELLS, _CELL, "instants")
        days = fields.texts("days", REMEMBERED_DAYS, _DAY, "days")
        for cell in cells:
            datetime.fromisoformat(cell)
        for day in days:
            date.fromisoformat(day)
        sequence = fields.integer("sequence", 0, MAX_SEQUENCE)
        return cls(path, sequence, list(cells), list(days), Counter(drops))

    def save(self) -> None:
        """Write the ledger whole. Raises OSError when the disk refuses."""
        stored = {
            "format": FORMAT,
            "sequence": self.sequence,
            "drops": dict(self.drops),
            "days": self.days,
            "cells": self.cells,
        }
        write_whole(self.path, dump(stored))

    def noting(self, sequence: int, cell: str, day: str | None) -> "Ledger":
        """Return a ledger that remembers, too, that a cell (and a day) went out under a number."""
        return replace(
            self,
            sequence=max(self.sequence, sequence),
            cells=_with(self.cells, cell, REMEMBERED_CELLS),
            days=_with(self.days, day, REMEMBERED_DAYS),
        )


def _with(known: list[str], new: str | None, at_most: int) -> list[str]:
    return known if new is None or new in known else [*known, new][-at_most:]
