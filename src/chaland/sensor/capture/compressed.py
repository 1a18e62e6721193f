"""Gzip, decompressed into the caller's buffer with bounded memory.

The standard library's reader loses what it had already decompressed of a chunk when the chunk is
damaged; here everything up to the damage is handed out first.
"""

import zlib
from io import FileIO

_CHUNK = 32_768
_GZIP = 31
"""zlib's window size and format code: the largest window, with a gzip header and checksum."""

MAGIC = b"\x1f\x8b"


class GzipReader:
    """A :class:`~chaland.sensor.capture.stream.Reader` of (concatenated) gzip members.

    For replay: zlib keeps the last 32 KiB of plain text in memory of its own, so a live capture
    should come uncompressed.
    """

    def __init__(self, raw: FileIO, first: bytes) -> None:
        """Read from ``raw``, whose ``first`` bytes were read already."""
        self._raw = raw
        self._input = first
        self._member = zlib.decompressobj(_GZIP)
        self._damage: zlib.error | None = None

    @property
    def pending(self) -> bool:
        """Whether there is more to give without waiting for the descriptor."""
        return bool(self._input)

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._raw.fileno()

    def readinto(self, view: memoryview) -> int | None:
        """Fill the start of ``view``; raise ``EOFError`` or ``ValueError`` where damaged."""
        if self._damage:
            raise ValueError(f"the gzip data is damaged: {self._damage}")
        while True:
            if not self._input:
                self._input = self._raw.read(_CHUNK) or b""
                if not self._input:
                    return self._end()
            plain = self._inflate(len(view))
            if plain:
                view[: len(plain)] = plain
                return len(plain)
            if self._damage:
                raise ValueError(f"the gzip data is damaged: {self._damage}")

    def _end(self) -> int:
        if not self._member.eof:
            raise EOFError("the gzip data is cut off")
        return 0

    def _inflate(self, limit: int) -> bytes:
        if self._member.eof:
            self._input = self._input.lstrip(b"\0")  # padding between members is allowed
            if not self._input:
                return b""
            self._member = zlib.decompressobj(_GZIP)
        before = self._member.copy()
        try:
            plain = self._member.decompress(self._input, limit)
        except zlib.error as damage:
            self._damage = damage
            return self._rescue(before, limit)
        self._input = self._member.unconsumed_tail or self._member.unused_data
        return plain

    def _rescue(self, member: "zlib._Decompress", limit: int) -> bytes:
        """Decompress the damaged chunk byte by byte up to the damage."""
        plain = bytearray()
        for at in range(len(self._input)):
            try:
                plain += member.decompress(self._input[at : at + 1], limit - len(plain) or 1)
            except zlib.error:
                break
            if len(plain) >= limit:
                break
        return bytes(plain[:limit])
