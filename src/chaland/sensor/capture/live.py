"""Live capture: a child process on a monitor-mode interface, watched and restarted."""

import os
import subprocess
import time
from collections.abc import Generator, Iterator, Sequence

from chaland.sensor.capture.files import read_capture
from chaland.sensor.capture.health import STARTING, Health
from chaland.sensor.capture.links import is_wifi
from chaland.sensor.capture.source import CaptureProblem, Record
from chaland.sensor.capture.stream import (
    BUFFER_SIZE,
    PROBLEMS_MAX,
    TICK_S,
    ByteStream,
    RawReader,
)
from chaland.sensor.capture.tools import (
    Failure,
    Fault,
    Tool,
    command,
    explain_end,
    failure,
    find_fault,
)

SNAP_LENGTH = 512
"""Bytes of a frame that are captured; probe requests fit, the contents of data frames don't."""
_PAUSE_FIRST_S, _PAUSE_MAX_S = 1.0, 60.0
_STEADY_S = 60.0
"""A child that lived this long was well; the next pause starts small again."""
_END_TIMEOUT_S = 2.0
_COMPLAINTS_MAX = 4096


class LiveSource:
    """The frames that ``interface`` hears, from a child that is started again when it dies.

    Iterate once; the iteration ends only by :meth:`close`. While there is nothing (no child, no
    interface, a quiet street) it yields ticks, and ``health`` says which of these it is.
    """

    def __init__(
        self, interface: str, tool: Tool = Tool.CHALAND, snap_length: int = SNAP_LENGTH
    ) -> None:
        """Prepare to capture; the child starts with the iteration."""
        self.buffer = bytearray(BUFFER_SIZE)
        self.health = Health.of_stream()
        self.health.message = STARTING  # whether there is an interface is not known yet
        self.failure: Failure | None = None
        """What is wrong now; ``None`` while a child runs."""
        self._interface, self._tool, self._snap_length = interface, tool, snap_length
        self._name = f"{tool} on {interface}"
        self._child: subprocess.Popen[bytes] | None = None
        self._started = False
        self._link_type = -1
        self._problems: list[CaptureProblem] = []
        self._closed = False

    @property
    def link_type(self) -> int:
        """Of the record yielded last."""
        return self._link_type

    @property
    def problems(self) -> Sequence[CaptureProblem]:
        """What a child wrote and could not be read; the last hundred."""
        return self._problems

    def child_pids(self) -> list[int]:
        """Return the process ids of the capture child, for whoever scans its memory."""
        return [self._child.pid] if self._child else []

    def close(self) -> None:
        """End the child and the iteration; safe to call from a signal handler."""
        self._closed = True
        if self._child:
            self._child.kill()

    def __iter__(self) -> Iterator[Record]:
        """Yield records and ticks until closed."""
        pause_s = _PAUSE_FIRST_S
        try:
            while not self._closed:
                started_s = time.monotonic()
                fault = find_fault(self._tool, self._interface)
                if fault is None:
                    fault = yield from self._listen()
                if time.monotonic() - started_s > _STEADY_S:
                    pause_s = _PAUSE_FIRST_S
                self.failure = fault
                self.health.fail(fault.state, fault.message)
                yield from self._pause(pause_s)
                pause_s = min(2 * pause_s, _PAUSE_MAX_S)
        finally:
            self.close()
            self._reap()

    def _pause(self, seconds: float) -> Iterator[Record]:
        end_s = time.monotonic() + seconds
        while not self._closed and (left_s := end_s - time.monotonic()) > 0:
            yield (time.time_ns() // 1000, 0, 0, 0)
            time.sleep(min(TICK_S, left_s))

    def _listen(self) -> Generator[Record, None, Failure]:
        """Run one child until it ends; return why it did."""
        # What the child complains of goes to a file: a full pipe would stop it.
        with os.fdopen(os.memfd_create("complaints"), "rb") as complaints:
            with RawReader(self._start(complaints.fileno())) as reader:
                stream = ByteStream(
                    self._name, reader, waits=True, wall_clock=True, buffer=self.buffer
                )
                self.health.started()
                self.failure = None
                for record in self.health.watch(read_capture(stream), stream):
                    self._link_type = stream.link_type
                    yield record
                stream.erase()
            code = self._reap()
            said = os.pread(complaints.fileno(), _COMPLAINTS_MAX, 0).decode(errors="replace")
        self._problems = (self._problems + stream.problems)[-PROBLEMS_MAX:]
        if stream.link_type != -1 and not is_wifi(stream.link_type):
            return failure(Fault.NO_MONITOR_MODE, self._tool, self._interface)
        return explain_end(self._tool, self._interface, code, said)

    def _start(self, complaints: int) -> int:
        """Start a child; return the descriptor that its capture comes from."""
        self.health.restarts += self._started
        self._started = True
        capture, output = os.pipe()
        try:
            # Our own child takes the end of its standard input for the end of its parent.
            self._child = subprocess.Popen(
                command(self._tool, self._interface, self._snap_length),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=complaints,
                bufsize=0,
            )
        except BaseException:
            os.close(capture)
            raise
        finally:
            os.close(output)
        return capture

    def _reap(self) -> int:
        """Wait for the child, which has closed its output; return its exit code."""
        child = self._child
        if child is None:
            return 0
        try:
            code = child.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        if child.stdin:
            child.stdin.close()
        self._child = None
        return code
