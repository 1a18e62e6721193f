"""Starting, listening to and ending the day's process, from the supervisor's side."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator

from chaland.sensor.orders import DayOrders, Note, read_line
from chaland.wire.errors import WireErrorFinal
from chaland.wire.summary import CellCounts

END_WITHIN_S = 10.0
_LONGEST_LINE = 8192


class DayProcess:
    """One run of the day's process. ``said`` yields what came up its pipe."""

    def __init__(self, orders: DayOrders) -> None:
        """Start it; it inherits our standard input and error, and its end of the pipe only."""
        self._pipe, theirs = os.pipe()
        os.set_blocking(self._pipe, False)
        self._partial = b""
        try:
            self._child = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "chaland.sensor.day",
                    orders.to_argument(),
                    str(theirs),
                    str(os.getpid()),
                ],
                pass_fds=[theirs],
            )
        except OSError:
            os.close(self._pipe)
            raise
        finally:
            os.close(theirs)

    @property
    def pid(self) -> int:
        return self._child.pid

    def wait(self, seconds: float) -> None:
        """Return when it said something or ended, or after ``seconds``."""
        select.select([self._pipe], [], [], seconds)

    def said(self) -> Iterator[CellCounts | Note | WireErrorFinal]:
        """Yield what it has said since; a line that is no release and no note as its error."""
        while chunk := self._read():
            *lines, self._partial = (self._partial + chunk).split(b"\n")
            self._partial = self._partial[:_LONGEST_LINE]
            for line in lines:
                try:
                    yield read_line(line)
                except WireErrorFinal as error:
                    yield error

    def exit_code(self) -> int | None:
        """Return its exit code, negative for a signal; None while it runs."""
        return self._child.poll()

    def end(self) -> None:
        """End it: politely, so that it zeroes its tables, then surely."""
        self._child.terminate()
        try:
            self._child.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def close(self) -> None:
        """Close the pipe of a process that has ended."""
        os.close(self._pipe)

    def _read(self) -> bytes:
        try:
            return os.read(self._pipe, 65_536)
        except BlockingIOError:
            return b""
