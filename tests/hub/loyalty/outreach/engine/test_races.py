"""Several workers at once, on either engine: each message leaves once, each place is taken once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaland.hub.loyalty.models import Campaign, Delivery, Pressure
from chaland.hub.loyalty.outreach import campaigns
from chaland.hub.loyalty.outreach.engine import loop
from chaland.hub.loyalty.outreach.engine.loop import Done, run_once
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


def test_pause_resume_and_cancel_from_all_sides(workers: Racers, town: Town) -> None:
    """A worker sends while others pause, resume, and cancel: what left, left once."""

    def act(number: int) -> object:
        if number < 2:
            return run_once(town.now)
        for _ in range(10):
            try:
                campaigns.pause(town.campaign.pk)
                campaigns.resume(town.campaign.pk, town.now)
            except campaigns.CampaignErrorFinal:
                break  # finished meanwhile
        return None

    answers = workers.race(act)
    assert not [each for each in answers if isinstance(each, Exception)], answers
    workers.alone(lambda: run_once(town.later(minutes=1)))
    assert workers.alone(states)[0] == {"accepted": 72}
    assert len(town.sent()) == 72
    state = workers.alone(lambda: Campaign.objects.get().state)
    assert state == Campaign.State.FINISHED
