"""The receiver's clock: when a window or cell ends, and whether the sensor listened all through.

Time comes from the capture's own readings (records and ticks), never from this machine's clock,
so a replay behaves like the live stream did. The clock does not run back: a record up to
``TOLERANCE_US`` late is taken at the present instant, a later one is out of order. When the stream
itself has stepped back (its late records go on for seconds), the clock follows it.

How many windows were observed depends on the times of records only: a live source ticks every
second, so that no phone's frame can open or close a gap. (In a file there are no ticks, and frames
do it: see the claim's limits in docs/explanation/privacy-mechanism.md.) Whether the radio was deaf
is judged by beacons; it goes into the state, and no count depends on it.
"""

from enum import Enum, auto

from chaland.wire.periods import CELL_S, WINDOW_S

US = 1_000_000
WINDOW_US = WINDOW_S * US
CELL_US = CELL_S * US
TOLERANCE_US = 5 * US
EDGE_US = 30 * US
"""A window may miss this much at the start or end of the stream and still count as observed."""
LIVE_SILENCE_US = 10 * US
"""Longer without a record or tick: the process or its source stood still."""
RECORDED_SILENCE_US = CELL_US
"""A file has no ticks, so quiet minutes are no gap; a cell without any frame is (the longest true
silence in 32 days and nights of a real room was 7.5 min, recording stops began at 26)."""


class Step(Enum):
    """What a record's time does to the clock."""

    FORWARD = auto()
    LATE = auto()
    SET_BACK = auto()
    """The stream's clock was set back; the counts so far belong to a time that is not over."""
    JUMP = auto()
    """More than a cell of silence: the recording paused, or the clock was set forward."""


class ReceiverClock:
    """Present instant, window in progress, and what was observed of the cell in progress."""

    def __init__(self, recorded: bool) -> None:
        self._recorded = recorded
        self._silence_us = RECORDED_SILENCE_US if recorded else LIVE_SILENCE_US
        self._late_since_us: int | None = None
        self.beacon_heard_ever = False
        """Whether the stream had a beacon since the process began."""
        self.start(0)

    def start(self, time_us: int) -> None:
        """Begin (again) at ``time_us``, in the middle of whatever window that is."""
        self.now_us = self._gap_until_us = time_us
        self._late_since_us = None
        self.window_us = time_us - time_us % WINDOW_US
        self._whole = time_us - self.window_us <= EDGE_US
        self._beacon_heard = False
        self.begin_cell()

    def begin_cell(self) -> None:
        """Forget what was observed of the cell before."""
        self.observed = 0
        self.deaf = 0

    @property
    def cell_us(self) -> int:
        """Start of the cell in progress."""
        return self.window_us - self.window_us % CELL_US

    @property
    def window_end_us(self) -> int:
        """End of the window in progress."""
        return self.window_us + WINDOW_US

    def hear_beacon(self) -> None:
        """Note an access point's beacon."""
        self._beacon_heard = self.beacon_heard_ever = True

    def judge(self, time_us: int) -> Step:
        """Tell what the time of the next record means; ``move`` or ``start`` follows it."""
        if time_us >= self.now_us - TOLERANCE_US:
            self._late_since_us = None
            return Step.JUMP if time_us - self.now_us > CELL_US else Step.FORWARD
        since = self._late_since_us
        if since is None or time_us < since:
            self._late_since_us = time_us
            return Step.LATE
        return Step.SET_BACK if time_us - since > TOLERANCE_US else Step.LATE

    def note_gap(self, time_us: int) -> None:
        """Mark the windows from now to ``time_us`` as not observed, if the silence was a gap."""
        if time_us - self.now_us > self._silence_us:
            self._whole = False
            self._gap_until_us = time_us

    def close_window(self) -> bool:
        """End the window in progress and begin the next; tell whether it was observed."""
        observed = self._whole
        self.observed += observed
        self.deaf += observed and not (self._recorded or self._beacon_heard)
        self.now_us = self.window_us = self.window_end_us
        self._whole, self._beacon_heard = self._gap_until_us <= self.window_us, False
        return observed

    def stop(self) -> None:
        """The stream ends here: what is left of the window is missing."""
        if self.window_end_us - self.now_us > EDGE_US:
            self._whole = False
