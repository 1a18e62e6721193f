"""A cell before noise (memory only) and after it (what leaves)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from chaland.sensor.privacy.laplace import draw
from chaland.sensor.privacy.random_bits import RandomBits
from chaland.wire.mechanism import Mechanism, Noised
from chaland.wire.sketch import DaySketch
from chaland.wire.summary import CellCounts, Count, DwellCounts, Mode, State

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(time_us: int) -> datetime:
    """Return microseconds since the epoch as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=time_us)


@dataclass(frozen=True, slots=True)
class ExactCell:
    """The true counts of a cell. They never leave memory: tests and noise read them, no log."""

    start: datetime
    windows: int
    state: State
    fingerprints: int
    scans: int
    arrivals: int
    passers_by: int
    peak: int
    """Most rows of the visit table taken at once."""
    dwell_day: date | None
    """The local day that ends with this cell."""
    dwell: tuple[int, ...]
    """Stays by bin; empty unless ``dwell_day``."""
    sketch: DaySketch | None = None
    """The day's co-visits, randomised from the beginning; with ``dwell_day`` at most."""


class Noise:
    """Draws the noise of each cell, once, and withholds what a flooded visit table spoiled.

    After a flood nothing more of the visit table is released that day: the wiped table does not
    know who had been counted, and would let them spend their budget again.

    The flood test is AboveThreshold (Dwork and Roth 2014, algorithm 1; Lyu, Su, Li 2017 for
    counts that all move the same way): one noised level for all cells until a flood, so a visit
    pays for it once, however many cells it is present in.
    """

    def __init__(self, mechanism: Mechanism, mode: Mode, bits: RandomBits) -> None:
        self._mechanism = mechanism
        self._mode = mode
        self._bits = bits
        self._flood_level = self._noised(mechanism.flood, mechanism.flood_level)
        self._flooded_today = False
        self.flooded = False
        """Whether the last released cell was withheld; then the visit table must be wiped."""

    def release(self, exact: ExactCell) -> CellCounts:
        """Return the cell as it leaves. Without an observed window it has no counts."""
        mechanism = self._mechanism
        self.flooded = self._noised(mechanism.flood, exact.peak) >= self._flood_level
        if self.flooded:
            self._flooded_today = True
            self._flood_level = self._noised(mechanism.flood, mechanism.flood_level)
        counts = {
            name: Count(self._noised(noised, getattr(exact, name)), noised.bound, noised.epsilon)
            for name, noised in mechanism.counts[self._mode].items()
            if exact.windows and not (self._flooded_today and name in ("arrivals", "passers_by"))
        }
        dwell = sketch = None
        if exact.dwell_day is not None:
            if not self._flooded_today:
                dwell, sketch = self._dwell(exact, exact.dwell_day), exact.sketch
            self._flooded_today = False
        return CellCounts(
            exact.start, exact.windows, exact.state, self._mode, counts, dwell, sketch
        )

    def _dwell(self, exact: ExactCell, day: date) -> DwellCounts:
        noised = self._mechanism.dwell
        counts = tuple(self._noised(noised, count) for count in exact.dwell)
        return DwellCounts(day, self._mechanism.dwell_edges_s, counts, noised.bound, noised.epsilon)

    def _noised(self, noised: Noised, exact: int) -> int:
        return exact + draw(noised.scale, self._bits)
