"""Leading a running sensor through its capture: time passes, a key of the day comes, it ends."""

import time
from collections import Counter
from collections.abc import Sequence

from chaland.audit import search
from chaland.audit.town import BrokenFinal, Run, until
from chaland.wire.periods import CELL_S

KEY_WITHIN_S = 75.0
"""A first exchange, and one more if the hub was too busy to answer it."""

SEALED_WITHIN_S = 200.0
"""The maker learns at its next exchange who wants a copy, and the other at its own: a minute each.
"""


def wait(run: Run, until_s: float, present: Sequence[bytes] = ()) -> None:
    """Let the capture's time pass. Raises BrokenFinal when the sensor does not follow."""
    try:
        run.radio.quiet(until_s, present)
        run.radio.wait_until_read()
    except (TimeoutError, BrokenPipeError):
        raise BrokenFinal(f"a sensor does not read its capture: {last_words(run)}") from None


def begin(run: Run, start_s: int) -> None:
    """Tune the sensor's radio, and wait until its day's process runs. Raises BrokenFinal."""
    run.tune(start_s)
    until(lambda: run.has_day or run.has_ended(), "a sensor starts")


def held(run: Run) -> set[bytes]:
    """Return the secrets that a sensor has on two pages: where it came, and where it is used."""
    pages = Counter(page for page in search.locked_pages(run.day_pid) if any(page))
    return {page for page, times in pages.items() if times > 1}


def wait_for_key(run: Run, start_s: int) -> None:
    """Wait until a sensor has made the town's key of the day; begin a cell under it."""
    begin(run, start_s)
    await_key([run], KEY_WITHIN_S)


def await_key(runs: Sequence[Run], within_s: float) -> bytes:
    """Let time pass until sensors hold one key; then begin a whole cell. Raises BrokenFinal."""
    deadline_s = time.monotonic() + within_s
    while not (common := set.intersection(*(held(run) for run in runs))):
        for run in runs:
            wait(run, run.radio.now_s + 5)
        time.sleep(0.25)
        if time.monotonic() > deadline_s:
            raise BrokenFinal(f"{len(runs)} sensors came to no key of the day: {last_words(run)}")
    start_s = -(-max(run.radio.now_s for run in runs) // CELL_S) * CELL_S + 5
    for run in runs:
        wait(run, start_s)
    return common.pop()


def last_words(run: Run) -> str:
    """Return the last line that the sensor's processes wrote."""
    lines = run.said().strip().splitlines()
    return lines[-1][:200] if lines else "it said nothing"
