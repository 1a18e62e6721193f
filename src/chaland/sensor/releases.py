"""The supervisor's cells: which are kept and sent, which are missing, and whose clock is right."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from chaland.sensor.orders import DayOrders
from chaland.sensor.telling import Telling
from chaland.sensor.uplink.reasons import UplinkDrop
from chaland.sensor.uplink.spool import Spool
from chaland.sensor.uplink.upload import Uploader
from chaland.wire.errors import WireErrorFinal
from chaland.wire.periods import CELL_S, cell_start
from chaland.wire.summary import CellCounts, State

SILENCE_S = 90.0
"""A live process that has not released a cell so long after its end hangs."""
CLOCK_AGAIN_S = 60.0
"""So often a wrong clock is compared with the hub's again: either may have been set."""
CELL = timedelta(seconds=CELL_S)
LAST_UPLOADS = 200
"""Summaries sent before leaving; what is more waits for the next run."""
UPLOADS_AT_ONCE = 5
UPLOAD_GRID_S = 10.0
"""A live release leaves at the next whole ten seconds: the first frame after a quarter of an hour
ends its cell, and the very instant of an upload would tell when that frame came."""


class Releases:
    """Keeps what the day's process releases, and sends it. ``expected``: the first cell whose
    release has not come (live input only)."""

    def __init__(
        self,
        orders: DayOrders,
        spool: Spool,
        uploader: Uploader,
        telling: Telling,
        now: Callable[[], datetime],
    ) -> None:
        self.expected = cell_start(now())
        self._mode = orders.mode
        self._is_dated_now = orders.is_as_it_happens
        """Whether cells are of the present, so that this box's clock must be right."""
        self._spool, self._uploader, self._telling = spool, uploader, telling
        self._now = now
        self._upload_from_s = self._clock_looked_at_s = 0.0

    def begin_anew(self) -> None:
        """Expect nothing of before the present cell."""
        self.expected = cell_start(self._now())

    def keep(self, cell: CellCounts) -> None:
        """Keep a release for upload, or count why not."""
        self.expected = max(self.expected, cell.start + CELL)
        may_be_wrong = self._is_dated_now and self._uploader.health.clock_is_wrong
        if may_be_wrong and not self.clock_is_right():
            self._drop(cell, UplinkDrop.CLOCK_WRONG, "wrong clock")
            return
        try:
            if self._spool.append(cell, self._now()) is None:
                self._telling.say(f"the cell of {_utc(cell.start)} was released before")
            self._telling.status.last_cell = cell.start.isoformat()
            if self._is_dated_now:
                self._upload_from_s = time.monotonic() + UPLOAD_GRID_S - time.time() % UPLOAD_GRID_S
        except WireErrorFinal as error:  # made in the year 1970, say
            self._drop(cell, UplinkDrop.CLOCK_WRONG, f"wrong clock ({error})")
        except OSError as error:
            self._drop(cell, UplinkDrop.DISK_ERROR, f"{error}: make room on the disk")

    def _drop(self, cell: CellCounts, reason: UplinkDrop, why: str) -> None:
        self._telling.say(f"the cell of {_utc(cell.start)} is not kept: {why}")
        self._spool.count(reason)

    def last_released(self) -> str:
        """Return the start of the last cell that was released as it happened, "" before the first.

        A cell of the future was released when the clock was wrong: waiting for its time would
        leave the sensor blind until then. The ledger still refuses to release it twice.
        """
        if not self._is_dated_now:
            return ""
        now = self._now()
        last, latest = self._spool.last_cell(now), self._spool.last_cell()
        if latest != last:
            self._telling.say(
                f"a cell of {latest} was released when the clock was wrong (it is "
                f"{_utc(now)}): cells go on from {last or 'now'}"
            )
        return last

    def may_begin(self) -> bool:
        """Tell whether cells could be dated; the hub is asked for the time."""
        return not self._is_dated_now or self.clock_is_right()

    def clock_is_right(self) -> bool:
        """Compare the clock with the hub's; say so when it is wrong."""
        self._clock_looked_at_s = time.monotonic()
        self._uploader.look_at_clock()
        if not self._uploader.health.clock_is_wrong:
            return True
        skew_s = self._uploader.health.skew_s
        self._telling.say_status(
            f"the clock of this box and the hub's differ by {skew_s:.0f} s, so no cell can be "
            "dated: set it (timedatectl set-ntp true); no cell is kept until it is right"
        )
        return False

    def look_at_wrong_clock(self) -> None:
        """Compare a wrong clock with the hub's again, now and then, and say when it is right."""
        again_s = self._clock_looked_at_s + CLOCK_AGAIN_S
        is_wrong = self._is_dated_now and self._uploader.health.clock_is_wrong
        if is_wrong and time.monotonic() >= again_s and self.clock_is_right():
            self._telling.say_status("the clock is right again; listening")

    def clock_was_set_back(self) -> bool:
        """Tell whether cells were released whose time is still to come."""
        return self.expected - self._now() > CELL

    def missing(self) -> datetime | None:
        """Return the start of a cell that is long over and was not released; None if none is."""
        since_end = self._now() - (self.expected + CELL)
        if since_end < timedelta(seconds=SILENCE_S):
            return None
        if since_end > timedelta(days=1):  # the clock was set: these were no cells
            self.begin_anew()
            return None
        return self.expected

    def fill(self, missing: datetime) -> None:
        """Tell the hub of a cell that was not released: a gap with its reason, not nothing."""
        if self.expected == missing:
            state = State(self._telling.status.state)
            self.keep(CellCounts(missing, 0, state, self._mode, {}))

    def send(self) -> None:
        """Send what is due, a little at a time."""
        if time.monotonic() >= self._upload_from_s:
            self._drain(UPLOADS_AT_ONCE)

    def send_last(self) -> None:
        """Send what can be sent before the sensor ends."""
        self._drain(LAST_UPLOADS)

    def _drain(self, at_most: int) -> None:
        try:
            self._uploader.drain(at_most)
        except OSError as error:
            self._telling.say(f"the spool can't be read or tidied ({error}): check the disk")


def _utc(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
