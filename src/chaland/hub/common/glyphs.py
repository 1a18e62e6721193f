"""What the print can show: a sign outside the poster's font would make Typst refuse the whole page.

The templates use Libertinus Serif alone (``fallback: false``): with fallback, whether a sign is
shown depends on its neighbours.
"""

import unicodedata
from collections.abc import Iterator, Mapping

IN_PLACE = "□"
"""Where the font lacks a sign: seen as such, and never a page that can't be printed."""

_RANGES = (
    (0x20, 0x7E),
    (0xA0, 0xAC),
    (0xAE, 0x17F),  # Latin; 0xAD is the soft hyphen
    (0x218, 0x21B),
    (0x384, 0x38A),
    (0x38C, 0x38C),
    (0x38E, 0x3A1),
    (0x3A3, 0x3CE),  # Greek
    (0x400, 0x45F),  # Cyrillic
    (0x1E9E, 0x1E9E),
    (0x1EA0, 0x1EF9),  # Latin with two accents
    (0x2010, 0x2015),
    (0x2018, 0x201E),
    (0x2020, 0x2022),
    (0x2026, 0x2026),
    (0x202F, 0x2030),
    (0x2032, 0x2033),
    (0x2039, 0x203A),
    (0x2044, 0x2044),
    (0x2070, 0x2071),
    (0x2074, 0x207E),
    (0x20AC, 0x20AC),
    (0x2116, 0x2116),
    (0x2122, 0x2122),
    (0x2190, 0x2195),
    (0x2212, 0x2212),
    (0x2260, 0x2260),
    (0x2264, 0x2265),
    (0x25A1, 0x25A1),
)
"""Of what the font holds, in every style that the templates use, what texts of towns need."""

SIGNS = frozenset(chr(code) for first, last in _RANGES for code in range(first, last + 1))


def printable(text: str) -> str:
    """Return a text as it can be printed, on one line: marks that steer a line's direction or join
    signs go, any other sign that the font lacks becomes `IN_PLACE`."""
    return "".join(_shown(unicodedata.normalize("NFC", text)))


def printable_whole(value: object) -> object:
    """Return JSON data with each text in it (not the names of members) as it can be printed."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {name: printable_whole(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable_whole(part) for part in value]
    return value


def lacking(text: str) -> str:
    """Return the signs of a text that the print shows as `IN_PLACE`, each once, in order."""
    shown = (each for each in unicodedata.normalize("NFC", text) if each not in SIGNS)
    return "".join(dict.fromkeys(each for each in shown if "".join(_shown(each)) == IN_PLACE))


def _shown(text: str) -> Iterator[str]:
    for sign in text:
        category = unicodedata.category(sign)
        if sign in SIGNS:
            yield sign
        elif category in ("Cc", "Zl", "Zp", "Zs"):
            yield " "
        elif category not in ("Cf", "Mn", "Me"):
            yield IN_PLACE
