"""Text as mail carries it: quoted-printable lines (RFC 2045) and encoded words in headers (RFC
2047). Made for splicing: whatever is encoded here ends where another piece may begin."""

import re
import string

_LINE = 75  # characters before the ``=`` of a soft break
_SAFE = re.compile(rb"[ !-,/-<>-~][ !-<>-~]{0,71}")
_HEADER_PLAIN = re.compile(r"(?!.*=\?)[ -~]{0,60}")
_UNITS = [
    bytes([n]) if 32 <= n <= 126 and n != 61 else b"=%02X" % n for n in range(256)
]  # fmt: skip

_UNIT_OF = {c: c for c in string.ascii_letters + string.digits} | {" ": "_"}


def soft(text: str) -> bytes:
    """Encode a value without line breaks as lines that all end softly; b"" of nothing."""
    data = text.encode()
    if _SAFE.fullmatch(data):
        return data + b"=\r\n"
    return _wrapped(data) + b"=\r\n" if data else b""


def quoted(text: str) -> bytes:
    """Encode text: each of its line breaks hard, its end soft, so that a value may follow."""
    lines = text.split("\n")
    done = []
    for line in lines[:-1]:
        encoded = _wrapped(line.encode())
        if encoded.endswith(b" "):
            encoded = encoded[:-1] + b"=20"
        done.append(encoded + b"\r\n")
    return b"".join(done) + soft(lines[-1])


def _wrapped(data: bytes) -> bytes:
    """Wrap at 75 characters, never within an escape; no line begins with a point (SMTP)."""
    lines: list[bytes] = []
    line: list[bytes] = []
    length = 0
    for byte in data:
        unit = b"=2E" if byte == 46 and not length else _UNITS[byte]
        if length + len(unit) > _LINE - 2:  # room for the last space to become =20
            lines.append(b"".join(line) + b"=\r\n")
            line, length = [], 0
            unit = b"=2E" if byte == 46 else unit
        line.append(unit)
        length += len(unit)
    return b"".join(lines) + b"".join(line)


def header(text: str) -> bytes:
    """Encode a header's free text: as it is, where that is short and plain."""
    return text.encode() if _HEADER_PLAIN.fullmatch(text) else words(text)


def words(text: str) -> bytes:
    """Encode text as words of at most 64 characters, each on a line of its own; spaces between two
    such words are not read."""
    done, word = [], ""
    for character in text:
        piece = _UNIT_OF.get(character) or "".join(f"={byte:02X}" for byte in character.encode())
        if len(word) + len(piece) > 50:
            done.append(word)
            word = ""
        word += piece
    return "\r\n ".join(f"=?utf-8?q?{each}?=" for each in (*done, word)).encode()


def mailbox(name: str, address: str) -> bytes:
    """Encode a name and its address; the address has a line of its own if both are too long."""
    if _HEADER_PLAIN.fullmatch(name):
        words = b'"%s"' % re.sub(r'(["\\])', r"\\\1", name).encode()
    else:
        words = header(name)
    last = len(words.rpartition(b"\n")[2]) + len(address)
    return words + (b"\r\n <" if last > 64 else b" <") + address.encode() + b">"
