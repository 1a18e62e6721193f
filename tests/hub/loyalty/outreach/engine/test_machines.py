"""Two machines, each with a journal of its own, and a database that comes back from a back-up."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import models
from pytest_django import Settings

from chaland.hub.loyalty.models import Campaign, Delivery, Gateway, Pressure, SendingMachine
from chaland.hub.loyalty.outreach.engine import machines
from chaland.hub.loyalty.outreach.engine.loop import Worker, open_worker, round_of, run_once
from tests import outreach_builders as build
from tests.hub.loyalty.outreach.engine.conftest import Town

pytestmark = pytest.mark.django_db
_TABLES: tuple[type[models.Model], ...] = (Pressure, Delivery, SendingMachine)


@pytest.fixture
def start(town: Town, settings: Settings, tmp_path: Path) -> Iterator[Callable[[str], Worker]]:
    """Start a worker on a machine that is called so; it ends with the test."""
    with ExitStack() as ends:

        def begin(machine: str) -> Worker:
            settings.OUTREACH_DIR = tmp_path / machine
            return ends.enter_context(open_worker(town.now))

        yield begin


@pytest.fixture
def both(town: Town, start: Callable[[str], Worker]) -> tuple[Worker, Worker]:
    """Let two machines run that have heard of each other; nothing is due for ten minutes."""
    Delivery.objects.update(not_before=town.now + timedelta(minutes=10))
    a, b = start("a"), start("b")
    spend(town, 3, a, b)
    assert machines.look(a.journal, town.now) is None
    assert machines.look(b.journal, town.now) is None
    return a, b


def spend(town: Town, minutes: int, *workers: Worker) -> None:
    """Let time pass while some machines do their rounds."""
    for _ in range(minutes):
        town.later(minutes=1)
        for worker in workers:
            round_of(worker, town.now)


def backed_up() -> list[Any]:
    """Take a back-up of what sending writes."""
    return [row for table in _TABLES for row in table.objects.all()]


def put_back(rows: list[Any]) -> None:
    for table in _TABLES:
        table.objects.all().delete()
    for row in reversed(rows):
        row.save(force_insert=True)
    Campaign.objects.update(state=Campaign.State.RUNNING, finished_at=None)


def trouble() -> str:
    return Gateway.objects.get().trouble


def test_what_another_machine_sent_in_the_lost_hour_is_not_sent_again(
    town: Town, both: tuple[Worker, Worker]
) -> None:
    a, b = both
    rows = backed_up()
    spend(town, 8, a, b)  # all of it leaves from the first
    assert len(town.sent()) == 12
    put_back(rows)
    assert not run_once(town.later(minutes=30), b).states
    assert trouble() == machines.suspicion()
    assert not run_once(town.now, a).states
    assert len(town.sent()) == 12


def test_the_batch_that_left_just_after_the_back_up_is_seen(
    town: Town, both: tuple[Worker, Worker]
) -> None:
    """It is counted in the transaction that says what is being sent, not before."""
    a, b = both
    spend(town, 2, a, b)
    Delivery.objects.update(not_before=town.now)
    rows = backed_up()
    round_of(a, town.now)
    assert len(town.sent()) == 12
    put_back(rows)
    assert machines.look(a.journal, town.now) is not None
    assert not round_of(b, town.now).states


def test_a_machine_that_was_away_waits_for_the_other_which_knows(
    town: Town, both: tuple[Worker, Worker]
) -> None:
    """It stood while the other sent, and comes back first."""
    a, b = both
    rows = backed_up()
    spend(town, 8, a)
    assert len(town.sent()) == 12
    put_back(rows)
    town.later(minutes=30)
    assert not run_once(town.now, b).states
    assert trouble() == machines.silence()
    run_once(town.later(minutes=1), a)
    assert not run_once(town.later(minutes=1), b).states
    assert len(town.sent()) == 12
    assert trouble() == machines.suspicion()


def test_a_machine_that_was_away_goes_on_when_the_other_knows_of_nothing(
    town: Town, both: tuple[Worker, Worker]
) -> None:
    a, b = both
    town.later(hours=1)
    assert not run_once(town.now, b).states
    machines.look(a.journal, town.later(minutes=1))
    assert run_once(town.now, b).states == {"accepted": 12}
    assert trouble() == ""


def test_a_machine_that_runs_no_more_is_forgotten_when_a_person_says_so(
    town: Town, both: tuple[Worker, Worker]
) -> None:
    _a, b = both
    assert not run_once(town.later(hours=1), b).states
    b.trust(town.now)
    assert run_once(town.now, b).states == {"accepted": 12}
    later = build.build_campaign(town.association_id, send_at=town.now)
    build.build_deliveries(later, town.members)
    assert run_once(town.later(hours=2), b).states == {"accepted": 12}


def test_what_a_person_says_on_one_machine_holds_on_the_other(
    town: Town, both: tuple[Worker, Worker]
) -> None:
    a, b = both
    a.suspect(town.later(minutes=10))
    assert not run_once(town.now, b).states
    b.trust(town.later(seconds=1))
    assert run_once(town.now, a).states == {"accepted": 12}


def test_one_machine_alone_holds_nothing_its_journal_knows_all(
    town: Town, start: Callable[[str], Worker]
) -> None:
    a = start("a")
    round_of(a, town.now - timedelta(hours=1))
    rows = backed_up()
    run_once(town.now, a)
    put_back(rows)
    assert run_once(town.later(hours=1), a).held["left"] > 0
    assert town.states() == {"accepted": 12}
    assert len(town.sent()) == 12
    assert Pressure.objects.count() == 12


def test_workers_of_one_machine_never_suspect_each_other(
    town: Town, start: Callable[[str], Worker]
) -> None:
    first, second = start("a"), start("a")
    for _ in range(30):
        town.later(seconds=20)
        for worker in (first, second):
            machines.look(worker.journal, town.now)
            worker.journal.note_count(machines.count(worker.journal))
            assert machines.look(worker.journal, town.now) is None
    assert SendingMachine.objects.count() == 1
