"""Several workers at once, on either engine: each message leaves once, each place is taken once."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from chaland.hub.loyalty.models import Campaign, Delivery, Pressure
from chaland.hub.loyalty.outreach import campaigns
from chaland.hub.loyalty.outreach.engine import loop
from chaland.hub.loyalty.outreach.engine.loop import Done, open_worker, run_once
from tests import outreach_builders as build
from tests.hub.loyalty.ledger.racing import Racers, racers
from tests.hub.loyalty.outreach.engine.conftest import Town

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 4


@pytest.fixture
def workers(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Racers]:
    monkeypatch.setattr(loop, "BATCH", 5)
    build.build_deliveries(town.campaign, build.build_reachable(town.association_id, 60))
    folder = tmp_path / "databases"
    folder.mkdir()
    with racers(WORKERS, folder) as there:
        yield there


def states() -> tuple[dict[str, int], int]:
    """Count deliveries by state, and places taken, as another connection sees them."""
    found: dict[str, int] = {}
    for state in Delivery.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found, Pressure.objects.count()


def test_workers_at_once_send_each_message_once(workers: Racers, town: Town) -> None:
    done = workers.race(lambda _: run_once(town.now))
    assert all(isinstance(each, Done) for each in done), done
    workers.alone(lambda: run_once(town.later(minutes=1)))
    assert workers.alone(states) == ({"accepted": 72}, 72)
    assert len(town.sent()) == 72


def send_until(town: Town, ended: set[str], clock: bool) -> None:
    """Work as a worker does, round after round, until the campaign is in one of some states."""
    with open_worker(town.now) as worker:
        for _ in range(1_000):
            loop.round_of(worker, town.later(seconds=1) if clock else town.now)
            if Campaign.objects.get().state in ended:
                return
    raise AssertionError("messages wait, and nobody comes back to them")


def test_pause_and_resume_from_all_sides(workers: Racers, town: Town) -> None:
    """Two workers send while two people pause and resume: the same workers bring it to its end."""

    def act(number: int) -> None:
        if number < 2:
            return send_until(town, {Campaign.State.FINISHED}, clock=number == 0)
        for _ in range(10):
            with suppress(campaigns.CampaignErrorFinal):  # finished meanwhile
                campaigns.pause(town.campaign.pk)
                campaigns.resume(town.campaign.pk, town.now)
        return None

    answers = workers.race(act)
    assert not [each for each in answers if isinstance(each, Exception)], answers
    assert workers.alone(states) == ({"accepted": 72}, 72)
    assert len(town.sent()) == 72


def test_cancelled_from_all_sides(workers: Racers, town: Town) -> None:
    """Two workers send, one person pauses and resumes, another cancels: what left, left once, and
    all the rest was not sent, for that reason."""
    over = {Campaign.State.CANCELLED, Campaign.State.FINISHED}

    def act(number: int) -> None:
        if number < 2:
            return send_until(town, over, clock=number == 0)
        while number == 3 and len(town.sent()) < 10:
            time.sleep(0.001)
        for _ in range(10):
            with suppress(campaigns.CampaignErrorFinal):  # cancelled meanwhile
                if number == 3:
                    campaigns.cancel(town.campaign.pk, town.now)
                else:
                    campaigns.pause(town.campaign.pk)
                    campaigns.resume(town.campaign.pk, town.now)
        return None

    answers = workers.race(act)
    assert not [each for each in answers if isinstance(each, Exception)], answers
    sent = town.sent()
    assert workers.alone(lambda: Campaign.objects.get().state) == Campaign.State.CANCELLED
    workers.alone(lambda: run_once(town.later(minutes=5)))
    assert town.sent() == sent, "nothing leaves after it"
    found, places = workers.alone(states)
    cancelled = Delivery.objects.filter(reason=Delivery.Reason.CANCELLED)
    assert found == {"accepted": len(sent), "not_sent": workers.alone(cancelled.count)}
    assert sum(found.values()) == 72
    assert places == len(sent), "who got nothing has lost no place"
