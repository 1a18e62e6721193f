"""The queue sends what is due, once, and says of each delivery why it wasn't sent."""

import json
import threading
from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest

from chaland.hub.loyalty.models import (
    Campaign,
    CampaignText,
    Delivery,
    Gateway,
    Permission,
    Pressure,
)
from chaland.hub.loyalty.outreach import campaigns, drivers, inbound, waiting
from chaland.hub.loyalty.outreach.audience import freezing
from chaland.hub.loyalty.outreach.engine import (
    again,
    claiming,
    loop,
    outcomes,
    recovering,
    sending,
)
from chaland.hub.loyalty.outreach.engine.journal import Journal
from chaland.hub.loyalty.outreach.engine.loop import open_worker, run_once
from chaland.hub.loyalty.outreach.engine.pace import BURST_S, Pace
from chaland.hub.loyalty.outreach.shapes import (
    Driver,
    GatewayErrorFinal,
    GatewayErrorTemporary,
    Outcome,
    Result,
    Sms,
    Status,
    Waiting,
)
from tests import outreach_builders as build
from tests.hub.loyalty.outreach.engine.conftest import IDEMPOTENT, Odd, Town

pytestmark = pytest.mark.django_db
_NIGHT_H = 9


def test_all_is_sent_once_and_the_campaign_is_finished(town: Town) -> None:
    done = run_once(town.now)
    assert done.states == {"accepted": 12}
    assert town.states() == {"accepted": 12}
    assert len(town.sent()) == 12
    assert Campaign.objects.get().state == Campaign.State.FINISHED
    assert not run_once(town.later(minutes=1))
    assert len(town.sent()) == 12
    told = json.loads((town.outbox / town.sent()[0]).read_text())
    assert told["to"].startswith("+33639")
    assert "STOP" in told["text"]


def test_nothing_goes_by_night_and_all_of_it_in_the_morning(town: Town) -> None:
    assert not run_once(town.later(hours=_NIGHT_H)).states
    assert run_once(town.later(hours=15)).states == {"accepted": 12}


def test_who_withdrew_in_between_is_not_sent(town: Town) -> None:
    Permission.objects.filter(member=town.members[3]).update(given=False)
    run_once(town.now)
    assert town.states() == {"accepted": 11, "no_consent": 1}
    assert len(town.sent()) == 11


def test_what_is_out_of_date_is_not_sent(town: Town) -> None:
    assert run_once(town.later(days=2)).held["expired"] == 12
    assert town.states() == {"expired": 12}
    assert town.sent() == []
    assert Campaign.objects.get().state == Campaign.State.FINISHED


def test_a_member_who_is_gone_is_not_sent(town: Town) -> None:
    Delivery.objects.filter(member=town.members[0]).update(member=None)
    run_once(town.now)
    assert town.states() == {"accepted": 11, "gone": 1}


def test_a_refusal_is_final_and_frees_its_place(town: Town, odd: Odd) -> None:
    odd.answers = {2: Result.REFUSED}
    run_once(town.now)
    assert town.states() == {"accepted": 11, "refused": 1}
    assert Pressure.objects.count() == 11


def test_not_now_is_tried_again_later_and_later(town: Town, odd: Odd) -> None:
    odd.answers = {n: Result.LATER for n in range(12)} | {12: Result.LATER}
    run_once(town.now)
    assert town.states() == {"gateway": 12}
    assert Pressure.objects.count() == 0
    assert not run_once(town.later(seconds=30)).states
    run_once(town.later(seconds=31))
    assert town.states() == {"accepted": 11, "gateway": 1}
    assert not run_once(town.later(seconds=90)).states
    run_once(town.later(seconds=31))
    assert town.states() == {"accepted": 12}
    assert len(town.sent()) == 12


def claimed(town: Town, journal: Journal) -> list[Waiting]:
    """Let a worker claim all that is due, and hand nothing over."""
    batch = claiming.claim(town.gateway, {town.campaign.pk: 12}, 12, journal, town.now)
    return [one.waiting for one in batch.claimed]


def test_not_now_and_then_a_dead_worker_loses_nothing(town: Town, odd: Odd) -> None:
    """What was put off once was never sent: who finds it claimed may send it."""
    odd.answers = {n: Result.LATER for n in range(12)}
    run_once(town.now)
    town.later(minutes=2)
    with open_worker(town.now) as dead:
        assert len(claimed(town, dead.journal)) == 12
    run_once(town.later(minutes=5))
    assert town.states() == {"accepted": 12}


def test_a_worker_whose_lease_is_over_touches_nothing_of_the_next_one_s(town: Town) -> None:
    with open_worker(town.now) as slow, open_worker(town.now) as next_:
        rows = claimed(town, slow.journal)
        town.later(minutes=3)
        recovering.recover(next_.journal, town.now)
        assert len(claimed(town, next_.journal)) == 12
        worker = slow.journal.worker
        outcomes.put_off(rows, worker, town.now, town.now, Delivery.Reason.GATEWAY)
        outcomes.give_back(rows, worker, town.now)
        again.let_go(rows, worker, town.now)
        assert town.states() == {"claimed": 12}
        assert Pressure.objects.count() == 12


