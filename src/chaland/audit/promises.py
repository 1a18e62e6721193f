"""What was promised, written down a second time: the audit judges by this, not by the code.

From the estimand table and the checklist (docs/explanation/privacy-mechanism.md).
"""

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
