"""What providers tell: kept sealed, read in any order, tried again where it came too early."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connections

from chaland.hub.common import clock
from chaland.hub.loyalty import contention, erasure
from chaland.hub.loyalty.models import (
    Delivery,
    DeliveryEvent,
    Gateway,
    Inbound,
    Permission,
    Pressure,
    Suppression,
)
from chaland.hub.loyalty.outreach import drivers, inbound, stopping
from chaland.hub.loyalty.outreach.engine.loop import run_once
from chaland.hub.loyalty.outreach.outbox import Outbox
from chaland.hub.loyalty.outreach.selectors import tiring
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal, Heard, Hook, Kind, Status
from tests import outreach_builders as build
from tests.hub.loyalty.outreach.engine.conftest import Town
from tests.outreach_builders import NOON

pytestmark = pytest.mark.django_db
Say = Callable[..., None]


class Telling(Outbox):
    """A provider that tells in JSON: reports by key or number, and what members wrote."""

    def read(self, hook: Hook) -> list[Status | Heard]:
        told = json.loads(hook.body)
        return [self._one(one) for one in told.get("pack", [told])]

    def _one(self, told: dict[str, str]) -> Status | Heard:
        if "from" in told:
            return Heard(told["from"], told["text"], clock.now())
        return Status(Kind(told["kind"]), clock.now(), told.get("key", ""), told.get("id", ""))


@pytest.fixture
def say(town: Town, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Let the provider call, and the queue go on."""
    driver = Telling(town.outbox)
    monkeypatch.setattr(drivers, "open_gateway", lambda _gateway: driver)

    def said(**told: object) -> None:
        hook = Hook("POST", {"a": "1"}, {"x": "y"}, json.dumps(told).encode())
        inbound.store(Gateway.objects.get(), hook)

    return said


def key_of(place: int) -> str:
    return str(list(Delivery.objects.order_by("pk").values_list("key", flat=True))[place].hex)


def test_reports_settle_deliveries_and_are_kept_once(town: Town, say: Say) -> None:
    run_once(town.now)
    for kind in ("delivered", "accepted", "delivered", "failed"):
        say(kind=kind, key=key_of(0))
    say(kind="failed", id=key_of(1))  # by the provider's own number
    run_once(town.later(minutes=1))
    assert town.states() == {"accepted": 10, "delivered": 1, "failed": 1}
    assert DeliveryEvent.objects.count() == 4
    assert not Inbound.objects.filter(read_at=None).exists()


def test_a_report_of_what_a_restored_database_believes_waiting_takes_its_place(
    town: Town, say: Say
) -> None:
    for kind in ("accepted", "delivered"):
        say(kind=kind, key=key_of(0))
    inbound.read_due(town.now)
    assert town.states() == {"planned": 11, "delivered": 1}
    assert Pressure.objects.get().delivery.key.hex == key_of(0)


def test_a_report_that_comes_before_its_delivery_is_known_is_not_lost(town: Town, say: Say) -> None:
    run_once(town.now)
    Delivery.objects.update(provider_id="")
    say(kind="delivered", id="late-4711")
    run_once(town.later(minutes=1))
    assert Inbound.objects.filter(read_at=None).count() == 1
    Delivery.objects.filter(key=key_of(2)).update(provider_id="late-4711")
    assert not run_once(town.later(seconds=5)).other
    assert run_once(town.later(seconds=6)).other["read"] == 1
    assert town.states() == {"accepted": 11, "delivered": 1}


def test_what_stays_unknown_is_given_up_after_a_day_and_says_so(town: Town, say: Say) -> None:
    say(kind="delivered", id="nobody's")
    inbound.read_due(town.now)
    inbound.read_due(town.later(days=1, seconds=1))
    row = Inbound.objects.get()
    assert row.read_at
    assert row.trouble
    assert row.body == ""


def test_what_waits_for_its_delivery_is_tried_ever_more_rarely(town: Town, say: Say) -> None:
    say(kind="delivered", id="nobody's")
    tries = 0
    while Inbound.objects.filter(read_at=None).exists():
        before = Inbound.objects.values_list("again_at", flat=True).get()
        inbound.read_due(town.now)
        tries += Inbound.objects.values_list("again_at", flat=True).get() != before
        town.later(seconds=10)
        if town.now > NOON + timedelta(hours=1):
            town.later(minutes=2)
    assert tries < 100


