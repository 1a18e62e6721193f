"""Who is here, of the *followable* devices: arrivals (E2), passers-by (E3), dwell (E4).

Followable: associated devices (data to the access point, association, authentication), and probes
from a globally administered address. A *life* of an address in the table goes from its first
sighting to five minutes without one; then its row is zeroed and nothing remembers it. It also ends
with the local day, with the process, and where the table is wiped.

One life, one count:

- arrival: in the cell in which its time inside the visitor gate (first to latest sighting inside)
  reaches the minimum stay;
- passer-by: at its end, if it was never seen inside that gate;
- neither: it was inside for less than the minimum stay (a bounce, or a printer that is heard every
  six minutes), or still open after 1 h 55 without an arrival;
- dwell: at the end of a life that arrived, last minus first sighting inside, one bin;
- a life that reaches 1 h 55 starts a new row that only remembers that the device *stays*: from then
  on no arrival, no passer-by, no dwell (staff, residents, printers). Any row alive at two hours was
  sighted within its last five minutes, so no row's times live longer than two hours.

Why one visit (a life) moves (arrivals, passers-by), over all cells together, by at most 1 in L1: as
long as the table never refuses anyone, rows do not interact, an address's contribution is the sum
of its lives', and a life is counted in one of the two, in one cell, once.

Where the table did refuse someone, rows interact; ``peak`` lets the pipeline withhold the counts
of such cells by a noised test (docs/explanation/privacy-mechanism.md) and wipe the table.
"""

import numpy as np
from numpy.typing import NDArray

from chaland.sensor.drops import Drop
from chaland.sensor.privacy.keys import Key, Pointer, Token
from chaland.wire.mechanism import Mechanism

_US = 1_000_000

_NOT_ARRIVED, _ARRIVED, _ARRIVED_NOW = 0, 1, 2
"""What was counted of a life: no arrival, one in an earlier cell, one in this cell."""


