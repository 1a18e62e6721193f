"""What is counted, how it is clipped, and how much noise hides one address: one place.

Derivation and proofs: docs/explanation/privacy-mechanism.md. The constants of row E1 were chosen
on real head counts by docs/explanation/counting.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from chaland.wire.summary import Mode


@dataclass(frozen=True, slots=True)
class Noised:
    """How one count is noised.

    ``bound``: the most by which one unit changes the exact count, over all streams. The unit of
    row E1 is a radio address in a cell, of rows E2 to E4 an address-visit (a life in the table).
    ``epsilon``: the privacy loss that its noise costs, as a canonical decimal such as "0.5".
    """

    bound: int
    epsilon: str

    @property
    def scale(self) -> Fraction:
        """The scale of the discrete Laplace noise, exact."""
        return self.bound / Fraction(self.epsilon)


_WINDOWS = 3
_VISITS = {"arrivals": Noised(1, "0.46"), "passers_by": Noised(1, "0.46")}
"""One budget for both: a visit moves one of them, in one cell, by one, so 0.46 is spent once over
its whole life. An address that is forgotten and comes back spends it again.
"""


def _counts() -> Mapping[Mode, Mapping[str, Noised]]:
    return {
        Mode.DEFAULT: {
            "fingerprints": Noised(_WINDOWS, "0.6"),
            "scans": Noised(_WINDOWS, "0.15"),
            **_VISITS,
        },
        Mode.STRICT: {"scans": Noised(_WINDOWS, "0.75"), **_VISITS},
    }


@dataclass(frozen=True, slots=True)
class Mechanism:
    """The whole mechanism of one sensor. Times in seconds; counts by their name on the wire."""

    counts: Mapping[Mode, Mapping[str, Noised]] = field(default_factory=_counts)
    dwell: Noised = Noised(1, "0.25")
    """One visit changes one bin by one. The table forgets, so how often an address came in a day
    can't be capped."""
    dwell_edges_s: tuple[int, ...] = (60, 300, 600, 1200, 2400, 4200, 7200)
    """Bins of stays. The first edge is the minimum stay: below it nobody arrived."""

    fingerprint_slot_s: int = 60
    scan_slot_s: int = 5
    strict_rssi_step_db: int = 5

    window_capacity: int = 16_384
    """Distinct addresses in five minutes: ten times a busy town's."""
    visit_capacity: int = 4_096
    """Followable devices present at once."""
    flood: Noised = Noised(1, "0.02")
    """The test whether the visit table came near its capacity. Such noise is in both numbers that
    it compares: each cell's peak, and the level, which is drawn once until a flood."""
    flood_margin: int = 1_600
    """P(difference of two such noises <= -1,600) < 1e-12: the chance to miss a full table."""

    @property
    def minimum_stay_s(self) -> int:
        """Time from first to latest sighting inside the gate that makes a visitor."""
        return self.dwell_edges_s[0]

    @property
    def flood_level(self) -> int:
        """From about this number of devices on, arrivals and passers-by are withheld."""
        return self.visit_capacity - self.flood_margin

    @property
    def visit_loss(self) -> Fraction:
        """Most that one visit (a life in the table) loses by rows E2 to E4, over all its cells."""
        flow = Fraction(self.counts[Mode.DEFAULT]["arrivals"].epsilon)
        return flow + 2 * Fraction(self.flood.epsilon) + Fraction(self.dwell.epsilon)


DEFAULT_MECHANISM = Mechanism()