def test_one_word_that_can_not_be_taken_keeps_none_of_its_pack_back(town: Town, say: Say) -> None:
    run_once(town.now)
    say(
        pack=[
            {"kind": "delivered", "key": "not a key"},
            {"kind": "delivered", "key": key_of(0)},
            {"kind": "delivered", "id": "nobody's"},
            {"from": str(town.members[1].phone), "text": "STOP"},
        ]
    )
    run_once(town.later(minutes=1))
    assert town.states() == {"accepted": 11, "delivered": 1}
    assert Suppression.objects.count() == 1
    row = Inbound.objects.get()
    assert (row.trouble, row.read_at) == ("ValueError", None)
    assert str(town.members[1].phone).removeprefix("+") not in row.body
    Delivery.objects.filter(key=key_of(2)).update(provider_id="nobody's")
    run_once(town.later(minutes=1))
    assert town.states() == {"accepted": 10, "delivered": 2}
    assert Inbound.objects.get().body == ""


def test_what_was_said_was_said_when_it_came_in(town: Town, say: Say) -> None:
    """However late it is read: a consent given in between is younger than the STOP."""
    member = town.members[0]
    say(**{"from": str(member.phone), "text": "STOP"})
    town.later(hours=1)
    Permission.objects.filter(member=member).update(since=town.now)
    town.later(hours=1)
    inbound.read_due(town.now)
    assert Suppression.objects.get().at == NOON
    assert Permission.objects.get(member=member).given


def test_while_a_gateway_s_settings_are_wrong_what_it_says_waits(
    town: Town, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_gateway: Gateway) -> Outbox:
        raise GatewayErrorFinal("no such host")

    say(**{"from": str(town.members[0].phone), "text": "STOP"})
    with monkeypatch.context() as patched:
        patched.setattr(drivers, "open_gateway", broken)
        inbound.read_due(town.now)
        assert not Suppression.objects.exists()
        assert Inbound.objects.get().trouble == "no such host"
    inbound.forget(town.association_id, town.now)
    assert Suppression.objects.exists()
    row = Inbound.objects.get()
    assert (row.trouble, row.body) == ("", "")


def test_what_can_not_be_read_is_listed(town: Town, say: Say) -> None:
    inbound.store(town.gateway, Hook("GET", {}, {}, b"<html>"))
    inbound.read_due(town.now)
    assert Inbound.objects.get().trouble


def test_what_breaks_its_reader_stops_nobody_else(town: Town, say: Say) -> None:
    inbound.store(town.gateway, Hook("POST", {}, {}, b"[" * 100_000))  # RecursionError
    say(kind="delivered", key="0" * 32)
    assert run_once(town.now).other["read"] >= 1
    first, second = Inbound.objects.order_by("pk")
    assert first.trouble == "RecursionError"
    assert first.read_at
    assert second.again_at


def test_stop_holds_for_what_waits(town: Town, say: Say) -> None:
    member = town.members[4]
    say(**{"from": str(member.phone), "text": "Stop svp"})
    say(**{"from": str(town.members[5].phone), "text": "À samedi !"})
    say(**{"from": "not a number", "text": "STOP"})
    run_once(town.now)
    assert town.states() == {"accepted": 11, "no_consent": 1}
    assert Suppression.objects.get().cause == Suppression.Cause.STOP
    assert not Permission.objects.get(member=member, channel="sms").given


def test_a_hard_bounce_suppresses_the_address_whatever_the_state(town: Town, say: Say) -> None:
    run_once(town.now)
    say(kind="delivered", key=key_of(0))
    say(kind="bounced_hard", key=key_of(0))
    say(kind="bounced_hard", key=key_of(0))
    run_once(town.later(minutes=1))
    assert town.states() == {"accepted": 11, "delivered": 1}
    assert Suppression.objects.get().cause == Suppression.Cause.BOUNCED


