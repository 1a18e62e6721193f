"""The day's process: it alone sees frames, keeps no file, has no network, and dies with its day.

Run by the supervisor as ``python -m chaland.sensor.day ORDERS DESCRIPTOR PARENT``. Everything
that stands for a phone lives in this process's memory, which is never dumped nor swapped, and is
gone with it. It hands noised releases up through a pipe (see orders.py).
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chaland.sensor.capture import LiveSource, NoSource, StreamSource, Tool, open_source
from chaland.sensor.hardening import end_with_parent, forbid_dumps
from chaland.sensor.orders import (
    EXIT_DAY_ENDED,
    EXIT_INPUT_ENDED,
    EXIT_INPUT_UNREADABLE,
    EXIT_MEMORY,
    EXIT_NOTHING_OBSERVED,
    EXIT_ORDERS,
    EXIT_STOPPED,
    DayOrders,
    Note,
    is_recorded,
    write_line,
)
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.privacy.keys import MemoryNotLockedFinal
from chaland.wire.periods import CELL_S, local_day
from chaland.wire.summary import CellCounts, State

Source = LiveSource | StreamSource | NoSource

HEALTH_EVERY_S = 1.0
LIVE_WITHIN_S = 7200.0
"""A release of a cell that ended so recently is live; older ones are of a replay, which goes on
over days."""


def main(arguments: list[str]) -> int:
    """Capture until the local day or the input ends; return an exit code of orders.py."""
    forbid_dumps()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the supervisor decides
    signal.signal(signal.SIGTERM, _end)
    try:
        orders = DayOrders.from_argument(arguments[0])
        descriptor, parent = int(arguments[1]), int(arguments[2])
    except (IndexError, ValueError, TypeError, KeyError) as error:
        sys.stderr.write(f"chaland.sensor.day is started by chaland sensor run ({error!r})\n")
        return EXIT_ORDERS
    end_with_parent(parent)
    code = EXIT_INPUT_ENDED
    for source, config in _sources(orders):
        code = _capture(source, config, descriptor, orders) or code
        if code == EXIT_DAY_ENDED:
            break
    return code


def _end(*_: object) -> None:
    """Leave by SystemExit, so that every table is zeroed on the way; once only."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(EXIT_STOPPED)


def _sources(orders: DayOrders) -> Iterator[tuple[Source, PipelineConfig]]:
    if orders.is_live:
        yield LiveSource(orders.interface, Tool(orders.tool)), _config(orders, recorded=False)
    for name in orders.files:
        yield open_source(name), _config(orders, recorded=is_recorded(name))


def _capture(source: Source, config: PipelineConfig, descriptor: int, orders: DayOrders) -> int:
    windows = 0
    try:
        pipeline = Pipeline(config, source)
    except MemoryNotLockedFinal as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_MEMORY
    with _health_notes(source, descriptor), _closing(pipeline) as releases:
        for release in releases:
            _write(descriptor, write_line(release))
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
    )


def _is_live(release: CellCounts) -> bool:
    return abs(time.time() - CELL_S - release.start.timestamp()) < LIVE_WITHIN_S


def _ends_day(release: CellCounts, zone: ZoneInfo) -> bool:
    end = release.start + timedelta(seconds=CELL_S)
    return local_day(release.start, zone) != local_day(end, zone)


def _write(descriptor: int, line: bytes) -> None:
    """Write a line in one piece (POSIX: up to PIPE_BUF bytes are never mixed or split)."""
    try:
        os.write(descriptor, line)
    except BrokenPipeError:
        sys.exit(EXIT_INPUT_ENDED)  # the supervisor has gone


@contextlib.contextmanager
def _health_notes(source: Source, descriptor: int) -> Iterator[None]:
    """Tell the supervisor of each change of the source's health while it is read."""
    done = threading.Event()

    def watch() -> None:
        told: Note | None = None
        while True:
            note = Note(source.health.state, source.health.message)
            if note != told:
                with contextlib.suppress(BrokenPipeError):  # the main thread notices, and ends
                    os.write(descriptor, write_line(note))
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
