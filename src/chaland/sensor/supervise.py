"""The supervisor: starts one process a day, keeps its releases, and alone talks to the hub.

It never sees a frame or a secret key: what comes up the pipe are noised releases, notes on health,
and what may be known of the keys. It starts no process while the charter does not permit it.
"""

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from chaland.sensor.button import refuse_press
from chaland.sensor.charter import WHAT_TO_DO
from chaland.sensor.orders import (
    EXIT_DAY_ENDED,
    EXIT_INPUT_ENDED,
    EXIT_INPUT_UNREADABLE,
    EXIT_NOTHING_OBSERVED,
    EXIT_ORDERS,
    EXIT_STOPPED,
    FORGET_LINE,
    DayOrders,
    Note,
    Said,
)
from chaland.sensor.spawn import DayProcess
from chaland.sensor.status import STATUS_EVERY_S, first_status, gather
from chaland.sensor.uplink.exchanging import Exchanger
from chaland.sensor.uplink.reasons import UplinkDrop
from chaland.sensor.uplink.spool import Spool
from chaland.sensor.uplink.upload import Uploader
from chaland.wire.errors import WireErrorFinal
from chaland.wire.periods import CELL_S, cell_start, local_day
from chaland.wire.summary import CellCounts, State

POLL_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
STEADY_S = 60.0
"""A process that ran this long was well: the next pause before a restart is short again."""
SILENCE_S = 90.0
"""A live process that has not released a cell so long after its end hangs."""
CLOCK_AGAIN_S = 60.0
"""So often a wrong clock is compared with the hub's again: either may have been set."""
CELL = timedelta(seconds=CELL_S)
LAST_UPLOADS = 200
"""Summaries sent before leaving; what is more waits for the next run."""


UPLOAD_GRID_S = 10.0
"""A live release leaves at the next whole ten seconds: the first frame after a quarter of an hour
ends its cell, and the very instant of an upload would tell when that frame came."""


