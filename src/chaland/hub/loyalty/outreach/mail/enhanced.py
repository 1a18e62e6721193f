"""Enhanced status codes (RFC 3463): what a mail server means, beside what it writes."""

import re

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_NO_SUCH = {"1.0", "1.1", "1.2", "1.3", "1.6", "1.10", "2.1"}
"""Address unknown, bad, moved without a trace, a domain that takes no mail; a mailbox that was
closed. Not 2.2 (full), 7.* (they don't like us), 4.* (the way there)."""


def enhanced_status(text: str) -> str:
    """Return the first ``5.1.1`` in a text; "" without."""
    found = _STATUS.search(text)
    return found[0] if found else ""


def is_bad_address(code: str) -> bool:
    """Say whether ``550 5.1.1``, ``550`` or ``5.1.1`` says that the address does not exist.

    Where there is an enhanced code it alone counts: "550 5.7.1" is a quarrel about us.
    """
    status = enhanced_status(code)
    if status:
        return status[0] == "5" and status.partition(".")[2] in _NO_SUCH
    return code.strip()[:3] in ("550", "551", "553")
