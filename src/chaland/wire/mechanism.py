"""What is counted, how it is clipped, and how much noise hides one address: one place.

Sensors obey it, the hub refuses what spends more, the impact assessment is generated from it.
``annex_digest`` is what the signed charter pins, so that none of the three can drift from the
others. Derivation and proofs: docs/explanation/privacy-mechanism.md. The constants of row E1 were
chosen on real head counts by docs/explanation/counting.md.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import time
from fractions import Fraction
from functools import cache

from chaland.wire.exchange import FILTER_BITS
from chaland.wire.periods import DAY_STARTS_AT, WINDOW_S, WINDOWS_PER_CELL
from chaland.wire.sketch import SKETCH_ROW
from chaland.wire.summary import COUNT_ROWS, DWELL_ROW, Mode


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
        return _scale(self.bound, self.epsilon)


@cache
def _scale(bound: int, epsilon: str) -> Fraction:
    return bound / Fraction(epsilon)


_VISITS = {"arrivals": Noised(1, "0.46"), "passers_by": Noised(1, "0.46")}
"""One budget for both: a visit moves one of them, in one cell, by one, so 0.46 is spent once over
its whole life. An address that is forgotten and comes back spends it again.
"""


def _counts() -> Mapping[Mode, Mapping[str, Noised]]:
    return {
        Mode.DEFAULT: {
            "fingerprints": Noised(WINDOWS_PER_CELL, "0.6"),
            "scans": Noised(WINDOWS_PER_CELL, "0.15"),
            **_VISITS,
        },
        Mode.STRICT: {"scans": Noised(WINDOWS_PER_CELL, "0.75"), **_VISITS},
    }


@dataclass(frozen=True, slots=True)
class SketchMechanism:
    """Row E5: what remembers for a day, deniably, which addresses visited.

    An address has one place in a shop's sketch: BLAKE2b keyed with the town's key of the day,
    modulo ``places``. The first ``bits`` places hold a bit (visited or not), the ``ordered`` ones
    after them a symbol (0 no visit, 1 the last visit came before ``afternoon_from``, 2 after it).
    Each place is a randomised response of epsilon: it tells the truth with probability
    e^epsilon / (e^epsilon + k - 1), k being 2 for a bit and 3 for a symbol.
    """

    epsilon: str = "2"
    bits: int = 3072
    ordered: int = 512
    afternoon_from: time = time(14)

    @property
    def places(self) -> int:
        return self.bits + self.ordered


@dataclass(frozen=True, slots=True)
class ObjectionMechanism:
    """Who objects is left out by one bit of the filter of ``bits``, asked for by name or button."""

    bits: int = FILTER_BITS
    new_in_a_window: int = 64
    """New bits that one sensor sets in a window at most, whatever is transmitted near it: a dozen
    phones that object under an address of each scan."""
    new_in_a_day: int = 128
    """And in a local day: so many places of the sketch forged objections can draw anew at most."""
    button_s: int = 60
    button_rssi_dbm: int = -45
    """For so long the button bars what is heard at least so strongly: within about two metres."""
    button_addresses: int = 8
    """A press bars so many addresses at most, the first heard."""
    presses_in_a_day: int = 12
    """Together fewer than ``new_in_a_day``: the button can't keep a register of who is there."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """The whole mechanism of one sensor. Times in seconds; counts by their name on the wire."""

    counts: Mapping[Mode, Mapping[str, Noised]] = field(default_factory=_counts)
    dwell: Noised = Noised(1, "0.25")
    """One visit changes one bin by one. The table forgets, so how often an address came in a day
    can't be capped."""
    dwell_edges_s: tuple[int, ...] = (60, 300, 600, 1200, 2400, 4200, 7200)
    """Bins of stays. The first edge is the minimum stay: below it nobody arrived."""

    sketch: SketchMechanism = SketchMechanism()
    objection: ObjectionMechanism = ObjectionMechanism()

    linger_s: int = 300
    """From the last sighting of a followable address to the zeroing of its row."""
    stay_at_most_s: int = 7200
    """No row remembers its times for longer."""

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
        """Most that one visit (a life in the table) loses by rows E2 to E4, over all its cells.

        Row E5 is not in it: its loss is of an address and a day, however often it visits.
        """
        flow = Fraction(self.counts[Mode.DEFAULT]["arrivals"].epsilon)
        return flow + 2 * Fraction(self.flood.epsilon) + Fraction(self.dwell.epsilon)


DEFAULT_MECHANISM = Mechanism()


def annex(mechanism: Mechanism = DEFAULT_MECHANISM) -> dict[str, object]:
    """Return everything that decides what is released, as JSON members: the assessment's annex."""
    members = asdict(mechanism)
    members["counts"] = {
        mode.value: {
            name: {"row": COUNT_ROWS[name], "bound": noised.bound, "epsilon": noised.epsilon}
            for name, noised in counts.items()
        }
        for mode, counts in mechanism.counts.items()
    }
    members["sketch"]["afternoon_from"] = f"{mechanism.sketch.afternoon_from:%H:%M}"
    periods = {
        "window_s": WINDOW_S,
        "windows_per_cell": WINDOWS_PER_CELL,
        "day_starts_at": f"{DAY_STARTS_AT:%H:%M}",
    }
    rows = {"dwell_row": DWELL_ROW, "sketch_row": SKETCH_ROW}
    return {"format": "chaland.annex/1"} | periods | rows | members


def annex_digest(mechanism: Mechanism = DEFAULT_MECHANISM) -> str:
    """Return the SHA-256 of the annex in its one spelling, 64 hexadecimal digits."""
    spelt = json.dumps(annex(mechanism), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(spelt.encode("ascii")).hexdigest()
