"""What stops a message in the moment in which it would leave: the sale's state, the hours, a word
of the member's; at the claim, at a second try, and in the middle of a batch."""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

import pytest

from chaland.hub.loyalty import erasure, fields
from chaland.hub.loyalty.models import (
    Campaign,
    Delivery,
    Gateway,
    Member,
    Permission,
    Pressure,
    PrivateSale,
)
from chaland.hub.loyalty.outreach import campaigns, pressure, waiting
from chaland.hub.loyalty.outreach.engine import loop, sending
from chaland.hub.loyalty.outreach.engine.journal import Journal
from chaland.hub.loyalty.outreach.engine.loop import open_worker, round_of, run_once
from chaland.hub.loyalty.outreach.shapes import Held, Outcome, Result, Sms, Waiting
from chaland.hub.loyalty.sales.services import cancel_sale
from tests import outreach_builders as build
from tests.hub.loyalty.outreach.engine.conftest import IDEMPOTENT, Odd, Town

pytestmark = pytest.mark.django_db
Reason = Delivery.Reason


def sale_of(town: Town) -> PrivateSale:
    """Let the campaign invite to a sale that is announced."""
    sale = PrivateSale.objects.create(
        association_id=town.association_id,
        name="Samedi",
        starts_at=town.now + timedelta(hours=20),
        ends_at=town.now + timedelta(hours=30),
        state=PrivateSale.State.OPEN,
        created_at=town.now,
        created_by="user:1",
    )
    Campaign.objects.update(sale=sale, expires_at=sale.ends_at)
    return sale


def test_a_cancelled_sale_invites_nobody_whatever_its_campaign_says(town: Town) -> None:
    """The sale is cancelled in a transaction of its own; the campaign still runs."""
    sale = sale_of(town)
    cancel_sale(sale.pk)
    with open_worker(town.now) as worker:
        assert not round_of(worker, town.now).states
    assert town.sent() == []
    assert town.states() == {"sale_over": 12}
    assert Pressure.objects.count() == 0


