"""What the spool must never forget: the last sequence number, the cells released, the drops."""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from chaland.sensor.uplink.durable import write_whole
from chaland.sensor.uplink.reasons import UplinkDrop

FORMAT = "chaland.ledger/1"
REMEMBERED_CELLS = 32 * 96
"""A month of cells: as far back as the hub takes them."""
REMEMBERED_DAYS = 32


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
            stored = json.loads(path.read_bytes())
            if stored["format"] != FORMAT:
                raise ValueError(stored["format"])
            drops = Counter({UplinkDrop(name): int(n) for name, n in stored["drops"].items()})
            cells = [str(cell) for cell in stored["cells"]]
            days = [str(day) for day in stored["days"]]
            return cls(path, int(stored["sequence"]), cells, days, drops)
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls(path, drops=Counter({UplinkDrop.LEDGER_UNREADABLE: 1}))

    def save(self) -> None:
        """Write the ledger whole. Raises OSError when the disk refuses."""
        stored = {
            "format": FORMAT,
            "sequence": self.sequence,
            "drops": dict(self.drops),
            "days": self.days,
            "cells": self.cells,
        }
        write_whole(self.path, json.dumps(stored).encode())

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
