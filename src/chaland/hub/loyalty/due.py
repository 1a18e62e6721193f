"""What the worker does for this plane, each minute. Each part adds its own tasks."""

from datetime import datetime

from chaland.hub.common.due import Task, run_tasks
from chaland.hub.loyalty import erasure, merging, proving
from chaland.hub.loyalty.account import leaving, links
from chaland.hub.loyalty.clearing import services as clearing
from chaland.hub.loyalty.connect import due as connect
from chaland.hub.loyalty.figures import services as figures
from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.outreach.results import debrief, measuring
from chaland.hub.loyalty.programmes import services as programmes
from chaland.hub.loyalty.receipts import services as receipts
from chaland.hub.loyalty.sales import services as sales

TASKS: tuple[Task, ...] = (
    ("receipts from other makers' tills and from files", connect.run_due),
    ("accounts in which something lapsed", ledger.expire_due),
    ("accounts with a hold out of time", ledger.lapse_holds),
    ("months closed", clearing.close_due),
    ("vouchers out of date", programmes.lapse_vouchers),
    ("private sales closed", sales.close_due),
    ("campaigns whose effect was worked out", measuring.measure_due),
    ("private sales debriefed", debrief.debrief_due),
    ("members who left erased", leaving.erase_departed),
    ("links and sessions of members’ accounts that are over", links.prune),
    ("receipts' raw copies, links, contacts and claims that are over", receipts.prune),
    ("look-ups and customer files that are over", members.prune),
    ("receipts that came to a merged double", merging.settle_late),
    ("figures of months that are over released", figures.release_due),
    ("members without contact for three years", erasure.erase_inactive),
    ("messages and invitations of long ago that name nobody now", erasure.forget_old),
    ("towns whose books were proved", proving.prove_due),
    ("what SQLite's journal still holds of erased members", erasure.empty_journal),
)


def run_due(now: datetime) -> dict[str, int]:
    """Do what is due; returns what was done."""
    return run_tasks(TASKS, now)
