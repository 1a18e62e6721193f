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
