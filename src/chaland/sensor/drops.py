"""Every reason for which the sensor puts a frame aside, in one closed list.

No frame disappears silently: each is either used or counted under exactly one of these. The
counts are local to the sensor (they derive from phones) and never leave it.
"""

from enum import StrEnum, unique


@unique
class Drop(StrEnum):
    """Why a frame was put aside; the value is the word shown to the technician."""

    # decode: what could not be, or need not be, read
    LINK_TYPE_UNSUPPORTED = "link-type-unsupported"
    """The frame's interface does not deliver 802.11 (for example Ethernet)."""
    RADIO_HEADER_TRUNCATED = "radio-header-truncated"
    """The record ends inside the header that the receiving radio put before the frame."""
    RADIO_HEADER_MALFORMED = "radio-header-malformed"
    """The radio header contradicts itself: unknown version, or fields beyond its own length."""
    FCS_BAD = "fcs-bad"
    """The radio said that the checksum is wrong: nothing in the frame can be trusted."""
    FRAME_TRUNCATED = "frame-truncated"
    """The record ends inside the 802.11 header."""
    PROTOCOL_UNKNOWN = "protocol-unknown"
    """The 802.11 protocol version is not 0."""
    KIND_UNUSED = "kind-unused"
    """A whole frame of a kind that nothing here is counted from (acknowledgements, answers…)."""

    # pipeline: what was read, and must or need not be counted
    OUT_OF_ORDER = "out-of-order"
    """The frame's time lies seconds before that of frames already counted."""
    CELL_RELEASED = "cell-released"
    """The frame's quarter of an hour was released by an earlier process: never drawn twice."""
    HOTSPOT_BEACON = "hotspot-beacon"
    """A beacon from a locally administered address: may be a phone's, so health ignores it."""
    OBJECTED = "objected"
    """The device objects (or shares the filter's bit with one that does)."""
    OBJECTION_OVER_LIMIT = "objection-over-limit"
    """The device asked to be left out, after more new ones than a window or a day takes: the
    visit in progress is not counted, a later one may be."""
    SIGNAL_MISSING = "signal-missing"
    """The radio did not say how strong the frame was, so it has no place on either side."""
    SIGNAL_WEAK = "signal-weak"
    """Weaker than the passer-by gate."""
    NOT_FOLLOWABLE = "not-followable"
    """A probe from a random address outside the visitor gate: nothing can be counted from it."""
    WINDOW_TABLE_FULL = "window-table-full"
    """More distinct addresses in five minutes than the table has rows for."""
    VISIT_TABLE_FULL = "visit-table-full"
    """More followable devices present than the table has rows for: a flood of invented ones."""
