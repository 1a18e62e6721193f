"""The link types of captures: which of them carry 802.11 frames."""

_WIFI = {105: "802.11", 119: "Prism", 127: "radiotap", 163: "AVS"}
_OTHERS = {1: "Ethernet", 113: "Linux cooked", 276: "Linux cooked v2", 192: "PPI", 251: "Bluetooth"}


def is_wifi(link_type: int) -> bool:
    """Tell whether the decoder reads frames of this link type."""
    return link_type in _WIFI


def explain_link_type(link_type: int) -> str:
    """Return what is wrong with a capture of this link type, and what to do."""
    name = f" ({_OTHERS[link_type]})" if link_type in _OTHERS else ""
    return (
        f"link type {link_type}{name} carries no 802.11 frames that can be read here. "
        "Capture on an interface in monitor mode (link type 127, radiotap)"
    )
