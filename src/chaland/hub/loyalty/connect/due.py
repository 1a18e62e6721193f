"""What the worker does for tills of others, each minute."""

from datetime import datetime

from chaland.hub.common.due import Task, run_tasks
from chaland.hub.loyalty.connect.asking import ask_due
from chaland.hub.loyalty.connect.files import import_due, prune

__all__ = ["ask_due", "import_due", "prune", "run_due"]


TASKS: tuple[Task, ...] = (
    ("receipts from makers whom we ask", ask_due),
    ("receipts from files", import_due),
    ("files that are over", prune),
)


def run_due(now: datetime) -> int:
    """Do what is due; return how much was done. What fails is logged, the others go on."""
    return sum(run_tasks(TASKS, now).values())
