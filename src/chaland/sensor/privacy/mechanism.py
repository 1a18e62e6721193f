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
_VISITS = {"arrivals": Noised(1, "0.48"), "passers_by": Noised(1, "0.48")}
"""One budget for both: a visit moves one of them, in a cell, by one, so 0.48 is spent once. An
address that is forgotten and comes back within a cell (at most three visits fit) spends it again.
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
    dwell_edges_s: tuple[int, ...] = (0, 60, 300, 900, 1800, 3600, 7200)

    fingerprint_slot_s: int = 60
    scan_slot_s: int = 5
    strict_rssi_step_db: int = 5

    window_capacity: int = 16_384
    """Distinct addresses in five minutes: ten times a busy town's."""
    visit_capacity: int = 4_096
    """Followable devices present at once."""
    flood: Noised = Noised(1, "0.02")
    """The test whether the visit table came near its capacity (see ``flood_level``)."""
    flood_margin: int = 1_400
    """P(noise <= -1,400 at scale 50) < 1e-12: the chance to miss a table that was full."""

    @property
    def flood_level(self) -> int:
        """From this noised number of devices on, arrivals and passers-by are withheld."""
        return self.visit_capacity - self.flood_margin


DEFAULT_MECHANISM = Mechanism()
