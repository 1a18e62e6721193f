"""The spool: summaries wait on disk until the hub has them. It holds summaries and nothing else.

A summary is accepted when ``append`` returns: from then on it survives kill -9 and power cuts,
and is there exactly once. Files are written aside, synced and renamed, so a name in ``queue/``
is a whole summary. The file is written before the ledger; ``Spool`` catches up on opening, so a
sequence number that reached the disk is never given again.
"""

import contextlib
import fcntl
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from chaland.sensor.uplink.durable import TEMPORARY_SUFFIX, sync_directory, write_whole
from chaland.sensor.uplink.ledger import Ledger
from chaland.sensor.uplink.reasons import UplinkDrop
from chaland.wire.errors import WireErrorFinal
from chaland.wire.periods import CELL_S
from chaland.wire.summary import MAX_SEQUENCE, CellCounts, Summary, decode, encode

QUEUED_AT_MOST = 32 * 96
PARKED_AT_MOST = 500
SKETCH_WITHIN = timedelta(hours=24)
"""So long after its local day a sketch is good for anything, here as on the hub."""

_NUMBER = re.compile(r"[0-9]{16}")
_SKETCH = b', "sketch": '
"""Before a sketch in a summary's one spelling, and nowhere else: no text in it is a stranger's."""


class SpoolErrorFinal(Exception):
    """The spool can't be used: another process has it."""


