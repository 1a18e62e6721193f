"""Two machines, each with a journal of its own, and a database that comes back from a back-up."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import models
from pytest_django import Settings

from chaland.hub.loyalty.models import Campaign, Delivery, Pressure, SendingMachine
from chaland.hub.loyalty.outreach import waiting
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


def told(town: Town) -> str:
    """What the association reads of what is held back."""
    doubt = machines.ask(town.now)
    return doubt.why if doubt else ""


def test_what_another_machine_sent_in_the_lost_hour_is_not_sent_again(
    town: Town, both: tuple[Worker, Worker]
) -> None:
    a, b = both
    rows = backed_up()
    spend(town, 8, a, b)  # all of it leaves from the first
    assert len(town.sent()) == 12
    put_back(rows)
    assert not run_once(town.later(minutes=30), b).states
    assert told(town) == machines.suspicion()
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
    assert told(town) == machines.silence()
    run_once(town.later(minutes=1), a)
    assert not run_once(town.later(minutes=1), b).states
    assert len(town.sent()) == 12
    assert told(town) == machines.suspicion()


def test_a_machine_that_was_away_goes_on_when_the_other_knows_of_nothing(
    town: Town, both: tuple[Worker, Worker]
) -> None:
    a, b = both
    town.later(hours=1)
    assert not run_once(town.now, b).states
    machines.look(a.journal, town.later(minutes=1))
    assert run_once(town.now, b).states == {"accepted": 12}
    assert told(town) == ""


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


def test_a_machine_that_was_stopped_in_order_is_not_waited_for(
    town: Town, settings: Settings, tmp_path: Path, start: Callable[[str], Worker]
) -> None:
    """As each night's upgrade does; also where it was started once, with another folder."""
    Delivery.objects.update(not_before=town.now + timedelta(minutes=10))
    a = start("a")
    settings.OUTREACH_DIR = tmp_path / "b"
    with open_worker(town.now) as b, open_worker(town.now) as b_too:
        spend(town, 3, a, b, b_too)
    round_of(a, town.later(hours=1))
    assert town.states() == {"accepted": 12}
    assert told(town) == ""
    with open_worker(town.now) as b:
        assert machines.look(b.journal, town.later(hours=1)) is not None
        assert waiting.why_waits(town.campaign, town.now) == {"sms": Delivery.Reason.DOUBT}
        machines.look(a.journal, town.later(minutes=1))
        assert machines.look(b.journal, town.now) is None
    machines.look(a.journal, town.now)
    assert waiting.why_waits(town.campaign, town.now) == {}


def test_only_what_landed_and_the_last_of_a_machine_signs_off(
    town: Town, settings: Settings, tmp_path: Path
) -> None:
    def runs() -> bool:
        return SendingMachine.objects.filter(heard_at__isnull=False).exists()

    settings.OUTREACH_DIR = tmp_path / "a"
    with open_worker(town.now) as one:
        with open_worker(town.now) as other:
            machines.look(other.journal, town.now)
        assert runs(), "another worker lives"
    assert not runs()
    with open_worker(town.now) as one:
        machines.look(one.journal, town.now)
        one.journal.drawn(uuid4())
    assert runs(), "who knows whether it left"
    next((tmp_path / "a").glob("*.flight")).unlink()
    with open_worker(town.now) as one:
        machines.look(one.journal, town.now)
        rows = backed_up()
        one.journal.note_count(machines.count(one.journal))
        put_back(rows)
    assert runs(), "it knows more than the database"


def test_who_only_speaks_for_the_machines_is_none_of_them(
    town: Town, both: tuple[Worker, Worker], start: Callable[[str], Worker]
) -> None:
    """``--trust`` typed with another folder than the service has."""
    a, _b = both
    operator = start("typed")
    operator.suspect(town.now)
    assert machines.look(a.journal, town.now) is not None
    assert told(town) == machines.suspicion()
    operator.trust(town.now)
    assert machines.look(a.journal, town.now) is None
    assert SendingMachine.objects.count() == 2


def test_what_a_person_says_before_any_machine_ran_holds_when_one_does(
    town: Town, start: Callable[[str], Worker]
) -> None:
    start("a").suspect(town.later(minutes=1))
    assert not SendingMachine.objects.exists()
    assert not run_once(town.now, start("a")).states
    assert told(town) == machines.suspicion()


def test_what_a_person_says_on_one_machine_holds_on_the_other(
    town: Town, both: tuple[Worker, Worker]
) -> None:
    a, b = both
    spend(town, 6, a, b)
    a.suspect(town.now)
    assert not run_once(town.later(minutes=1), b).states
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
