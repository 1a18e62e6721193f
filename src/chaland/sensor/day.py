"""The day's process: it alone sees frames, keeps no file, has no network, and dies with its day.

Run by the supervisor as ``python -m chaland.sensor.day ORDERS UP DOWN PARENT``. Everything that
stands for a phone lives in this process's memory, which is never dumped nor swapped, and is gone
with it. It hands noised releases up through one pipe, and hears of the town through another (see
orders.py); it opens its source only when the charter that came there permits it.
"""

import contextlib
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from chaland.sensor.capture import LiveSource, NoSource, StreamSource, Tool, open_source
from chaland.sensor.charter import WHAT_TO_DO, CharterRefusedFinal
from chaland.sensor.hardening import end_with_parent, forbid_dumps
from chaland.sensor.orders import (
    EXIT_DAY_ENDED,
    EXIT_INPUT_ENDED,
    EXIT_INPUT_UNREADABLE,
    EXIT_MEMORY,
    EXIT_NOT_PERMITTED,
    EXIT_NOTHING_OBSERVED,
    EXIT_ORDERS,
    EXIT_STOPPED,
    LONGEST_LINE_DOWN,
    DayOrders,
    Note,
    Objected,
    Said,
    is_recorded,
    read_line_down,
    write_line,
)
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.privacy.keys import MemoryNotLockedFinal
from chaland.sensor.town import Town
from chaland.wire.errors import WireErrorFinal
from chaland.wire.periods import CELL_S, local_day
from chaland.wire.summary import CellCounts, State

Source = LiveSource | StreamSource | NoSource

HEALTH_EVERY_S = 1.0
LIVE_WITHIN_S = 7200.0
"""A release of a cell that ended so recently is live; older ones are of a replay, which goes on
over days."""


class UpPipe:
    """The pipe to the supervisor; several threads may write lines to it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._lock = descriptor, threading.Lock()

    def say(self, said: Said) -> None:
        """Write one line, whole. Raises BrokenPipeError when the supervisor has gone."""
        line = memoryview(write_line(said))
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]


def main(arguments: list[str]) -> int:
    """Capture until the local day or the input ends; return an exit code of orders.py."""
    forbid_dumps()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the supervisor decides
    signal.signal(signal.SIGTERM, _end)
    try:
        orders = DayOrders.from_argument(arguments[0])
        up, down, parent = map(int, arguments[1:])
        pipe = UpPipe(up)
        town = Town(orders, pipe.say)
    except (IndexError, ValueError, TypeError, KeyError) as error:
        sys.stderr.write(f"chaland.sensor.day is started by chaland sensor run ({error!r})\n")
        return EXIT_ORDERS
    except MemoryNotLockedFinal as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_MEMORY
    end_with_parent(parent)
    try:
        return _work(orders, town, pipe, os.fdopen(down, "rb"))
    except BrokenPipeError:
        return EXIT_INPUT_ENDED  # the supervisor has gone
    finally:
        town.key.zero()


def _end(*_: object) -> None:
    """Leave by SystemExit, so that every table is zeroed on the way; once only."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(EXIT_STOPPED)


def _work(orders: DayOrders, town: Town, pipe: UpPipe, down: io.BufferedReader) -> int:
    _hear(town, down.readline(LONGEST_LINE_DOWN + 1))
    if town.refusal is not None:
        sys.stderr.write(f"{town.refusal}: {WHAT_TO_DO[town.refusal]}\n")
        return EXIT_NOT_PERMITTED
    threading.Thread(target=_hear_all, args=(town, down), name="town", daemon=True).start()
    code = EXIT_INPUT_ENDED
    for source, config in _sources(orders):
        code = _capture(source, config, pipe, town, orders) or code
        if code == EXIT_DAY_ENDED:
            break
    return code


def _hear_all(town: Town, down: io.BufferedReader) -> None:
    """Take what the supervisor passes on, until it goes."""
    with contextlib.suppress(BrokenPipeError):  # the main thread notices, and ends
        while line := down.readline(LONGEST_LINE_DOWN + 1):
            _hear(town, line)


