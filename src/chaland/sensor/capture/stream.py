"""The bytes of a capture through one preallocated buffer.

Raw addresses pass here, so nothing is copied into Python objects that can't be erased: bytes go
from the kernel into the buffer, and are overwritten there before the next read.
"""

import time
from collections.abc import Generator
from io import FileIO
from select import select
from typing import Protocol

from chaland.sensor.capture.compressed import GzipReader
from chaland.sensor.capture.source import CaptureProblem, Record

LARGEST_FRAME = 262_144
"""Bytes; libpcap's own bound on a record. A length above it is a broken or hostile file."""
BUFFER_SIZE = 2 * LARGEST_FRAME
READ_SIZE = 65_536
"""Small enough to stay in a core's cache between being read and being decoded."""
TICK_S = 1.0
GATHER_S = 0.01
"""A pipe that trickles is left to gather this long: waking up costs ten times what a frame does.
The frames wait in the kernel meanwhile, not in the buffer."""
_TRICKLE = 4096
PROBLEMS_MAX = 100
"""A broken file may hold a problem per record; the list must not grow with the file."""

_ZEROS = memoryview(bytes(BUFFER_SIZE))

Waiting = Generator[Record, None, bool]
"""Yields ticks while it waits; returns whether the bytes asked for came."""


class Reader(Protocol):
    """Where the bytes come from: a raw file, or the decompressor before one."""

    @property
    def pending(self) -> bool:
        """Whether there is more to give without waiting for the descriptor."""

    def readinto(self, view: memoryview, /) -> int | None:
        """Fill the start of ``view``; 0 at the end, ``None`` if nothing is there yet."""

    def fileno(self) -> int:
        """Return the descriptor to wait on."""


class RawReader(FileIO):
    """An uncompressed capture."""

    pending = False


class ByteStream:
    """A window that slides over a capture: ``buffer[at:filled]`` is read but not consumed.

    Formats ask with :meth:`reach` for the next bytes and consume by moving ``at`` on.
    """

    def __init__(
        self,
        name: str,
        reader: Reader,
        *,
        waits: bool = False,
        wall_clock: bool = False,
        buffer: bytearray | None = None,
    ) -> None:
        """Read from ``reader``; ``waits``: it is a pipe, so tick while nothing arrives.

        Ticks go on from the last frame's time; with ``wall_clock`` they are this machine's time
        from the start, for captures stamped by this machine's kernel.
        """
        self.name = name
        self.reader = reader
        self.buffer = bytearray(BUFFER_SIZE) if buffer is None else buffer
        self.at = 0
        self.filled = 0
        self.link_type = -1
        self.problems: list[CaptureProblem] = []
        self.spoiled = False
        """The bytes last reached were overwritten because they stalled: use none of them."""
        self.time_us = 0
        """Time of the last frame, for the ticks after it."""
        self._view = memoryview(self.buffer)
        self._base = 0
        self._waits = waits
        self._wall_clock = wall_clock
        self._arrived_s = time.monotonic()
        self._pending_spoiled = False
        self._trickles = False

    @property
    def offset(self) -> int:
        """Position of ``at`` in the (decompressed) capture, in bytes."""
        return self._base + self.at

    def problem(self, reason: str, at: int | None = None) -> None:
        """Note what can't be read at buffer offset ``at`` (the current position by default)."""
        if len(self.problems) < PROBLEMS_MAX:
            offset = self._base + (self.at if at is None else at)
            self.problems.append(CaptureProblem(self.name, offset, reason))

    def cut_short(self, what: str) -> None:
        """Note that the capture ended inside ``what``, unless a reading error explains it."""
        if self.problems and self.problems[-1].reason.startswith(_READING_FAILED):
            return
        self.problem(
            f"the capture ends inside {what}: {self.filled - self.at} bytes of it are there. "
            "It was cut off while being written or copied; all before it was read. "
            "Copy it again if the original is longer"
        )

    def reach(self, size: int, keep: int) -> Waiting:
        """Make ``buffer[at:at + size]`` available; return False if the capture ends before.

        ``size`` is at most ``LARGEST_FRAME`` and some. If the bytes stall for longer than a
        tick, all but the first ``keep`` (a record's header) are overwritten and ``spoiled`` says
        so when the rest has come: half a frame must not wait in memory either.
        """
        self._slide()
        while self.filled < size:
            count = self._read()
            if count == 0:
                return False
            if count is None:
                self._forget(keep)
                yield (self._now_us(), 0, 0, 0)
        self.spoiled, self._pending_spoiled = self._pending_spoiled, False
        return True

    def skip(self, size: int) -> Waiting:
        """Consume ``size`` bytes, however many, without interpreting them."""
        while size > self.filled - self.at:
            size -= self.filled - self.at
            self.at = self.filled
            if not (yield from self.reach(1, 0)):
                return False
        self.at += size
        return True

    def decompress(self) -> None:
        """Read on through gzip; the bytes read so far are the start of the compressed data."""
        if isinstance(self.reader, RawReader):
            first = bytes(self._view[self.at : self.filled])
            self.reader = GzipReader(self.reader, first)
            self.erase()
            self._base = 0

    def erase(self) -> None:
        """Consume and overwrite all that was read."""
        self.at = self.filled
        self._slide()

    def _slide(self) -> None:
        """Move what is not consumed to the buffer's start and overwrite all the rest."""
        rest = self.filled - self.at
        view = self._view
        if rest and self.at:
            view[:rest] = view[self.at : self.filled]
        view[rest : self.filled] = _ZEROS[: self.filled - rest]
        self._base += self.at
        self.at, self.filled = 0, rest

    def _forget(self, keep: int) -> None:
        if self.filled > keep:
            self._view[keep : self.filled] = _ZEROS[: self.filled - keep]
            self._pending_spoiled = True

    def _read(self) -> int | None:
        """Read once; return 0 at the end, ``None`` if nothing came within a tick."""
        must_wait = self._waits and not self.reader.pending
        if must_wait and not select([self.reader], [], [], TICK_S)[0]:
            return None
        if must_wait and self._trickles:
            time.sleep(GATHER_S)
        try:
            count = self.reader.readinto(self._view[self.filled : self.filled + READ_SIZE])
        except (OSError, EOFError, ValueError) as error:
            self.problem(f"{_READING_FAILED} ({error}). All before it was read", self.filled)
            return 0
        if count:
            self.filled += count
            self._trickles = count < _TRICKLE
            self._arrived_s = time.monotonic()
        return count

    def _now_us(self) -> int:
        if self._wall_clock or not self.time_us:
            return time.time_ns() // 1000
        return self.time_us + int((time.monotonic() - self._arrived_s) * 1e6)


_READING_FAILED = "reading failed here"