def test_more_campaigns_than_places_take_turns(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "BATCH", 2)
    for _ in range(4):
        other = build.build_campaign(town.association_id)
        build.build_deliveries(other, build.build_reachable(town.association_id, 2))
    with open_worker(town.now) as worker:
        assert loop.round_of(worker, town.now).states == {"accepted": 2}
        run_once(town.now, worker)
    assert town.states() == {"accepted": 20}


def test_a_campaign_that_can_t_be_drawn_keeps_no_other_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = build.build_campaign(
        town.association_id, state="scheduled", frozen_at=None, started_at=None
    )

    def fails(campaign: Campaign, now: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(freezing, "freeze", fails)
    run_once(town.now)
    assert town.states() == {"accepted": 12}
    broken.refresh_from_db()
    assert (broken.state, "ZeroDivisionError" in broken.trouble) == ("paused", True)


@pytest.mark.parametrize("error", [GatewayErrorTemporary("busy"), GatewayErrorFinal("password")])
def test_a_gateway_that_is_away_loses_nothing(town: Town, odd: Odd, error: Exception) -> None:
    odd.answers = {5: error}
    with open_worker(town.now) as worker:
        run_once(town.now, worker)
        assert town.states() == {"accepted": 5, "gateway": 1, "ready": 6}
        assert Gateway.objects.get().trouble == str(error)
        assert Pressure.objects.count() == 5
        run_once(town.later(minutes=16), worker)
    assert town.states() == {"accepted": 12}
    assert Gateway.objects.get().trouble == ""
    assert len(town.sent()) == 12


def test_what_was_wrong_with_a_gateway_is_told_until_it_is_right(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing is due by it then, or ever again."""
    opens = drivers.open_gateway

    def fails(gateway: Gateway) -> Driver:
        raise GatewayErrorFinal("wrong password")

    with open_worker(town.now) as worker:
        monkeypatch.setattr(drivers, "open_gateway", fails)
        run_once(town.now, worker)
        assert waiting.why_waits(town.campaign, town.now) == {"sms": "gateway"}
        monkeypatch.setattr(drivers, "open_gateway", opens)
        run_once(town.later(hours=9), worker)  # evening
        assert Gateway.objects.get().trouble == ""
        assert waiting.why_waits(town.campaign, town.now) == {"sms": "quiet"}
    Gateway.objects.update(trouble="was away")
    run_once(town.now)
    assert Gateway.objects.get().trouble == "was away", "messages wait, and nothing was tried"
    campaigns.cancel(town.campaign.pk, town.now)
    run_once(town.now)
    assert Gateway.objects.get().trouble == ""


def test_what_can_not_be_fetched_says_nothing_of_what_leaves(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(gateway: Gateway) -> int:
        raise GatewayErrorTemporary("no such mailbox")

    Gateway.objects.update(driver="ovh")
    monkeypatch.setattr(inbound, "_stop_list", ask)
    inbound.fetch_stops()
    assert Gateway.objects.values_list("trouble", "deaf").get() == ("", "no such mailbox")
    assert waiting.why_waits(town.campaign, town.now) == {}


def test_a_campaign_that_can_t_be_written_is_its_own_trouble(town: Town) -> None:
    silent = build.build_campaign(town.association_id)
    build.build_deliveries(silent, build.build_reachable(town.association_id, 3))
    CampaignText.objects.filter(campaign=silent).delete()
    run_once(town.now)
    assert sorted(silent.deliveries.values_list("state", "reason")) == [("held", "unwritten")] * 3
    assert Gateway.objects.get().trouble == ""
    assert dict(Campaign.objects.values_list("pk", "trouble"))[town.campaign.pk] == ""
    silent.refresh_from_db()
    assert silent.trouble
    CampaignText.objects.create(campaign=silent, channel="sms", language="fr", body="Bonjour")
    assert run_once(town.later(minutes=16)).states == {"accepted": 3}
    silent.refresh_from_db()
    assert silent.trouble == ""


@pytest.mark.filterwarnings("ignore")
def test_a_driver_that_breaks_leaves_one_unknown_which_is_never_sent_again(
    town: Town, odd: Odd
) -> None:
    odd.answers = {5: RuntimeError("a fault")}
    with open_worker(town.now) as worker:
        run_once(town.now, worker)
        run_once(town.later(minutes=2), worker)
        assert town.states() == {"accepted": 11, "unknown": 1}
        assert len(town.sent()) == 11
        assert Pressure.objects.count() == 12
        assert Campaign.objects.get().state == Campaign.State.RUNNING
        run_once(town.later(days=4), worker)
    assert Campaign.objects.get().state == Campaign.State.FINISHED
    assert town.states() == {"accepted": 11, "unknown": 1}


def test_a_look_up_settles_what_is_unknown(town: Town, odd: Odd) -> None:
    odd.answers = {5: Result.UNKNOWN}
    run_once(town.now)
    (left,) = Delivery.objects.filter(state="unknown")
    (town.outbox / f"{left.key.hex}.json").write_text("it had arrived")
    assert run_once(town.later(minutes=2)).states == {"delivered": 1}


def test_an_odd_answer_about_one_unknown_message_stops_no_other(
    town: Town, odd: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd.answers = {5: Result.UNKNOWN, 7: Result.UNKNOWN}
    run_once(town.now)
    first, second = Delivery.objects.filter(state="unknown").order_by("sending_at", "pk")
    (town.outbox / f"{second.key.hex}.json").write_text("it had arrived")
    asks = odd.look_up

    def oddly(key: str, provider_id: str) -> Status | None:
        if key == first.key.hex:
            raise KeyError(0)
        return asks(key, provider_id)

    monkeypatch.setattr(odd, "look_up", oddly)
    assert run_once(town.later(minutes=2)).states == {"delivered": 1}
    assert town.states() == {"accepted": 10, "unknown": 1, "delivered": 1}


def test_an_idempotent_provider_gets_an_unknown_message_again(town: Town, odd: Odd) -> None:
    odd.capabilities = IDEMPOTENT
    odd.answers = {5: Result.UNKNOWN}
    run_once(town.now)
    assert town.states() == {"accepted": 11, "unknown": 1}
    run_once(town.later(minutes=2))
    assert town.states() == {"accepted": 12}
    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [1] * 11 + [2]


def test_a_pause_holds_in_the_middle_of_a_batch(
    town: Town, odd: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_LOOKS_EVERY_S", 0.0)
    before = odd.send

    def pausing(batch: Iterable[Sms]) -> Iterator[Outcome]:
        for number, outcome in enumerate(before(batch)):
            if number == 3:
                campaigns.pause(town.campaign.pk)
            yield outcome

    monkeypatch.setattr(odd, "send", pausing)
    run_once(town.now)
    assert town.states() == {"accepted": 4, "ready": 8}
    assert Pressure.objects.count() == 4
    monkeypatch.setattr(odd, "send", before)
    campaigns.resume(town.campaign.pk, town.later(minutes=1))
    campaigns.resume(town.campaign.pk, town.now)
    run_once(town.now)
    assert len(town.sent()) == 12
    assert town.states() == {"accepted": 12}


def test_a_worker_that_is_told_to_end_writes_its_batch_down(
    town: Town, odd: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_LOOKS_EVERY_S", 0.0)
    before = odd.send
    ending = threading.Event()

    def told(batch: Iterable[Sms]) -> Iterator[Outcome]:
        for number, outcome in enumerate(before(batch)):
            if number == 3:
                ending.set()
            yield outcome

    monkeypatch.setattr(odd, "send", told)
    monkeypatch.setattr(loop, "close_old_connections", lambda: None)  # it is the test's own
    with open_worker(town.now) as worker:
        worker.ending = ending
        loop.serve(worker)
    assert town.states() == {"accepted": 4, "ready": 8}


def test_campaigns_share_a_gateway(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "BATCH", 6)
    other = build.build_campaign(town.association_id)
    build.build_deliveries(other, build.build_reachable(town.association_id, 3))
    with open_worker(town.now) as worker:
        loop.round_of(worker, town.now)
    assert {
        c.pk: c.deliveries.filter(state="accepted").count() for c in (town.campaign, other)
    } == {
        town.campaign.pk: 3,
        other.pk: 3,
    }


def test_a_slow_start_doubles_each_hour(town: Town) -> None:
    Gateway.objects.update(first_hour=2)
    gone = []
    for hour in range(3):
        run_once(town.later(hours=min(hour, 1)))
        gone.append(len(town.sent()))
    assert gone == [2, 6, 12]


def test_what_a_worker_of_another_machine_held_lapses_with_its_lease(town: Town) -> None:
    ids = list(Delivery.objects.values_list("pk", flat=True))
    lapse = town.now + timedelta(minutes=1)
    lost = {"lease": "0" * 32, "leased_until": lapse}
    Delivery.objects.filter(pk__in=ids[:3]).update(state="claimed", **lost)
    Delivery.objects.filter(pk__in=ids[3:5]).update(state="sending", sending_at=town.now, **lost)
    run_once(town.now)
    assert town.states() == {"accepted": 7, "claimed": 3, "sending": 2}
    run_once(town.later(minutes=2))
    assert town.states() == {"accepted": 10, "unknown": 2}
    assert len(town.sent()) == 10


def test_a_rate_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [0.0]
    pace = Pace(10, read=lambda: at[0], sleep=lambda s: at.__setitem__(0, at[0] + s))
    times = []
    for _ in range(30):
        pace.wait()
        times.append(at[0])
    assert times[-1] - times[0] == pytest.approx(2.9)
    at[0] += 60  # the gateway was slow: only a burst of that may be caught up
    late = []
    for _ in range(10):
        pace.wait()
        late.append(at[0])
    assert late[-1] - late[0] == pytest.approx(0.9 - BURST_S)
