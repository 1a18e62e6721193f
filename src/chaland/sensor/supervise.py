"""The supervisor: starts one process a day, keeps its releases, and alone talks to the hub.

It never sees a frame or a secret key: what comes up the pipe are noised releases, notes on health,
and what may be known of the keys. It starts no process while the charter does not permit it.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from chaland.sensor.button import refuse_press
from chaland.sensor.charter import WHAT_TO_DO, Refusal
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
from chaland.sensor.releases import CLOCK_AGAIN_S, Releases
from chaland.sensor.spawn import DayProcess
from chaland.sensor.telling import Telling
from chaland.sensor.uplink.exchanging import Exchanger
from chaland.sensor.uplink.reasons import UplinkDrop
from chaland.sensor.uplink.spool import Spool
from chaland.sensor.uplink.upload import Uploader
from chaland.wire.errors import WireErrorFinal
from chaland.wire.periods import local_day
from chaland.wire.summary import CellCounts, State

POLL_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
STEADY_S = 60.0
"""A process that ran this long was well: the next pause before a restart is short again."""


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
        self._orders, self._spool = orders, spool
        self._exchanger, self._store = exchanger, exchanger.store
        self._zone = ZoneInfo(orders.timezone)
        self._day = local_day(now(), self._zone)
        """Of the day's process, while one runs."""
        self._network = ""
        """The objection network's name that the day's process knows."""
        self._pressed = self._stopping = False
        self._now = now
        self._telling = Telling(status_path, spool, uploader.health, exchanger, now)
        self._status = self._telling.status
        self._say, self._say_status = self._telling.say, self._telling.say_status
        self._releases = Releases(orders, spool, uploader, self._telling, now)
        self._process: DayProcess | None = None
        self._started_s = 0.0
        self._pause_s, self._start_at_s = FIRST_PAUSE_S, 0.0

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
        self._releases.send_last()
        self._telling.write()
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
        if self._process is not None:
            self._releases.look_at_wrong_clock()
        if self._orders.is_live and may_listen:
            self._notice_hang()
        self._talk()
        self._releases.send()
        self._telling.write_when_due()
        return code

    # The town -----------------------------------------------------------------------------------

    def _obey_charter(self) -> bool:
        """Tell whether the sensor may listen now; if not, end the process that does."""
        refusal = self._store.refusal(local_day(self._now(), self._zone))
        if refusal is None and self._exchanger.forbidden:
            refusal = Refusal.WITHDRAWN
        self._status.refusal = refusal or ""
        if refusal is None:
            return True
        if self._process is not None:
            self._say("the day's process is ended at once, and every table of it zeroed")
            self._end_process()
        self._releases.begin_anew()
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
        self._telling.write()

    # The day's process ------------------------------------------------------------------------

    def _start_when_due(self) -> None:
        if time.monotonic() < self._start_at_s:
            return
        if not self._releases.may_begin():
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
            last_released=self._releases.last_released(),
        )
        self._process = DayProcess(orders)
        self._process.tell(self._exchanger.greeting(self._day))
        self._started_s = time.monotonic()
        self._say_status("starting to listen")

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
            self._releases.keep(said)
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

    def _notice_hang(self) -> None:
        """End a process that releases nothing, or whose clock was set back; say what is missing."""
        if self._releases.clock_was_set_back():
            self._say("the clock of this box was set back; the day's process is started again")
            self._end_process()
            self._releases.begin_anew()
            self._start_at_s = 0.0
        missing = self._releases.missing()
        if missing is None:
            return
        if self._process is not None:
            self._say("the day's process has released nothing; it is ended and started again")
            self._status.state = State.PROCESS_DIED
            self._end_process()
            self._plan_restart("it hung")
        self._releases.fill(missing)  # unless the process had released it in the end

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
