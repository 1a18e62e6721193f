"""What a text message costs: its encoding, its segments, and how to write it cheaper. No Django.

The default alphabet and its extension are those of 3GPP TS 23.038 (formerly GSM 03.38), §6.2.1;
the room of a segment that of TS 23.040 §9.2.3.24.1 (140 octets, six of them taken by the header
that joins segments). assets/src/loyalty/sms.js says the same to the editor, and tests/golden/sms
holds cases that both must answer alike. Change both, never one.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
"""These cost two: an escape, and themselves."""

INSTEAD = {
    **dict.fromkeys("’‘‚‛′´`ʼ", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‹›", "'"),
    **dict.fromkeys("‐‑‒–—―−•", "-"),
    **dict.fromkeys("\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007", " "),
    **dict.fromkeys("\u2008\u2009\u200a\u202f\u205f\u3000", " "),
    **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),
    **dict.fromkeys("\u2028\u2029\u0085\v", "\n"),
    **{"œ": "oe", "Œ": "OE", "ẞ": "SS", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i"},
    **{"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "µ": "u", "μ": "u", "°": "o", "·": ".", "×": "x"},
    **{"÷": "/", "⁄": "/", "©": "(c)", "®": "(R)", "→": "->", "¢": "c", "±": "+/-", "¨": '"'},
}
"""What stands for a character that has no decomposition into cheap ones."""

_QUOTED = re.compile("«[ \u00a0\u202f]?|[ \u00a0\u202f]?»")


class Encoding(StrEnum):
    """How a text travels; one character outside the alphabet turns the whole text to UCS-2."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


ROOM = {Encoding.GSM7: (160, 153), Encoding.UCS2: (70, 67)}
"""Units in a message of one segment, and in each of several: septets, or UTF-16 code units."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What the editor shows: ``left`` units fit in before another segment is paid;
    ``culprits`` are the characters that force UCS-2, each once, in order of appearance."""

    encoding: Encoding
    segments: int
    left: int
    culprits: tuple[str, ...]


def looked(text: str) -> Looked:
    """Count a whole text (placeholders filled, STOP line added) as a gateway will."""
    parts, encoding = parted(text)
    alone, joined = ROOM[encoding]
    used = sum(_unit(character, encoding) for character in parts[-1])
    left = (alone if len(parts) == 1 else joined) - used
    return Looked(encoding, len(parts), left, tuple(_culprits(text)))


def parted(text: str) -> tuple[list[str], Encoding]:
    """The segments of a text: no escaped character and no surrogate pair is ever cut in two."""
    encoding = Encoding.GSM7 if is_gsm(text) else Encoding.UCS2
    alone, joined = ROOM[encoding]
    if sum(_unit(character, encoding) for character in text) <= alone:
        return [text], encoding
    parts, start, used = [], 0, 0
    for place, character in enumerate(text):
        units = _unit(character, encoding)
        if used + units > joined:
            parts.append(text[start:place])
            start, used = place, 0
        used += units
    return [*parts, text[start:]], encoding


def is_gsm(text: str) -> bool:
    """Whether each character is in the default alphabet or its extension."""
    return all(character in BASIC or character in EXTENSION for character in text)


def transliterated(text: str) -> str:
    """The text with only those characters changed that would force UCS-2 and have an equal in the
    cheap alphabet: ``ê`` to ``e``, ``œ`` to ``oe``, ``«`` to ``"``; à é è ù and € stay.

    What has no equal (emoji, other scripts) stays as it is: `looked` then names it.
    """
    composed = unicodedata.normalize("NFC", text)
    return "".join(_cheap(character) for character in _QUOTED.sub('"', composed))


def _cheap(character: str) -> str:
    if is_gsm(character):
        return character
    if character in INSTEAD:
        return INSTEAD[character]
    found = ""
    for piece in unicodedata.normalize("NFKD", character):
        if not unicodedata.category(piece).startswith("M"):
            found += INSTEAD.get(piece, piece)
    return found if found.strip() and is_gsm(found) else character


def _unit(character: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM7:
        return 2 if character in EXTENSION else 1
    return 2 if character > "\uffff" else 1


def _culprits(text: str) -> Iterator[str]:
    seen = set()
    for character in text:
        if character not in BASIC and character not in EXTENSION and character not in seen:
            seen.add(character)
            yield character