@pytest.mark.parametrize("kind", ["bounced_hard", "complained", "unsubscribed"])
def test_a_report_that_stops_is_not_on_record_before_its_stop_is(
    town: Town, say: Say, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Killed between both, or undone by another transaction: the next try must still stop."""
    run_once(town.now)
    say(kind=kind, key=key_of(0))
    whole = stopping._stop

    def killed(*_given: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(stopping, "_stop", killed)
        with pytest.raises(KeyboardInterrupt):
            inbound.read_due(town.now)
    assert not DeliveryEvent.objects.exists()
    turns = []

    def met_another(*given: Any) -> bool:
        turns.append(1)
        if len(turns) == 1:
            raise OperationalError from sqlite_busy()
        return whole(*given)

    monkeypatch.setattr(stopping, "_stop", met_another)
    monkeypatch.setattr(contention, "connections", {"loyalty": SimpleNamespace(in_atomic_block=0)})
    inbound.read_due(town.later(minutes=1))
    assert DeliveryEvent.objects.count() == Suppression.objects.count() == 1


def sqlite_busy() -> sqlite3.OperationalError:
    """The error that SQLite raises where another connection writes."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def test_a_stop_by_sms_counts_for_who_wrote_last_and_goes_on_counting(town: Town, say: Say) -> None:
    """It names no message; nor does the association's own number name a shop."""
    run_once(town.now)
    shop = build.build_campaign(town.association_id, controller=7, send_at=town.later(hours=1))
    build.build_deliveries(shop, town.members[:3])
    late = build.build_campaign(town.association_id, controller=8, send_at=town.now)
    build.build_deliveries(late, town.members[:3])
    Delivery.objects.filter(campaign=shop).update(state="delivered", sending_at=town.now)
    member, other = town.members[0], town.members[5]
    for wrote in (member, other):
        say(**{"from": str(wrote.phone), "text": "Stop svp !"})
    inbound.read_due(town.later(minutes=1))
    period = (NOON - timedelta(days=1), NOON + timedelta(days=1))
    told = {t.controller: (t.sent, t.stops) for t in tiring(town.association_id, *period)}
    assert told == {0: (12, 1), 7: (3, 1)}
    assert erasure.erase(member.pk, actor="member")
    town.later(hours=1)
    say(**{"from": str(member.phone), "text": "STOP"})
    inbound.read_due(town.now)
    assert Suppression.objects.get(at=town.now).delivery.campaign_id == shop.pk


def test_erasure_reads_what_was_not_read_and_keeps_nothing_of_it(town: Town, say: Say) -> None:
    member, other = town.members[:2]
    say(**{"from": str(member.phone), "text": "Bonjour, ici Anna"})
    say(**{"from": str(other.phone), "text": "STOP"})
    inbound.store(town.gateway, Hook("POST", {}, {}, b"Anna, no JSON"))
    say(kind="delivered", id="nobody's")
    assert erasure.erase(member.pk, actor="member")
    kept = "".join(Inbound.objects.values_list("body", flat=True))
    assert "Anna" not in kept
    assert "339" not in kept
    assert Inbound.objects.filter(read_at=None).count() == 1, "the report waits on"
    assert not Permission.objects.get(member=other, channel="sms").given


@pytest.mark.parametrize("error", [KeyError("creationDatetime"), ValueError, RuntimeError])
def test_an_odd_answer_of_one_provider_stops_nobody(
    town: Town, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    other = build.build_gateway(town.association_id + 1)
    Gateway.objects.update(driver="ovh")
    closed = []

    class Odd(Outbox):
        def __init__(self, gateway: Gateway) -> None:
            self.number = gateway.pk

        def stops(self, wanted: Callable[[list[str]], list[str]]) -> Iterator[Heard]:
            if self.number != other.pk:
                raise error
            yield from (Heard(one, "STOP", town.now) for one in wanted(["+33639980001"]))

        def close(self) -> None:
            closed.append(self.number)

    monkeypatch.setattr(drivers, "open_gateway", Odd)
    assert inbound.fetch_stops() == 1
    assert sorted(closed) == sorted([town.gateway.pk, other.pk])
    troubles = dict(Gateway.objects.values_list("pk", "deaf"))
    assert troubles[other.pk] == ""
    assert troubles[town.gateway.pk]
    assert "creationDatetime" not in troubles[town.gateway.pk]
    monkeypatch.setattr(Odd, "stops", lambda *_: [])
    inbound.fetch_stops()
    assert set(Gateway.objects.values_list("deaf", flat=True)) == {""}


def test_a_provider_is_asked_of_numbers_that_may_say_something_new(town: Town) -> None:
    first, second, third = (str(member.phone) for member in town.members[:3])
    for phone in (first, second):
        stopping.stop(town.association_id, "sms", phone, "stop", town.now)
    assert stopping.unheard(town.association_id, "sms", [first, second, third, "112"]) == [third]
    again = Permission.objects.filter(member=town.members[1], channel="sms")
    again.update(given=True, since=town.later(hours=1))
    asked = stopping.unheard(town.association_id, "sms", [first, second, third])
    assert asked == [third, second]


def test_another_association_s_gateway_can_not_report_ours(town: Town) -> None:
    run_once(town.now)
    stranger = Gateway.objects.get()
    stranger.association_id += 1
    assert not inbound.report(stranger, Status(Kind.FAILED, town.now, key_of(0)), town.now)
    assert town.states() == {"accepted": 12}


def test_what_came_in_is_sealed_and_goes_after_a_month(town: Town, say: Say) -> None:
    say(**{"from": "+33639980000", "text": "secret"})
    with connections["loyalty"].cursor() as cursor:
        cursor.execute("SELECT body FROM loyalty_inbound")
        assert b"33639980000" not in bytes(cursor.fetchone()[0])
    assert inbound.prune(town.now + timedelta(days=29)) == 0
    assert inbound.prune(town.now + timedelta(days=31)) == 1
