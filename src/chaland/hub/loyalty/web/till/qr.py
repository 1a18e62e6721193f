"""An address as a QR that a customer's phone reads off the till."""

from typing import Any

import segno

from chaland.hub.loyalty.web.till.guard import Device


def qr_of(device: Device, path: str) -> dict[str, Any]:
    """Return the SVG and the address."""
    address = f"{device.origin}{path}"
    svg = segno.make(address, error="m").svg_inline(scale=6, border=2, dark="#000", light="#fff")
    # A picture of its own, not part of a page, says what it is.
    return {
        "svg": svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1),
        "address": address,
    }
