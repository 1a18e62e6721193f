"""A database back from a back-up believes messages ready that left: none leaves again."""

import shutil
from datetime import timedelta

import pytest
from django.conf import settings

from chaland.hub.loyalty.models import Campaign, Delivery, Pressure
from chaland.hub.loyalty.outreach import inbound
from chaland.hub.loyalty.outreach.engine import machines
from chaland.hub.loyalty.outreach.engine.loop import open_worker, run_once
from chaland.hub.loyalty.outreach.shapes import Kind, Status
from tests import outreach_builders as build
from tests.hub.loyalty.outreach.engine.conftest import Town

pytestmark = pytest.mark.django_db


def put_back(town: Town) -> None:
    """Bring the database back to where everything was planned and nothing sent."""
    Pressure.objects.all().delete()
    Delivery.objects.all().update(
        state="planned", sending_at=None, gateway=None, provider_id="", attempts=0, lease=None
    )
    Campaign.objects.update(state=Campaign.State.RUNNING, finished_at=None)


def test_what_left_is_put_right_and_not_sent(town: Town) -> None:
    run_once(town.now)
    put_back(town)
    done = run_once(town.later(hours=1))
    assert done.held["left"] == 12
    assert town.states() == {"accepted": 12}
    assert len(town.sent()) == 12
    assert Delivery.objects.exclude(provider_id="").count() == 12


def test_half_of_it_had_left(town: Town) -> None:
    Delivery.objects.filter(pk__in=Delivery.objects.values("pk")[6:]).update(
        not_before=town.now + timedelta(hours=1)
    )
    run_once(town.now)
    assert len(town.sent()) == 6
    put_back(town)
    run_once(town.later(hours=1))
    assert town.states() == {"accepted": 12}
    assert len(town.sent()) == len({name.split(".")[0] for name in town.sent()}) == 12


def test_an_audience_that_is_drawn_anew_has_the_same_keys(town: Town) -> None:
    """The back-up is older than the drawing: the rows are other ones, the keys are not."""
    run_once(town.now)
    Pressure.objects.all().delete()
    Delivery.objects.all().delete()
    Campaign.objects.update(state=Campaign.State.SCHEDULED, frozen_at=None, holdout_percent=0)
    run_once(town.later(hours=1))
    assert town.states() == {"accepted": 12}
    assert len(town.sent()) == 12


def test_a_journal_that_was_copied_back_too_holds_what_was_due(town: Town) -> None:
    with open_worker(town.now):  # the copy is taken before anything is sent
        copy = settings.OUTREACH_DIR.with_name("copy")
    shutil.copytree(settings.OUTREACH_DIR, copy)
    run_once(town.now)
    put_back(town)
    shutil.rmtree(settings.OUTREACH_DIR)
    shutil.copytree(copy, settings.OUTREACH_DIR)  # keeps all times that can be kept
    run_once(town.later(hours=1))
    assert town.states() == {"planned": 12}
    assert len(town.sent()) == 12
    doubt = machines.ask(town.now)
    assert doubt
    assert doubt.why == machines.suspicion()
    assert run_once(town.later(days=2)).held["expired"] == 12
    assert town.states() == {"expired": 12}


def test_a_lost_journal_holds_what_was_due_and_not_what_comes_after(town: Town) -> None:
    Delivery.objects.filter(pk__in=Delivery.objects.values("pk")[6:]).update(
        not_before=town.now + timedelta(hours=2)
    )
    run_once(town.now)
    shutil.rmtree(settings.OUTREACH_DIR)
    assert not run_once(town.later(hours=2)).states
    campaign = build.build_campaign(town.association_id, send_at=town.later(minutes=1))
    build.build_deliveries(campaign, town.members[:3])
    assert run_once(town.later(minutes=1)).states == {"accepted": 3}
    with open_worker(town.now) as worker:
        worker.journal.trust()
    assert run_once(town.later(minutes=1)).states == {"accepted": 6}
    assert machines.ask(town.now) is None
    assert len(town.sent()) == 15


def test_a_new_installation_has_nothing_to_suspect(town: Town) -> None:
    with open_worker(town.now) as worker:
        assert worker.journal.suspect_since is None
        worker.journal.suspect(town.now + timedelta(minutes=1))
    run_once(town.later(minutes=2))
    assert town.states() == {"planned": 12}


def test_a_report_of_what_the_database_believes_ready_is_believed(town: Town) -> None:
    key = Delivery.objects.values_list("key", flat=True)[0]
    status = Status(Kind.DELIVERED, town.now, key.hex)
    assert inbound.report(town.gateway, status, town.now)
    run_once(town.now)
    assert town.states() == {"delivered": 1, "accepted": 11}
    assert f"{key.hex}.json" not in town.sent()