class VisitTable:
    """Rows of followable devices: token, times in microseconds, what was counted of them."""

    def __init__(self, mechanism: Mechanism) -> None:
        size = mechanism.visit_capacity
        self._tokens: NDArray[np.uint64] = np.zeros(size, np.uint64)
        self._born_us: NDArray[np.int64] = np.zeros(size, np.int64)
        self._last_us: NDArray[np.int64] = np.zeros(size, np.int64)
        self._first_inside_us: NDArray[np.int64] = np.zeros(size, np.int64)
        """0: not inside so far in this life."""
        self._last_inside_us: NDArray[np.int64] = np.zeros(size, np.int64)
        self._stays: NDArray[np.bool_] = np.zeros(size, np.bool_)
        self._arrived: NDArray[np.uint8] = np.zeros(size, np.uint8)
        self._taken: NDArray[np.bool_] = np.zeros(size, np.bool_)
        self._columns = (
            self._tokens, self._born_us, self._last_us, self._first_inside_us,
            self._last_inside_us, self._stays, self._arrived, self._taken,
        )  # fmt: skip
        self._mask: NDArray[np.bool_] = np.zeros(size, np.bool_)
        self._key = Key()
        self._token = Token()
        self._linger_us = mechanism.linger_s * _US
        self._stays_after_us = mechanism.stay_at_most_s * _US - self._linger_us
        self._minimum_stay_us = mechanism.minimum_stay_s * _US
        self._edges_us = np.array(mechanism.dwell_edges_s, np.int64) * _US
        self.dwell: NDArray[np.int64] = np.zeros(len(mechanism.dwell_edges_s) - 1, np.int64)
        """Exact stays by bin since the day began, shape (bins,)."""
        self.arrivals = 0
        self.passers_by = 0
        self.live = 0
        self.peak = 0
        """Most rows taken at once in this cell; ``visit_capacity`` if anyone was refused."""

    def sight(self, address: Pointer, now_us: int, inside: bool) -> Drop | None:
        """Note a followable device; ``inside``: within the visitor gate."""
        self._token.hash(self._key, address)
        row = self._row()
        if row < 0:
            if self.live == self._tokens.size:
                self._token.zero()
                return Drop.VISIT_TABLE_FULL
            row = self._admit(now_us)
        elif now_us - self._born_us[row] >= self._stays_after_us:
            self._renew(row, now_us)
        self._token.zero()
        self._last_us[row] = now_us
        if inside and not self._stays[row]:
            self._come_inside(row, now_us)
        return None

    def forget(self, address: Pointer, is_barred: bool) -> bool:
        """Remove an objecting device, and its life's arrival if that is in the current cell.

        One that can't be barred leaves a row that only remembers that it stays: an empty one would
        let its next frame begin another life, which counts anew, as often as somebody asks in its
        name. Return whether its life had arrived, in this cell or an earlier one.
        """
        self._token.hash(self._key, address)
        row = self._row()
        self._token.zero()
        if row < 0:
            return False
        arrived = bool(self._arrived[row])
        self.arrivals -= int(self._arrived[row] == _ARRIVED_NOW)
        if is_barred:
            self._zero_row(row)
        else:
            self._arrived[row] = _NOT_ARRIVED
            self._renew(row, int(self._born_us[row]))
        return arrived

    def expire(self, now_us: int) -> None:
        """End the lives that were last sighted five minutes ago or earlier."""
        np.less_equal(self._last_us, now_us - self._linger_us, out=self._mask)
        np.logical_and(self._mask, self._taken, out=self._mask)
        for row in np.flatnonzero(self._mask):
            self._end_life(int(row))
            self._zero_row(int(row))

    def end_lives(self) -> None:
        """End the day or the process: who was never inside passed by, open stays have no dwell."""
        np.equal(self._first_inside_us, 0, out=self._mask)
        np.logical_and(self._mask, self._taken, out=self._mask)
        self.passers_by += int(np.count_nonzero(self._mask & ~self._stays))
        self._zero_rows()

    def begin_cell(self) -> None:
        """Start the counts of a new cell; the rows stay."""
        self.arrivals = self.passers_by = 0
        np.minimum(self._arrived, _ARRIVED, out=self._arrived)
        self.peak = self.live

    def begin_day(self) -> None:
        """Start the dwell histogram of a new day."""
        self.dwell[:] = 0

    def wipe(self) -> None:
        """Zero all rows and the cell's counts; the lives in them are counted no further."""
        self._zero_rows()
        self.begin_cell()

    def zero(self) -> None:
        """End: nothing is left, not even the key."""
        self.wipe()
        self.begin_day()
        self._token.zero()
        self._key.zero()

    def _row(self) -> int:
        """Return the row of the token, or -1. No copy is made."""
        np.equal(self._tokens, self._token.value, out=self._mask)
        row = int(self._mask.argmax())
        return row if self._mask[row] and self._taken[row] else -1

    def _admit(self, now_us: int) -> int:
        row = int(self._taken.argmin())
        self._taken[row] = True
        self._token.store(self._tokens, row)
        self._born_us[row] = now_us
        self.live += 1
        self.peak = max(self.peak, self.live)
        return row

    def _renew(self, row: int, now_us: int) -> None:
        """Begin a fresh row for a device that stays; its times are forgotten."""
        self._born_us[row] = now_us
        self._first_inside_us[row] = self._last_inside_us[row] = 0
        self._stays[row] = True

    def _come_inside(self, row: int, now_us: int) -> None:
        if self._first_inside_us[row] == 0:
            self._first_inside_us[row] = now_us
        self._last_inside_us[row] = now_us
        if self._arrived[row]:
            return
        if now_us - self._first_inside_us[row] >= self._minimum_stay_us:
            self._arrived[row] = _ARRIVED_NOW
            self.arrivals += 1

    def _end_life(self, row: int) -> None:
        if self._stays[row]:
            return
        first_us = self._first_inside_us[row]
        if first_us == 0:
            self.passers_by += 1
        elif self._arrived[row]:
            dwell_us = self._last_inside_us[row] - first_us
            self.dwell[np.searchsorted(self._edges_us, dwell_us, side="right") - 1] += 1

    def _zero_row(self, row: int) -> None:
        for column in self._columns:
            column[row] = 0
        self.live -= 1

    def _zero_rows(self) -> None:
        for column in self._columns:
            column[:] = 0
        self.live = 0