def _hear(town: Town, line: bytes) -> None:
    try:
        said = read_line_down(line)
        if said is None:
            town.objections.forget_near()
        else:
            town.hear(said)
    except (WireErrorFinal, CharterRefusedFinal) as error:
        sys.stderr.write(f"the day's process does not obey what came from the hub: {error}\n")


def _sources(orders: DayOrders) -> Iterator[tuple[Source, PipelineConfig]]:
    if orders.is_live:
        yield LiveSource(orders.interface, Tool(orders.tool)), _config(orders, recorded=False)
    for name in orders.files:
        yield open_source(name), _config(orders, recorded=is_recorded(name))


def _capture(
    source: Source, config: PipelineConfig, pipe: UpPipe, town: Town, orders: DayOrders
) -> int:
    windows = 0
    pipeline = Pipeline(config, source, town_key=town.key, objections=town.objections)
    with _health_notes(source, pipe), _closing(pipeline) as releases:
        for release in releases:
            pipe.say(release)
            if bits := town.objections.take_new():
                pipe.say(Objected(bits))
            windows += release.windows if release.state is State.OK else 0
            live = not config.recorded and _is_live(release)
            if live and _ends_day(release, config.timezone):
                return EXIT_DAY_ENDED
    for problem in source.problems:
        sys.stderr.write(f"{problem}\n")
    if source.problems:
        return EXIT_INPUT_UNREADABLE
    if orders.files == ("-",) and not windows:
        sys.stderr.write(_why_nothing_was_observed(source, config))
        return EXIT_NOTHING_OBSERVED
    return EXIT_INPUT_ENDED


def _why_nothing_was_observed(source: Source, config: PipelineConfig) -> str:
    if not config.recorded and not source.health.has_heard:
        return (
            "nothing of this input was counted: not one access point's beacon was in it, so nobody "
            "knows whether the radio could hear. Let beacons through the access point's filter "
            "(docs/how-to/install-a-sensor.md); for a recording, use `chaland replay -`, or give "
            "the file's name\n"
        )
    last = config.last_released
    before = f", or none later than the cell of {last:%Y-%m-%d %H:%M} UTC" if last else ""
    return (
        "nothing of this input was counted: it held no five minutes (from :00, :05, …) from end to "
        f"end{before}\n"
    )


def _closing(pipeline: Pipeline) -> contextlib.closing[Generator[CellCounts]]:
    return contextlib.closing(pipeline.run())


def _config(orders: DayOrders, *, recorded: bool) -> PipelineConfig:
    last = orders.last_released
    return PipelineConfig(
        timezone=ZoneInfo(orders.timezone),
        rssi_visitor_dbm=orders.rssi_visitor_dbm,
        rssi_passer_by_dbm=orders.rssi_passer_by_dbm,
        mode=orders.mode,
        objection_ssid=orders.objection_ssid,
        objection_is_suffix=orders.objection_ssid.startswith("-"),
        recorded=recorded,
        last_released=datetime.fromisoformat(last) if last else None,
        day=date.fromisoformat(orders.day),
    )


def _is_live(release: CellCounts) -> bool:
    return abs(time.time() - CELL_S - release.start.timestamp()) < LIVE_WITHIN_S


def _ends_day(release: CellCounts, zone: ZoneInfo) -> bool:
    end = release.start + timedelta(seconds=CELL_S)
    return local_day(release.start, zone) != local_day(end, zone)


@contextlib.contextmanager
def _health_notes(source: Source, pipe: UpPipe) -> Iterator[None]:
    """Tell the supervisor of each change of the source's health while it is read."""
    done = threading.Event()

    def watch() -> None:
        told: Note | None = None
        while True:
            note = Note(source.health.state, source.health.message)
            if note != told:
                with contextlib.suppress(BrokenPipeError):  # the main thread notices, and ends
                    pipe.say(note)
                told = note
            if done.wait(HEALTH_EVERY_S):
                return

    watcher = threading.Thread(target=watch, name="health", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
