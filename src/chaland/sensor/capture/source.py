"""What every source of frames looks like to the pipeline, live or replayed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Record: TypeAlias = tuple[int, int, int, int]
"""(time in microseconds since the epoch, start, end, original length).

``start`` and ``end`` are offsets into the source's buffer and hold until the iterator's next
step; ``original_length`` is the frame's length before the capture cut it. A record with
``start == end == 0`` is a tick: nothing arrived, only the time went on.
"""


@dataclass(frozen=True, slots=True)
class CaptureProblem:
    """Something in a capture that could not be read, told so that one can act on it."""

    file: str
    offset: int
    """Where, in bytes from the start of the (decompressed) capture."""
    reason: str
    """What is wrong, and what to do."""

    def __str__(self) -> str:
        return f"{self.file}, byte {self.offset}: {self.reason}"


class FrameSource(Protocol):
    """A stream of captured frames, each valid in ``buffer`` until the next step.

    Iterating never raises because of what was captured: a broken capture yields what could be
    read, then ends, and ``problems`` says why. Live sources yield a tick at least once a second
    while nothing arrives, and have overwritten consumed frames before they wait.
    """

    @property
    def buffer(self) -> bytearray:
        """The one reused buffer; the same object for the life of the source."""

    @property
    def link_type(self) -> int:
        """Of the record yielded last: 127 radiotap, 105 bare 802.11, 119 Prism or AVS."""

    @property
    def problems(self) -> Sequence[CaptureProblem]:
        """What could not be read so far."""

    def __iter__(self) -> Iterator[Record]:
        """Yield the records in the order of capture."""
