"""The closed list of checks, in the order of checklist F, and how one is run."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from chaland.audit import (
    account,
    button,
    covisits,
    dayend,
    doors,
    noise,
    objection_filter,
    permission,
    presence,
    receive,
    released,
    wall,
)
from chaland.audit.bench import Bench
from chaland.audit.chain import tell
from chaland.audit.report import Checked, Outcome, Result
from chaland.audit.town import NIGHT, BrokenFinal, CouldNotRunFinal

Judge = Callable[[Bench], Outcome]


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the checklist. ``judge`` None: it comes with a later part of the product."""

    id: str
    title: str
    summary: str
    judge: Judge | None


def _chain(check: str) -> Judge:
    return lambda bench: bench.once("canaries", tell).outcomes[check]


def _permission(check: str) -> Judge:
    return lambda bench: permission.judge(bench, check)


def _outputs(bench: Bench) -> Outcome:
    """While two sensors wait for each other's next exchange, the release is tried."""
    outcome = Outcome()
    with ThreadPoolExecutor(1) as aside:
        day = None if bench.quick else aside.submit(dayend.tell, bench)
        noise.judge(bench, outcome)
        covisits.judge(bench, outcome)
        try:
            if day is not None:
                outcome.add(day.result())
            released.judge(bench, outcome)
        except BrokenFinal as error:
            outcome.require(False, str(error))
        except CouldNotRunFinal:
            if not outcome.findings:
                raise
    return outcome


def _objection(bench: Bench) -> Outcome:
    outcome = presence.judge_objection(bench)
    button.judge(bench, outcome)
    return outcome


CHECKS: Mapping[str, Check] = {
    check.id: check
    for check in (
        Check(
            "F1",
            "No identifier leaves the sensor",
            "Canary addresses pass two real sensors; everything that these sent, every database, "
            "log and file was searched for the addresses in all spellings and hashes, under every "
            "key there was.",
            _chain("F1"),
        ),
        Check(
            "F2",
            "An address lives a second, a token as long as the visit and five minutes",
            "The processes were stopped and all their memory searched, while the capture's own "
            "clock ran on.",
            _chain("F2"),
        ),
        Check(
            "F3",
            "Keys are in memory only, for one day",
            "The keys were read from the locked pages of the running processes, and then looked "
            "for everywhere else.",
            _chain("F3"),
        ),
        Check(
            "F4",
            "Days cannot be linked",
            "The same canaries came again in a later process; the attacker has both memories.",
            _chain("F4"),
        ),
        Check(
            "F5",
            "Shops share no token",
            "The same canaries were heard by two shops; the attacker has both memories.",
            _chain("F5"),
        ),
        Check(
            "F6",
            "Every output keeps its epsilon",
            "Neighbouring streams through the pipeline; neighbouring counts through the release, "
            "by the hundred thousand; sketches attacked by a holder of the day's key; the noise's "
            "distribution and independence.",
            _outputs,
        ),
        Check(
            "F7",
            "Small cells are hidden",
            "Three shops with hours of known size: every table, chart and file of the hub was "
            "read, and subtracted from each other.",
            doors.judge,
        ),
        Check(
            "F8",
            "Noise cannot be averaged away",
            "A sensor was started again on the same capture; the hub was sent the same cell in "
            "every way, and more than the budget.",
            account.judge,
        ),
        Check(
            "F9",
            "Objecting works with Wi-Fi on",
            "With and without canaries that object, output for output; 60 who object, in a real "
            "sensor's figures; the button beside one.",
            _objection,
        ),
        Check(
            "F10",
            "The objection list is no register of people",
            "Addresses by the thousand through the filter; the hub under a flood of objections, "
            "and a month later.",
            objection_filter.judge,
        ),
        Check(
            "F11",
            "Notice first; off by default",
            "One box under nine charters at once; what it does not read from its radio, it did "
            "not hear. The hub, given summaries that no agreement covers.",
            _permission("F11"),
        ),
        Check(
            "F12",
            "Receive only",
            "A live sensor on an interface whose transmissions are counted; its capture child's "
            "memory; frames with every byte poisoned that need not be read.",
            receive.judge,
        ),
        Check(
            "F13",
            "The planes are apart",
            "Databases, models, source and a process of each plane; roles of PostgreSQL where the "
            "environment names them; by what the hub speaks to others; and whoever holds all "
            "receipts with their times, and all that sensors release, looks for a member's phone.",
            wall.judge,
        ),
        Check(
            "F14",
            "Staff, residents and fixed devices do not count",
            "160 canaries stay for eight hours at a real sensor.",
            presence.judge_stay,
        ),
        Check(
            "F15",
            "The impact assessment matches the code",
            "A sensor and a hub under a charter that describes another mechanism; every field of "
            "the mechanism, changed once; the assessment's page beside the annex.",
            _permission("F15"),
        ),
        Check(
            "F16",
            "The measurement has an end",
            "A sensor and a hub under a charter that has ended.",
            _permission("F16"),
        ),
    )
}


def run_check(check: Check, bench: Bench) -> Checked:
    """Run one check and time it; a fault of the software that breaks it off fails it."""
    if check.judge is None:
        return Checked(check.id, check.title, Result.LATER, check.summary)
    began_s = time.monotonic()
    try:
        outcome = check.judge(bench)
    except CouldNotRunFinal as error:
        return _ended(check, Result.COULD_NOT_RUN, Outcome(findings=[str(error)]), began_s)
    except BrokenFinal as error:
        return _ended(check, Result.FAILED, Outcome(findings=[str(error)]), began_s)
    except Exception as error:  # noqa: BLE001 (whatever breaks under a check is a finding)
        broke = f"the check broke off: {type(error).__name__}: {error}"
        return _ended(check, Result.FAILED, Outcome(findings=[broke]), began_s)
    result = Result.FAILED if outcome.findings else Result.PASSED
    return _ended(check, result, outcome, began_s)


APART = "F6"
"""It takes as long as all others together: it has a process, and a town, of its own."""


def run_apart(check_id: str, folder: Path, quick: bool) -> Checked:
    """Run a check with a bench of its own."""
    place = folder / check_id
    place.mkdir(mode=0o711)
    bench = Bench(place, quick=quick, local_hour=NIGHT)
    try:
        return run_check(CHECKS[check_id], bench)
    finally:
        bench.close()


def not_asked(check: Check) -> Checked:
    """Return the line of a check that was not asked for."""
    result = Result.LATER if check.judge is None else Result.NOT_ASKED
    return Checked(check.id, check.title, result, check.summary)


def _ended(check: Check, result: Result, outcome: Outcome, began_s: float) -> Checked:
    return Checked(
        id=check.id,
        title=check.title,
        result=result,
        summary=outcome.summary or check.summary,
        seconds=round(time.monotonic() - began_s, 1),
        measures=tuple(outcome.measures),
        findings=tuple(outcome.findings),
    )
