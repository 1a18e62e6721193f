"""Is the street quiet, or the sensor deaf? Told from beacons and from the process only.

Access points send beacons ten times a second, day and night; phones come and go. So nothing here
depends on a frame that a phone sent: the state may leave the sensor.
"""

import time
from collections.abc import Callable, Iterator

from chaland.sensor.capture.source import Record
from chaland.sensor.capture.stream import ByteStream
from chaland.sensor.decode import prism
from chaland.sensor.drops import Drop
from chaland.wire.summary import State

QUIET_S = 120.0
"""Without a beacon for this long, something is wrong: even one distant access point is heard
some ten times in it, though the capture filter passes one beacon in sixteen."""

_BEACON = 0x80
_SENDER_AT = 10
_NOT_GLOBAL = 0b11
"""Bits of an address's first byte: group, or locally administered."""
_RADIOTAP, _BARE = 127, 105
_OLDER_HEADERS = (119, 163)
"""Prism, and AVS: each is found under either number."""

SILENT = (
    "the capture runs, but not one beacon has come since it started: monitor mode may not really "
    "be on, the channel may be unused, or the antenna is missing. Check the channel with "
    "`iw dev`, and that an access point is near"
)
DEAF = (
    "beacons were heard and have stopped: the radio has gone deaf, or the only access point near "
    "was switched off. The street may not be quiet. Unplug and replug the radio"
)
STARTING = "starting to listen"
LISTENING = "listening; no beacon yet"
HEARING = "listening; beacons are heard"


class Health:
    """What a source knows about its own working: a state that may leave, a text that explains."""

    def __init__(self, *, watches: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """``watches``: a live capture, to be judged by its beacons; a replay is always well."""
        self.state = State.OK
        self.message = LISTENING if watches else "reading a capture"
        self.restarts = 0
        """Capture children started again."""
        self._watches = watches
        self._clock = clock
        self._heard_s: float | None = None
        self._started_s = clock()

    @property
    def has_heard(self) -> bool:
        """Whether a beacon came since the capture began."""
        return self._heard_s is not None

    @classmethod
    def of_replay(cls) -> "Health":
        """Return the health of a file."""
        return cls(watches=False)

    @classmethod
    def of_stream(cls) -> "Health":
        """Return the health of a capture that goes on while it is read."""
        return cls(watches=True)

    def fail(self, state: State, message: str) -> None:
        """Note that nothing is captured at present, and why."""
        self.state, self.message = state, message

    def started(self) -> None:
        """Note that the capture has begun (again); its beacons are still to come."""
        self.state, self.message = State.OK, LISTENING
        self._heard_s, self._started_s = None, self._clock()

    def beacon(self) -> None:
        """Note a beacon."""
        self._heard_s = self._clock()
        if self.state is not State.OK or self.message is not HEARING:
            self.state, self.message = State.OK, HEARING

    def judge(self) -> None:
        """Compare the time since the last beacon with :data:`QUIET_S`."""
        now = self._clock()
        if self._heard_s is None:
            if now - self._started_s > QUIET_S:
                self.fail(State.NO_FRAMES, SILENT)
        elif now - self._heard_s > QUIET_S:
            self.fail(State.DEAF, DEAF)

    def watch(self, records: Iterator[Record], stream: ByteStream) -> Iterator[Record]:
        """Pass ``records`` on, noting beacons and their absence."""
        return self._watch(records, stream) if self._watches else records

    def _watch(self, records: Iterator[Record], stream: ByteStream) -> Iterator[Record]:
        buffer = stream.buffer
        judged_s = self._clock()
        for record in records:
            _, start, end, _ = record
            if is_beacon(buffer, start, end, stream.link_type):
                self.beacon()
            elif end == 0 or self._clock() - judged_s > 1.0:
                self.judge()
                judged_s = self._clock()
            yield record


def is_beacon(buffer: bytearray, start: int, end: int, link_type: int) -> bool:
    """Tell an access point's beacon: first byte of the 802.11 header, and a global sender.

    A phone's hotspot sends beacons from a local address; the state must not tell of it.
    """
    if end - start < 4:
        return False
    if link_type == _RADIOTAP:
        start += buffer[start + 2] | buffer[start + 3] << 8
    elif link_type in _OLDER_HEADERS:
        found = prism.find_frame(buffer, start, end)
        if isinstance(found, Drop):
            return False
        start = found
    elif link_type != _BARE:
        return False
    sender = start + _SENDER_AT
    return sender < end and buffer[start] == _BEACON and not buffer[sender] & _NOT_GLOBAL
