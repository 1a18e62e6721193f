"""Captures from files and from standard input: pcap and pcapng, plain or gzip."""

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from chaland.sensor.capture import compressed, pcap, pcapng
from chaland.sensor.capture.health import Health
from chaland.sensor.capture.source import CaptureProblem, Record
from chaland.sensor.capture.stream import ByteStream, RawReader, Waiting


class StreamSource:
    """The frames of one file or pipe. Iterate once; see :class:`FrameSource`."""

    def __init__(self, name: str, reader: RawReader) -> None:
        """Read from ``reader``; ``name`` is what the messages call it."""
        is_pipe = not stat.S_ISREG(os.fstat(reader.fileno()).st_mode)
        self.health = Health.of_stream() if is_pipe else Health.of_replay()
        self._reader = reader
        self._stream = ByteStream(name, reader, waits=is_pipe)

    @property
    def buffer(self) -> bytearray:
        """The one reused buffer."""
        return self._stream.buffer

    @property
    def link_type(self) -> int:
        """Of the record yielded last."""
        return self._stream.link_type

    @property
    def problems(self) -> Sequence[CaptureProblem]:
        """What could not be read so far."""
        return self._stream.problems

    def __iter__(self) -> Iterator[Record]:
        """Yield the records; erase the buffer and close the file at the end."""
        with self._reader:
            yield from self.health.watch(read_capture(self._stream), self._stream)
            self._stream.erase()


class NoSource:
    """A capture that could not even be opened: no frames, one problem."""

    link_type = -1

    def __init__(self, problem: CaptureProblem) -> None:
        self.buffer = bytearray()
        self.problems = (problem,)
        self.health = Health.of_replay()

    def __iter__(self) -> Iterator[Record]:
        return iter(())


def open_source(path: str | os.PathLike[str]) -> StreamSource | NoSource:
    """Return the source of frames in the file ``path``, or on standard input for ``-``.

    Never raises for what is (not) there: ``problems`` tells it at once.
    """
    name = os.fspath(path)
    try:
        if name == "-":
            return StreamSource("standard input", RawReader(sys.stdin.fileno(), closefd=False))
        return StreamSource(name, RawReader(Path(name)))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return NoSource(CaptureProblem(name, 0, f"can't be opened ({reason}): check the path"))


def read_capture(stream: ByteStream) -> Iterator[Record]:
    """Yield the records of ``stream`` in whichever format its first bytes say."""
    if (yield from _starts(stream)) and stream.buffer.startswith(compressed.MAGIC):
        stream.decompress()
        if not (yield from _starts(stream)):
            return
    start = bytes(stream.buffer[stream.at : stream.at + 4])
    if start in pcap.MAGICS:
        yield from pcap.records(stream)
    elif start == pcapng.MAGIC:
        yield from pcapng.records(stream)
    elif not stream.problems:
        stream.problem(
            f"this is not a capture: it starts with {start.hex(' ')}, where pcap, pcapng or gzip "
            "was expected. Save it as pcap"
        )


def _starts(stream: ByteStream) -> Waiting:
    if (yield from stream.reach(4, 4)):
        return True
    if stream.filled == 0 and not stream.problems:
        stream.problem("the capture is empty: nothing was recorded, or it was not copied")
    return stream.filled > 0
