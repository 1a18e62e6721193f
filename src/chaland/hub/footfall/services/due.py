"""What the worker does for this plane, each minute."""

from datetime import datetime

from chaland.hub.common.due import Task, run_tasks
from chaland.hub.footfall.services import covisits, erasure, objections, town_keys

TASKS: tuple[Task, ...] = (
    ("days of flows estimated", covisits.close_due),
    ("keys of past days deleted", town_keys.prune),
    ("objections expired", objections.tend),
    ("erased", erasure.erase),  # the last: it takes away what the others deleted
)


def run_due(now: datetime) -> dict[str, int]:
    """Do what is due; returns what was done."""
    return run_tasks(TASKS, now)
