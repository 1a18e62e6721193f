"""Starting, listening to and ending the day's process, from the supervisor's side."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator

from chaland.sensor.orders import LONGEST_LINE, DayOrders, Said, read_line
from chaland.wire.errors import WireErrorFinal

END_WITHIN_S = 10.0
UNREAD_AT_MOST = 2**22
"""Bytes kept for a process that does not read; it hangs, and more would not wake it."""


class DayProcess:
    """One run of the day's process. ``said`` yields what came up, ``tell`` passes on what came."""

    def __init__(self, orders: DayOrders) -> None:
        """Start it; it inherits our standard input and error, and its ends of the pipes only."""
        self._pipe, theirs_up = os.pipe()
        theirs_down, self._down = os.pipe()
        for ours in (self._pipe, self._down):
            os.set_blocking(ours, False)
        self._partial, self._unread = b"", bytearray()
        try:
            self._child = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "chaland.sensor.day",
                    orders.to_argument(),
                    str(theirs_up),
                    str(theirs_down),
                    str(os.getpid()),
                ],
                pass_fds=[theirs_up, theirs_down],
            )
        except OSError:
            self.close()
            raise
        finally:
            os.close(theirs_up)
            os.close(theirs_down)

    @property
    def pid(self) -> int:
        return self._child.pid

    def wait(self, seconds: float) -> None:
        """Return when it said something or ended, or after ``seconds``."""
        writes = [self._down] if self._unread else []
        _, writable, _ = select.select([self._pipe], writes, [], seconds)
        if writable:
            self._pass_on()

    def tell(self, line: bytes) -> None:
        """Pass a line on; what it has no room for is passed on as it reads (see ``wait``)."""
        if len(self._unread) + len(line) < UNREAD_AT_MOST:
            self._unread += line + b"\n"
        self._pass_on()

    def _pass_on(self) -> None:
        try:
            while self._unread:
                del self._unread[: os.write(self._down, self._unread)]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unread.clear()  # it has ended: its exit code is seen next

    def said(self) -> Iterator[Said | WireErrorFinal]:
        """Yield what it has said since; a line that it may not say as its error."""
        while chunk := self._read():
            *lines, self._partial = (self._partial + chunk).split(b"\n")
            self._partial = self._partial[: LONGEST_LINE + 1]
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
        """Close the pipes of a process that has ended."""
        os.close(self._pipe)
        os.close(self._down)

    def _read(self) -> bytes:
        try:
            return os.read(self._pipe, 65_536)
        except BlockingIOError:
            return b""
