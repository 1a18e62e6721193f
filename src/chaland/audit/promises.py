"""What was promised, written down a second time: the audit judges by this, not by the code.

From the estimand table and the checklist (docs/explanation/privacy-mechanism.md).
"""

import hashlib

from chaland.wire.summary import Mode

PROMISED: dict[Mode, dict[str, tuple[int, str]]] = {
    Mode.DEFAULT: {
        "fingerprints": (3, "0.6"),
        "scans": (3, "0.15"),
        "arrivals": (1, "0.46"),
        "passers_by": (1, "0.46"),
    },
    Mode.STRICT: {"scans": (3, "0.75"), "arrivals": (1, "0.46"), "passers_by": (1, "0.46")},
}
"""Bound and epsilon of each count (rows E1 to E3)."""
PROMISED_DWELL = (1, "0.25")
SKETCH_EPSILON = "2"
"""Row E5: of one address and shop-day, whatever the number of visits."""

DAY_LIMITS = {"E1": "72.0000", "E2": "44.1600", "E3": "0.0000", "E4": "0.2500", "E5": "2.0000"}
"""What one sensor of a shop may spend on a row in a day of 96 quarter hours."""
WINDOW_S, WINDOWS_PER_CELL = 300, 3
MECHANISM = {
    "dwell_edges_s": (60, 300, 600, 1200, 2400, 4200, 7200),
    "linger_s": 300,
    "stay_at_most_s": 7200,
    "objection.bits": 2**16,
    "objection.new_in_a_window": 64,
    "sketch.epsilon": SKETCH_EPSILON,
    "flood.bound": 1,
    "flood.epsilon": "0.02",
}
"""Members of the mechanism that the promise rests on."""


def objection_bit(address: bytes) -> int:
    """Return an address's bit of the objection filter: the format that all sensors share."""
    digest = hashlib.blake2b(address, digest_size=16, person=b"chaland-object-1").digest()
    return int.from_bytes(digest[:2], "little")
