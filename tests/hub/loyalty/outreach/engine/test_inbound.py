"""What providers tell: kept sealed, read in any order, tried again where it came too early."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connections

from chaland.hub.loyalty.models import (
    Delivery,
    DeliveryEvent,
    Gateway,
    Inbound,
    Permission,
    Suppression,
)
from chaland.hub.loyalty.outreach import drivers, inbound
from chaland.hub.loyalty.outreach.engine.loop import run_once
from chaland.hub.loyalty.outreach.outbox import Outbox
from chaland.hub.loyalty.outreach.shapes import Heard, Hook, Kind, Status
from tests.hub.loyalty.outreach.engine.conftest import Town

pytestmark = pytest.mark.django_db
Say = Callable[..., None]


class Telling(Outbox):
    """A provider that tells in JSON: reports by key or number, and what members wrote."""

    at: datetime

    def read(self, hook: Hook) -> list[Status | Heard]:
        told = json.loads(hook.body)
        if "from" in told:
            return [Heard(told["from"], told["text"], self.at)]
        return [Status(Kind(told["kind"]), self.at, told.get("key", ""), told.get("id", ""))]


@pytest.fixture
def say(town: Town, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Let the provider call, and the queue go on."""
    driver = Telling(town.outbox)
    monkeypatch.setattr(drivers, "open_gateway", lambda _gateway: driver)

    def said(**told: str) -> None:
        driver.at = town.now
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
