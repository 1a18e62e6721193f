"""Frame in, observation out: radio headers, the 802.11 header, and the elements in use."""

from chaland.sensor.decode.frame import (
    LINK_AVS,
    LINK_BARE,
    LINK_PRISM,
    LINK_RADIOTAP,
    decode,
    elements,
    ssid_ends_with,
    ssid_equals,
)
from chaland.sensor.decode.observation import Fcs, Kind, Observation

__all__ = [
    "LINK_AVS",
    "LINK_BARE",
    "LINK_PRISM",
    "LINK_RADIOTAP",
    "Fcs",
    "Kind",
    "Observation",
    "decode",
    "elements",
    "ssid_ends_with",
    "ssid_equals",
]
