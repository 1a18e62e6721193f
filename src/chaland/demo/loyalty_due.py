"""The worker's tasks while the demo's past is loaded: once for each month, as soon as it can be
closed; hourly from then on."""

from datetime import datetime, timedelta

from chaland.demo.loyalty import ACTOR
from chaland.hub.common.due import run_tasks
from chaland.hub.loyalty import due
from chaland.hub.loyalty.clearing import services as clearing
from chaland.hub.loyalty.models import Clearing
from chaland.hub.loyalty.outreach.results import debrief, measuring
from chaland.simulate.air import TIMEZONE

_EVERY = timedelta(hours=1)
_OF_THE_PAST = tuple(
    (name, task)
    for name, task in due.TASKS
    if task not in (measuring.measure_due, debrief.debrief_due)
)
"""What sales and messages brought is worked out once all receipts are in."""


def are_due(last: datetime, until: datetime, *, behind: bool) -> bool:
    """Tell whether the tasks are, after those of ``last``; ``behind``: receipts are missing."""
    if not behind:
        return until - last >= _EVERY
    before, now = ((at - clearing.CLOSE_AFTER).astimezone(TIMEZONE).month for at in (last, until))
    return before != now


def run(association_id: int, until: datetime, *, behind: bool) -> None:
    """Do what is due; pay the statements of all closed months but the newest, as shops would."""
    run_tasks(_OF_THE_PAST if behind else due.TASKS, until)
    closed = Clearing.objects.filter(association_id=association_id).order_by("-month")
    for month in closed[1:]:
        for statement in month.statements.filter(settled_by=None).exclude(net_cents=0):
            clearing.settle(statement.pk, ACTOR)