class Spool:
    """Summaries of one sensor waiting in ``directory``; one process at a time.

    ``drops`` counts by reason what was set aside. Raises SpoolErrorFinal when another process
    has the spool open, OSError when the disk refuses.
    """

    def __init__(
        self,
        directory: Path,
        sensor: str,
        *,
        simulated: bool = False,
        queued_at_most: int = QUEUED_AT_MOST,
        parked_at_most: int = PARKED_AT_MOST,
    ) -> None:
        self._sensor, self._simulated = sensor, simulated
        self._queued_at_most, self._parked_at_most = queued_at_most, parked_at_most
        self._queue, self._parked = directory / "queue", directory / "parked"
        for folder in (self._queue, self._parked):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (directory / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise SpoolErrorFinal(
                f"another sensor process uses {directory}: stop it first (systemctl status "
                "chaland-sensor)"
            ) from None
        self._ledger = Ledger.load(directory / "ledger.json")
        self._sketches: dict[int, datetime] = {}
        """When the sketches that wait are too old, by sequence number."""
        self._recover()

    def close(self) -> None:
        """Let another process have the spool."""
        self._lock.close()

    @property
    def sequence(self) -> int:
        """The last sequence number given."""
        return self._ledger.sequence

    def last_cell(self, until: datetime | None = None) -> str:
        """Return the start (ISO) of the latest cell released (until a time); "" for none."""
        cells = self._ledger.cells
        if until is not None:
            cells = [cell for cell in cells if datetime.fromisoformat(cell) <= until]
        return max(cells, default="")

    @property
    def drops(self) -> dict[UplinkDrop, int]:
        return dict(self._ledger.drops)

    def append(self, cell: CellCounts, made_at: datetime) -> int | None:
        """Accept a release for upload; return its sequence number once it is safe on disk.

        Returns None when the cell was released before (counted). Raises OSError when the disk
        refuses; the release is then not accepted.
        """
        if cell.start.isoformat() in self._ledger.cells:
            self.count(UplinkDrop.CELL_REPEATED)
            return None
        if cell.dwell and cell.dwell.day.isoformat() in self._ledger.days:
            self.count(UplinkDrop.DWELL_REPEATED)
            cell = replace(cell, dwell=None)
        if cell.sketch and cell.sketch.day.isoformat() in self._ledger.days:
            self.count(UplinkDrop.SKETCH_REPEATED)
            cell = replace(cell, sketch=None)
        sequence = self._ledger.sequence + 1
        self._store(Summary(self._sensor, sequence, made_at, self._simulated, cell))
        self._make_room()
        return sequence

    def pending(self) -> list[int]:
        """Return the sequence numbers that wait, oldest first."""
        return sorted(_numbers(self._queue.glob("[0-9]*.json")))

    def parked(self) -> list[Path]:
        """Return the files set aside, oldest first; their names hold the reason."""
        return sorted(self._parked.glob("[0-9]*.json"))

    def read(self, sequence: int) -> bytes | None:
        """Return a waiting summary's bytes; None, parked and counted, if the disk spoilt them."""
        path = self._path(sequence)
        body = path.read_bytes()
        try:
            if decode(body).sequence == sequence:
                return body
        except WireErrorFinal:
            pass  # parked and counted below, like a summary under another's number
        self.count(UplinkDrop.UNREADABLE)
        self.park(sequence, UplinkDrop.UNREADABLE)
        return None

    def delete(self, sequence: int) -> None:
        """Forget a summary that the hub has."""
        self._path(sequence).unlink()
        self._sketches.pop(sequence, None)

    def park(self, sequence: int, reason: str) -> None:
        """Set a summary aside, under a name that says why, and without the day's sketch."""
        path = self._path(sequence)
        aside = self._parked / f"{path.stem}.{reason}.json"
        body = path.read_bytes()
        if _SKETCH in body:
            write_whole(aside, _without_sketch(body))
            self.delete(sequence)
            self.count(UplinkDrop.SKETCH_PARKED)
        else:
            path.rename(aside)
            sync_directory(self._parked)
        for oldest in self.parked()[: -self._parked_at_most]:
            oldest.unlink()
            self.count(UplinkDrop.PARKED_FULL)

    def forget_late_sketches(self, now: datetime) -> None:
        """Take sketches off what has waited too long: they are good for nothing any more."""
        for sequence in [each for each, until in self._sketches.items() if now >= until]:
            write_whole(self._path(sequence), _without_sketch(self._path(sequence).read_bytes()))
            del self._sketches[sequence]
            self.count(UplinkDrop.SKETCH_LATE)

    def renumber(self, last_sequence: int) -> None:
        """Give new numbers, above the hub's ``last_sequence``, to all that waits below it."""
        self._ledger.sequence = max(self._ledger.sequence, last_sequence)
        self._ledger.save()
        for sequence in self.pending():
            body = self.read(sequence) if sequence <= last_sequence else None
            if body is not None:
                self._store(replace(decode(body), sequence=self._ledger.sequence + 1))
                self.delete(sequence)

    def count(self, reason: UplinkDrop) -> None:
        """Count something set aside, durably; in memory alone while the disk refuses."""
        self._ledger.drops[reason] += 1
        with contextlib.suppress(OSError):  # the next save of the ledger writes it
            self._ledger.save()

    def _path(self, sequence: int) -> Path:
        return self._queue / f"{sequence:016d}.json"

    def _store(self, summary: Summary) -> None:
        path, ledger = self._path(summary.sequence), self._noting(summary)
        write_whole(path, encode(summary))
        try:
            ledger.save()
        except OSError:
            path.unlink()
            raise
        self._ledger = ledger
        self._note_sketch(summary)

    def _note_sketch(self, summary: Summary) -> None:
        """Remember until when a sketch may wait: it came with the cell that ended its day."""
        if summary.cell.sketch is not None:
            ended = summary.cell.start + timedelta(seconds=CELL_S)
            self._sketches[summary.sequence] = ended + SKETCH_WITHIN

    def _noting(self, summary: Summary) -> Ledger:
        of_day = summary.cell.dwell or summary.cell.sketch
        day = of_day.day.isoformat() if of_day else None
        return self._ledger.noting(summary.sequence, summary.cell.start.isoformat(), day)

    def _make_room(self) -> None:
        for sequence in self.pending()[: -self._queued_at_most]:
            self.delete(sequence)
            self.count(UplinkDrop.SPOOL_FULL)

    def _recover(self) -> None:
        """Clear what a power cut left half done, and catch up with files newer than the ledger."""
        for half in self._queue.parent.rglob(f"*{TEMPORARY_SUFFIX}"):
            half.unlink()
            self.count(UplinkDrop.HALF_WRITTEN)
        known = self._ledger.sequence
        for sequence in self.pending():
            has_sketch = _SKETCH in self._path(sequence).read_bytes()
            if (sequence > known or has_sketch) and (body := self.read(sequence)) is not None:
                summary = decode(body)
                self._note_sketch(summary)
                if sequence > known:
                    self._ledger = self._noting(summary)
        numbers = [*_numbers(self.parked()), *self.pending()]
        self._ledger.sequence = max([self._ledger.sequence, *numbers])
        self._ledger.save()


def _without_sketch(body: bytes) -> bytes:
    """Return a summary's bytes without its sketch, also where the disk spoilt others of them."""
    try:
        summary = decode(body)
    except WireErrorFinal:
        return body.partition(_SKETCH)[0]
    return encode(replace(summary, cell=replace(summary.cell, sketch=None)))


def _numbers(paths: Iterable[Path]) -> list[int]:
    """Return the sequence numbers in the names of files; another's file has none."""
    names = (path.name.split(".")[0] for path in paths)
    numbers = [int(name) for name in names if _NUMBER.fullmatch(name)]
    return [number for number in numbers if number <= MAX_SEQUENCE]