class Supervisor:
    """Runs a sensor until its input ends or it is told to stop. ``run`` returns an exit code."""

    def __init__(
        self,
        orders: DayOrders,
        spool: Spool,
        uploader: Uploader,
        exchanger: Exchanger,
        status_path: Path,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._orders, self._spool, self._uploader = orders, spool, uploader
        self._exchanger, self._store = exchanger, exchanger.store
        self._zone = ZoneInfo(orders.timezone)
        self._day = local_day(now(), self._zone)
        """Of the day's process, while one runs."""
        self._network = ""
        """The objection network's name that the day's process knows."""
        self._pressed = False
        self._upload_from_s = 0.0
        self._status_path, self._now = status_path, now
        self._status = first_status(status_path)
        self._status_at_s = 0.0
        self._stopping = False
        self._process: DayProcess | None = None
        self._is_dated_now = orders.is_as_it_happens
        """Whether cells are of the present, so that this box's clock must be right."""
        self._clock_looked_at_s = 0.0
        self._started_s = 0.0
        self._pause_s, self._start_at_s = FIRST_PAUSE_S, 0.0
        self._expected = cell_start(now())
        """The first cell whose release has not come (live input only)."""

    def run(self) -> int:
        """Work until the end of the input, or SIGTERM. Exit code 0, or 1 when input was broken."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGUSR1, self._press)
        code = None
        try:
            while code is None and not self._stopping:
                code = self._step()
        finally:
            self._end_process()
            self._say_status("stopped" if self._stopping else self._how_it_ended(code))
        self._upload(at_most=LAST_UPLOADS)
        self._write_status()
        return code or 0

    def _how_it_ended(self, code: int | None) -> str:
        if code == 0:
            return "the input has ended" if self._orders.files else "the charter permits to listen"
        if self._status.refusal:
            return self._status.message
        return "the input has ended, and could not be counted or read as a whole: see the log"

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _press(self, *_: object) -> None:
        self._pressed = True

    def _step(self) -> int | None:
        """Do what is due; return an exit code when the work is done."""
        may_listen = self._obey_charter()
        if may_listen and not self._orders.is_live and not self._orders.files:
            return 0  # this was what was waited for
        if may_listen and self._process is None:
            self._start_when_due()
        code = None
        if self._process is not None:
            code = self._listen(self._process)
        elif may_listen:
            time.sleep(min(POLL_S, max(0.0, self._start_at_s - time.monotonic())))
        elif self._orders.is_live or not (self._orders.files and self._exchanger.health.attempts):
            time.sleep(POLL_S if self._exchanger.health.attempts else 0)
        else:
            return 1  # whoever feeds it must not go on: nothing is to be heard
        if self._process is not None and self._is_dated_now:
            self._look_at_wrong_clock()
        if self._orders.is_live and may_listen:
            self._notice_clock_set_back()
            self._fill_silence()
        self._talk()
        if time.monotonic() >= self._upload_from_s:
            self._upload(at_most=5)
        if time.monotonic() - self._status_at_s >= STATUS_EVERY_S:
            self._write_status()
        return code

    # The town -----------------------------------------------------------------------------------

    def _obey_charter(self) -> bool:
        """Tell whether the sensor may listen now; if not, end the process that does."""
        refusal = self._store.refusal(local_day(self._now(), self._zone))
        self._status.refusal = refusal or ""
        if refusal is None:
            return True
        if self._process is not None:
            self._say("the day's process is ended at once, and every table of it zeroed")
            self._end_process()
        self._expected = cell_start(self._now())
        if self._status.message != WHAT_TO_DO[refusal]:
            self._say_status(WHAT_TO_DO[refusal])
        return False

    def _talk(self) -> None:
        """Exchange with the hub when it is time, and pass on what the day's process is to hear."""
        process = self._process
        day = self._day if process else local_day(self._now(), self._zone)
        known = self._exchanger.health.charter_problem
        heard = self._exchanger.exchange(day)
        problem = self._exchanger.health.charter_problem
        if problem and problem != known:
            self._say(problem)
        if process is not None and heard is not None:
            process.tell(heard)
        if self._pressed:
            self._pressed = False
            self._answer_button(process)
        charter = self._store.charter
        if process is not None and charter and charter.objection_network != self._network:
            self._say("the objection network has another name; the day's process is started again")
            self._end_process()
            self._start_at_s = 0.0

    def _answer_button(self, process: DayProcess | None) -> None:
        refusal = refuse_press(self._status, self._day, listens=process is not None)
        if process is not None and not refusal:
            process.tell(FORGET_LINE)
        self._status.button_at, self._status.button_refusal = self._now().isoformat(), refusal
        self._say(refusal or "the button was pressed: what is very near is forgotten, and barred")
        self._write_status()

    # The day's process ------------------------------------------------------------------------

    def _start_when_due(self) -> None:
        if time.monotonic() < self._start_at_s:
            return
        if self._is_dated_now and not self._clock_is_right():
            self._start_at_s = time.monotonic() + CLOCK_AGAIN_S
            return
        charter = self._store.charter
        if charter is None:
            return
        self._day, self._network = local_day(self._now(), self._zone), charter.objection_network
        orders = replace(
            self._orders,
            objection_ssid=self._network,
            town_key=self._store.town_key,
            day=self._day.isoformat(),
            last_released=self._last_released() if self._is_dated_now else "",
        )
        self._process = DayProcess(orders)
        self._process.tell(self._exchanger.greeting(self._day))
        self._started_s = time.monotonic()
        self._say_status("starting to listen")

    def _last_released(self) -> str:
        """Return the start of the last cell that was released, "" before the first.

        A cell of the future was released when the clock was wrong: waiting for its time would
        leave the sensor blind until then. The ledger still refuses to release it twice.
        """
        now = self._now()
        last, latest = self._spool.last_cell(now), self._spool.last_cell()
        if latest != last:
            self._say(
                f"a cell of {latest} was released when the clock was wrong (it is "
                f"{now:%Y-%m-%d %H:%M} UTC): cells go on from {last or 'now'}"
            )
        return last

    def _look_at_wrong_clock(self) -> None:
        """Compare a wrong clock with the hub's again, now and then, and say when it is right."""
        again_s = self._clock_looked_at_s + CLOCK_AGAIN_S
        if not self._uploader.health.clock_is_wrong or time.monotonic() < again_s:
            return
        if self._clock_is_right():
            self._say_status("the clock is right again; listening")

    def _clock_is_right(self) -> bool:
        self._clock_looked_at_s = time.monotonic()
        self._uploader.look_at_clock()
        if not self._uploader.health.clock_is_wrong:
            return True
        skew_s = self._uploader.health.skew_s
        self._say_status(
            f"the clock of this box and the hub's differ by {skew_s:.0f} s, so no cell can be "
            "dated: set it (timedatectl set-ntp true); no cell is kept until it is right"
        )
        return False

    def _listen(self, process: DayProcess) -> int | None:
        process.wait(POLL_S)
        code = process.exit_code()  # before reading: nothing is said after the end
        for said in process.said():
            self._hear(said)
        if code is None:
            return None
        self._forget_process(process)
        return self._ended(code)

    def _hear(self, said: Said | WireErrorFinal) -> None:
        if isinstance(said, CellCounts):
            self._keep(said)
        elif isinstance(said, Note):
            self._status.state = said.state
            self._say_status(said.message)
        elif isinstance(said, WireErrorFinal):
            self._say(f"the day's process said what it may not say ({said}); it is dropped")
            self._spool.count(UplinkDrop.RELEASE_MALFORMED)
        else:
            self._exchanger.hear(said)

    def _ended(self, code: int) -> int | None:
        """Note how the day's process ended; return our exit code if none is to follow."""
        if self._stopping:  # it was told together with us (Ctrl-C, the end of a session)
            return 0
        if code == EXIT_DAY_ENDED and self._orders.is_live:
            self._say("the local day has ended, and its process with it; starting the next")
            self._start_at_s = 0.0
            return None
        if code in {EXIT_INPUT_ENDED, EXIT_DAY_ENDED} and not self._orders.is_live:
            return 0
        if code in {EXIT_INPUT_UNREADABLE, EXIT_NOTHING_OBSERVED, EXIT_ORDERS}:
            return 1
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if code == EXIT_STOPPED:
            how = "somebody ended it"
        self._status.state = State.PROCESS_DIED
        if not self._orders.is_live:
            self._say_status(f"the process that read the capture died ({how}); run it again")
            return 1
        self._plan_restart(how)
        return None

    def _plan_restart(self, how: str) -> None:
        if time.monotonic() - self._started_s > STEADY_S:
            self._pause_s = FIRST_PAUSE_S
        self._say_status(
            f"the day's process died ({how}); its windows are lost, as they must be; starting "
            f"again in {self._pause_s:.0f} s"
        )
        self._status.restarts += 1
        self._start_at_s = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _end_process(self) -> None:
        """End the process and keep what it had released."""
        if self._process is None:
            return
        self._process.end()
        for said in self._process.said():
            self._hear(said)
        self._forget_process(self._process)

    def _forget_process(self, process: DayProcess) -> None:
        process.close()
        self._process = None
        self._exchanger.process_ended()

    # Releases ---------------------------------------------------------------------------------

    def _keep(self, cell: CellCounts) -> None:
        self._expected = max(self._expected, cell.start + CELL)
        may_be_wrong = self._is_dated_now and self._uploader.health.clock_is_wrong
        if may_be_wrong and not self._clock_is_right():
            self._say(f"the cell of {cell.start:%Y-%m-%d %H:%M} UTC is not kept: wrong clock")
            self._spool.count(UplinkDrop.CLOCK_WRONG)
            return
        try:
            if self._spool.append(cell, self._now()) is None:
                self._say(f"the cell of {cell.start:%Y-%m-%d %H:%M} UTC was released before")
            self._status.last_cell = cell.start.isoformat()
            if self._is_dated_now:
                self._upload_from_s = time.monotonic() + UPLOAD_GRID_S - time.time() % UPLOAD_GRID_S
        except OSError as error:
            self._spool.count(UplinkDrop.DISK_ERROR)
            self._say(f"the spool can't be written ({error}): make room on the disk")

    def _notice_clock_set_back(self) -> None:
        """Start anew when cells were released whose time is still to come."""
        if self._expected - self._now() <= CELL:
            return
        self._say("the clock of this box was set back; the day's process is started again")
        if self._process is not None:
            self._end_process()
        self._expected = cell_start(self._now())
        self._start_at_s = 0.0

    def _fill_silence(self) -> None:
        """Tell the hub of a cell that no process released: a gap with its reason, not nothing."""
        missing = self._expected
        ended = missing + CELL
        if self._now() < ended + timedelta(seconds=SILENCE_S):
            return
        if self._now() - ended > timedelta(days=1):  # the clock was set: these were no cells
            self._expected = cell_start(self._now())
            return
        if self._process is not None:
            self._say("the day's process has released nothing; it is ended and started again")
            self._status.state = State.PROCESS_DIED
            self._end_process()
            self._plan_restart("it hung")
        if self._expected == missing:  # the process had not released it in the end
            state = State(self._status.state)
            self._keep(CellCounts(missing, 0, state, self._orders.mode, {}))

    def _upload(self, at_most: int) -> None:
        try:
            self._uploader.drain(at_most)
        except OSError as error:
            self._say(f"the spool can't be read or tidied ({error}): check the disk")

    # Telling ----------------------------------------------------------------------------------

    def _say(self, message: str) -> None:
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()

    def _say_status(self, message: str) -> None:
        if message != self._status.message:
            self._say(message)
        self._status.message = message
        self._write_status()

    def _write_status(self) -> None:
        self._status.at = self._now().isoformat(timespec="seconds")
        gather(self._status, self._spool, self._uploader.health, self._exchanger)
        self._status_at_s = time.monotonic()
        try:
            self._status.write(self._status_path)
        except OSError as error:
            self._say(f"the status can't be written ({error}): make room on the disk")
