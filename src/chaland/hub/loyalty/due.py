"""What the worker does for this plane, each minute. Each part adds its own tasks."""

from datetime import datetime

from chaland.hub.common.due import Task, run_tasks

TASKS: tuple[Task, ...] = ()


def run_due(now: datetime) -> dict[str, int]:
    """Do what is due; returns what was done."""
    return run_tasks(TASKS, now)
