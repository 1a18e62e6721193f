"""What is to be done each minute, whoever asks for it: the worker's tasks, one after the other."""

import logging
from collections.abc import Callable
from datetime import datetime

from chaland.hub.footfall.services import covisits, erasure, objections, town_keys

TASKS: tuple[tuple[str, Callable[[datetime], int]], ...] = (
    ("days of flows estimated", covisits.close_due),
    ("keys of past days deleted", town_keys.prune),
    ("objections expired", objections.tend),
    ("erased", erasure.erase),  # the last: it takes away what the others deleted
)
_log = logging.getLogger(__name__)


def run_due(now: datetime) -> dict[str, int]:
    """Do what is due; returns what was done. A task that fails is logged, the others go on."""
    done = {}
    for name, task in TASKS:
        try:
            number = task(now)
        except Exception:  # noqa: BLE001 (a fault in one task must not keep sketches from expiring)
            _log.exception("a task of the worker failed; it is tried again in a minute")
            continue
        if number:
            done[name] = number
            _log.info("%s: %d", name, number)
    return done
