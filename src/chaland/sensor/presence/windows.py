"""Counts of one window (five minutes) from probe requests: rows E1 of the estimand table.

Rule: of each address only the *first* frame of the window counts. It makes two pairs, (label,
minute) and (label, 5-second slot); the window's counts are the numbers of distinct pairs:
``fingerprints`` for minutes, ``scans`` for slots. Strict mode has the second only.

Why one address moves each count by at most 1 a window, whatever it sends and however full the
table is. The table is append-only within a window and takes the first ``capacity`` distinct
addresses; row i holds the pairs of its address's first frame and depends on nothing else. Take
out all frames of address a. If a had no row, nothing changes. If it had one, its row goes, and (if
the table was full) the first refused address gets a row: as a set of rows, one is removed and at
most one added. The number of distinct values of a set of rows changes by at most 1 when one row is
replaced. Three windows a cell: bound 3. (tests/sensor/presence/test_bounds.py)

All state is hashed under a key of the window's own, which is overwritten when the window closes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaland.sensor.decode import Observation
from chaland.sensor.drops import Drop
from chaland.sensor.presence.fingerprint import Label
from chaland.sensor.privacy.keys import Key, Pointer, Token
from chaland.wire.mechanism import Mechanism
from chaland.wire.summary import Mode

_MINUTES, _SLOTS = 1, 2
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """Exact counts of a window; they stay in memory."""

    fingerprints: int
    scans: int


class WindowTable:
    """The addresses of one window, as hashes, with the two pairs of each one's first frame."""

    def __init__(self, mechanism: Mechanism, mode: Mode) -> None:
        self._mechanism = mechanism
        self._strict = mode is Mode.STRICT
        size = mechanism.window_capacity
        self._addresses: NDArray[np.uint64] = np.zeros(size, np.uint64)
        self._minutes: NDArray[np.uint64] = np.zeros(size, np.uint64)
        self._slots: NDArray[np.uint64] = np.zeros(size, np.uint64)
        self._mask: NDArray[np.bool_] = np.zeros(size, np.bool_)
        self._used = 0
        self._key = Key()
        self._token = Token()
        self._label = Label()

    def count(
        self, buffer: bytearray, frame: Pointer, observation: Observation, in_window_us: int
    ) -> Drop | None:
        """Count a probe request ``in_window_us`` after the window's start."""
        self._token.hash(self._key, frame + observation.address_at)
        known, full = self._row() >= 0, self._used == self._addresses.size
        if known or full:
            self._token.zero()
            return None if known else Drop.WINDOW_TABLE_FULL
        row = self._used
        self._used += 1
        self._token.store(self._addresses, row)
        mechanism, label = self._mechanism, self._label
        if self._strict:
            label.set_signal(observation.rssi_dbm or 0, mechanism.strict_rssi_step_db)
        else:
            label.set_fingerprint(buffer, frame, observation)
            self._pair(self._minutes, row, _MINUTES, mechanism.fingerprint_slot_s, in_window_us)
        self._pair(self._slots, row, _SLOTS, mechanism.scan_slot_s, in_window_us)
        label.zero()
        self._token.zero()
        return None

    def forget(self, address: Pointer) -> None:
        """Remove an objecting address. Its row stays taken: rows are given once a window."""
        self._token.hash(self._key, address)
        row = self._row()
        if row >= 0:
            self._addresses[row] = self._minutes[row] = self._slots[row] = 0
        self._token.zero()

    def close(self) -> WindowCounts:
        """Return the window's counts; zero its table and its key, and begin the next window."""
        counts = WindowCounts(self._distinct(self._minutes), self._distinct(self._slots))
        self.wipe()
        return counts

    def wipe(self) -> None:
        """Zero the table and change the key."""
        for column in (self._addresses, self._minutes, self._slots):
            column[: self._used] = 0
        self._mask[: self._used] = False
        self._used = 0
        self._key.renew()

    def zero(self) -> None:
        """End: nothing is left, not even a key."""
        self.wipe()
        self._token.zero()
        self._key.zero()

    def _row(self) -> int:
        """Return the row whose address hash is the token's, or -1. No copy is made."""
        used = self._used
        if not used:
            return -1
        mask = self._mask[:used]
        np.equal(self._addresses[:used], self._token.value, out=mask)
        row = int(mask.argmax())
        return row if mask[row] else -1

    def _pair(
        self, column: NDArray[np.uint64], row: int, purpose: int, slot_s: int, in_window_us: int
    ) -> None:
        slot = in_window_us // (slot_s * _US)
        self._token.hash(self._key, self._label.at, self._label.tag(purpose, slot))
        self._token.store(column, row)

    def _distinct(self, column: NDArray[np.uint64]) -> int:
        """Count distinct nonzero values, sorting in place (the window is over)."""
        rows = column[: self._used]
        if not rows.size:
            return 0
        rows.sort()
        changes = self._mask[: rows.size - 1]
        np.not_equal(rows[1:], rows[:-1], out=changes)
        distinct = int(np.count_nonzero(changes)) + 1
        return distinct - int(rows[0] == 0)
