"""What is to be done each minute, whoever asks for it: tasks, one after the other."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

Task = tuple[str, Callable[[datetime], int]]
"""What the log says was done, in the plural, and what does it, given the time (UTC), and counts."""

_log = logging.getLogger(__name__)


def run_tasks(tasks: Sequence[Task], now: datetime) -> dict[str, int]:
    """Do what is due; returns what was done. A task that fails is logged, the others go on."""
    done = {}
    for name, task in tasks:
        try:
            number = task(now)
        except Exception:  # noqa: BLE001 (a fault in one task must not keep sketches from expiring)
            _log.exception("a task of the worker failed; it is tried again in a minute")
            continue
        if number:
            done[name] = number
            _log.info("%s: %d", name, number)
    return done