def during(odd: Odd, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen after the fourth message of a batch that is looked at each time."""
    monkeypatch.setattr(sending, "_LOOKS_EVERY_S", 0.0)
    before = odd.send

    def send(batch: Iterable[Sms]) -> Iterator[Outcome]:
        for number, outcome in enumerate(before(batch)):
            if number == 3:
                happens()
            yield outcome

    monkeypatch.setattr(odd, "send", send)


def not_yet_sent(town: Town) -> Member:
    """Return the member whose message is the last of the batch."""
    member = Delivery.objects.filter(state="sending").order_by("pk").last()
    assert member is not None
    assert member.member is not None
    return member.member


@pytest.mark.parametrize(
    ("reason", "happens"),
    [
        ("no_consent", lambda m: Permission.objects.filter(member=m).update(given=False)),
        ("paused_member", lambda m: Member.objects.filter(pk=m.pk).update(state="paused")),
        ("gone", lambda m: erasure.erase(m.pk, actor="user:1")),
        ("no_contact", lambda m: Member.objects.filter(pk=m.pk).update(phone=None)),
    ],
)
def test_a_member_who_is_heard_during_a_batch_is_not_sent(
    town: Town,
    odd: Odd,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    happens: Callable[[Member], object],
) -> None:
    during(odd, monkeypatch, lambda: happens(not_yet_sent(town)))
    run_once(town.now)
    assert town.states() == {"accepted": 11, reason: 1}
    assert len(town.sent()) == 11
    assert Pressure.objects.count() == 11


def test_what_is_left_of_a_batch_is_looked_at_without_opening_an_address(
    town: Town, odd: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    opens = fields._opened
    monkeypatch.setattr(sending, "_LOOKS_EVERY_S", 0.0)
    monkeypatch.setattr(fields, "_opened", lambda sealed: [opened.append(1), opens(sealed)][1])
    run_once(town.now)
    assert town.states() == {"accepted": 12}
    gateway_s = len(Gateway.objects.all()) * 2
    assert len(opened) < 12 + 20 * gateway_s, "each address once, and the gateway's settings"


def test_a_batch_ends_with_the_hours_and_with_the_sale(
    town: Town, odd: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = sale_of(town)
    town.later(hours=8, minutes=-1)  # 19:59 in Paris
    during(odd, monkeypatch, lambda: town.later(minutes=2))
    with open_worker(town.now) as worker:
        round_of(worker, town.now)
        assert town.states() == {"accepted": 4, "ready": 8}
        assert Pressure.objects.count() == 4
        town.later(hours=14)  # 10:01
        during(odd, monkeypatch, lambda: cancel_sale(sale.pk))
        round_of(worker, town.now)
        assert len(town.sent()) < 12
        assert town.states() == {"accepted": len(town.sent()), "sale_over": 12 - len(town.sent())}


def test_one_campaign_of_a_batch_is_paused_and_the_other_goes_on(
    town: Town, odd: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = build.build_campaign(town.association_id)
    build.build_deliveries(other, build.build_reachable(town.association_id, 12))
    during(odd, monkeypatch, lambda: campaigns.pause(town.campaign.pk))
    with open_worker(town.now) as worker:
        round_of(worker, town.now)
    sent = {
        each.pk: each.deliveries.filter(state="accepted").count() for each in (town.campaign, other)
    }
    assert sent == {town.campaign.pk: 4, other.pk: 12}


def test_what_a_member_says_before_the_lock_is_heard(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A STOP that commits just before the claim has its members' locks."""
    before = pressure.lock

    def lock(asked: list[Waiting], now: object) -> dict[int, Held]:
        Permission.objects.filter(member=town.members[3]).update(given=False)
        return before(asked, now)  # type: ignore[arg-type]

    monkeypatch.setattr(pressure, "lock", lock)
    run_once(town.now)
    assert town.states() == {"accepted": 11, "no_consent": 1}


@pytest.fixture
def unknown(town: Town, odd: Odd) -> Delivery:
    """Leave one message unknown, by a provider that takes the same key twice as one."""
    odd.capabilities = IDEMPOTENT
    odd.answers = {5: Result.UNKNOWN}
    town.later(hours=8, minutes=-2)
    run_once(town.now)
    odd.answers = {}
    return Delivery.objects.get(state="unknown")


def test_a_second_try_waits_for_the_hours(town: Town, unknown: Delivery) -> None:
    run_once(town.later(hours=4))  # 23:58
    assert town.states() == {"accepted": 11, "unknown": 1}
    run_once(town.later(hours=10, minutes=5))
    assert town.states() == {"accepted": 12}
    assert Pressure.objects.count() == 12


def test_a_second_try_is_not_made_for_a_sale_that_was_cancelled(
    town: Town, unknown: Delivery
) -> None:
    sale = sale_of(town)
    Campaign.objects.update(state=Campaign.State.FINISHED)
    cancel_sale(sale.pk)
    run_once(town.later(hours=14, minutes=5))
    assert town.states() == {"accepted": 11, "unknown": 1}


@pytest.mark.parametrize("answer", [Result.LATER, Result.REFUSED, Result.UNKNOWN])
def test_a_second_try_that_fails_leaves_the_first_one_unknown_with_its_place(
    town: Town, odd: Odd, unknown: Delivery, answer: Result
) -> None:
    town.later(hours=14, minutes=5)
    odd.answers = {odd.drawn: answer}
    run_once(town.now)
    assert town.states() == {"accepted": 11, "unknown": 1}
    assert Pressure.objects.filter(delivery=unknown).exists()


def test_a_second_try_that_is_not_made_leaves_the_first_one_unknown_with_its_place(
    town: Town, odd: Odd, unknown: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.later(hours=14, minutes=5)
    with open_worker(town.now) as worker:  # it ends before the message is drawn
        monkeypatch.setattr(sending, "_LOOKS_EVERY_S", 0.0)
        monkeypatch.setattr(sending.Sender, "going", lambda *_: set())
        round_of(worker, town.now)
    assert town.states() == {"accepted": 11, "unknown": 1}
    assert Pressure.objects.filter(delivery=unknown).exists()


@pytest.mark.parametrize("state", ["claimed", "sending"])
def test_a_second_try_of_a_worker_that_died_leaves_the_first_one_unknown_with_its_place(
    town: Town, unknown: Delivery, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.later(hours=14, minutes=5)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    where = (sending, "_committed") if state == "claimed" else (sending, "Draw")
    with monkeypatch.context() as patched:
        patched.setattr(*where, die)
        patched.setattr(Journal, "close", lambda self, _: os.close(self._flight))  # killed
        with pytest.raises(KeyboardInterrupt):
            run_once(town.now)
    assert town.states() == {"accepted": 11, state: 1}
    Campaign.objects.update(state=Campaign.State.PAUSED)  # nothing is claimed again
    run_once(town.later(minutes=5))
    assert town.states() == {"accepted": 11, "unknown": 1}
    assert Pressure.objects.filter(delivery=unknown).exists()


def test_what_left_before_a_restore_counts_under_the_caps(town: Town) -> None:
    run_once(town.now)
    Pressure.objects.all().delete()
    Delivery.objects.update(state="planned", sending_at=None, gateway=None, lease=None)
    Campaign.objects.update(state=Campaign.State.RUNNING, finished_at=None)
    run_once(town.later(hours=1))
    assert town.states() == {"accepted": 12}
    assert Pressure.objects.count() == 12
    other = [build.build_campaign(town.association_id, send_at=town.now) for _ in range(2)]
    for campaign in other:
        build.build_deliveries(campaign, town.members)
    run_once(town.later(hours=1))
    assert len(town.sent()) == 24, "two a week, the one before the restore among them"


def test_a_slow_start_is_its_campaign_s_own(town: Town) -> None:
    Gateway.objects.update(first_hour=1)
    old = build.build_campaign(town.association_id, started_at=town.now - timedelta(hours=30))
    build.build_deliveries(old, build.build_reachable(town.association_id, 12))
    with open_worker(town.now) as worker:
        round_of(worker, town.now)
    assert old.deliveries.filter(state="accepted").count() == 12
    assert town.campaign.deliveries.filter(state="accepted").count() == 1


def test_why_messages_wait_is_told_by_channel(town: Town) -> None:
    def why() -> dict[str, str]:
        return waiting.why_waits(Campaign.objects.get(), town.now)

    assert why() == {}
    Gateway.objects.update(first_hour=2)
    run_once(town.now)
    assert why() == {"sms": Reason.SLOW}
    town.later(hours=9)
    assert why() == {"sms": Reason.QUIET}
    Gateway.objects.update(trouble="wrong password")
    assert why() == {"sms": Reason.GATEWAY}
    campaigns.pause(town.campaign.pk)
    assert why() == {"sms": Reason.PAUSED}


def test_places_are_forgotten_when_they_count_no_longer(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_once(town.now)
    Pressure.objects.filter(delivery=Delivery.objects.first()).update(
        at=town.now - timedelta(days=90)
    )
    monkeypatch.setattr(loop, "close_old_connections", lambda: None)
    with open_worker(town.now) as worker:
        monkeypatch.setattr(worker.ending, "wait", lambda _: worker.ending.set())
        loop.serve(worker)
    assert Pressure.objects.count() == 11
