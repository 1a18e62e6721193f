"""The whole way of a campaign: queue, real Kannel, operators, reports and STOP by our own hook."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from random import Random

import pytest
from django.test import Client
from pytest_django import Settings

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, Delivery, Gateway, Inbound, Member, Suppression
from chaland.hub.loyalty.outreach.engine.loop import run_once
from tests import outreach_builders as build
from tests.builders import build_cast
from tests.hub.loyalty.outreach.peers.hooks import until
from tests.hub.loyalty.outreach.peers.kannel import KannelPeer
from tests.outreach_builders import NOON

pytestmark = pytest.mark.django_db
_ENDS = 1 | 2 | 16 | 32
SECRET = "a-secret-of-this-gateway"


class Town:
    """Twelve members whose numbers end in 00 … 11: what becomes of their messages is known."""

    def __init__(self, peer: KannelPeer, client: Client, smsc: str) -> None:
        self.peer, self.client = peer, client
        self.association_id = build_cast(2).association.pk
        self.members = build.build_reachable(self.association_id, 12)
        settings = {
            "url": peer.url,
            "username": peer.username,
            "password": peer.password,
            "smsc": smsc,
            "stop": "36105",
            "segment_microcents": 4_500_000,
        }
        self.gateway = build.build_gateway(
            self.association_id, driver="kannel", settings=json.dumps(settings)
        )
        Gateway.objects.filter(pk=self.gateway.pk).update(
            hook=SECRET, hook_hash=hashlib.sha256(SECRET.encode()).hexdigest()
        )

    def campaign(self, now: datetime = NOON) -> Campaign:
        campaign = build.build_campaign(self.association_id)
        build.build_deliveries(campaign, self.members)
        assert run_once(now)
        return campaign

    def ended(self) -> set[str]:
        """The keys of which Kannel reported an end."""
        reports = [call.query for call in list(self.peer.hooks.calls) if "dlr" in call.query]
        return {told["key"] for told in reports if int(told["dlr"]) & _ENDS}

    def relay(self, ready: Callable[[], bool], seed: int) -> None:
        """Hand Kannel's calls on to our hook, once they are there, in an order of its own."""
        until(ready)
        calls = list(self.peer.hooks.calls)
        Random(seed).shuffle(calls)
        for call in calls:
            headers = {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in call.headers.items()}
            address = f"/hooks/outreach/{SECRET}/"
            if call.method == "GET":
                answer = self.client.get(address, call.query, **headers)
            else:
                kind = call.headers["content-type"]
                answer = self.client.post(address, call.body, content_type=kind, **headers)
            assert (answer.status_code, answer.content) == (200, b"")
        self.peer.hooks.calls.clear()

    def states(self) -> dict[int, tuple[str, str]]:
        rows = Delivery.objects.values_list("member_id", "state", "reason")
        places = {member.pk: place for place, member in enumerate(self.members)}
        return {places[pk]: (state, reason) for pk, state, reason in rows}


@pytest.fixture
def clocked(settings: Settings, tmp_path: Path, gateway: KannelPeer) -> Iterator[None]:
    settings.STATE_DIR = settings.OUTREACH_DIR = tmp_path
    settings.PUBLIC_ORIGIN = gateway.hooks.url.split("/hooks/")[0]
    gateway.hooks.calls.clear()
    before = clock._read
    clock.use(lambda: NOON)
    yield
    clock.use(before)


@pytest.mark.usefixtures("clocked")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_outcome_arrives_in_every_order(
    gateway: KannelPeer, client: Client, seed: int
) -> None:
    town = Town(gateway, client, "smpp")
    town.campaign()
    assert {state for state, _reason in town.states().values()} == {"accepted"}
    town.relay(lambda: len(town.ended()) == 11, seed)  # the operator keeps 04
    run_once(NOON)
    failed = {1, 2, 3, 11}
    expected = {place: "failed" if place in failed else "delivered" for place in range(12)}
    assert {place: state for place, (state, _) in town.states().items()} == expected | {
        4: "accepted"
    }
    assert not Inbound.objects.exclude(trouble="").exists()
    expired = Delivery.objects.get(member=town.members[2])
    assert expired.code == "kannel 34"
    assert set(Delivery.objects.values_list("segments", "cost_microcents")) == {(1, 4_500_000)}


@pytest.mark.usefixtures("clocked")
def test_a_stop_suppresses_and_what_was_queued_is_not_sent(
    gateway: KannelPeer, client: Client
) -> None:
    town = Town(gateway, client, "fake")
    town.campaign()
    town.relay(lambda: len(town.ended()) == 12, seed=1)
    gateway.say(f"{town.members[3].phone} 36105 text Arrêt, s’il vous plaît")
    town.relay(lambda: bool(gateway.hooks.calls), seed=1)
    second = town.campaign()
    rows = Delivery.objects.filter(campaign=second)
    assert Counter(rows.values_list("state", flat=True)) == {"accepted": 11, "not_sent": 1}
    stopped = rows.get(state="not_sent")
    assert stopped.member == town.members[3]
    assert stopped.reason in ("no_consent", "suppressed"), "a STOP withdraws consent, too"
    assert Suppression.objects.get().cause == Suppression.Cause.STOP
    to_phone = [text for _from, to, text in gateway.heard() if to == town.members[3].phone]
    assert len(to_phone) == 1, "only what went before the STOP"
    assert to_phone[0].endswith("\nSTOP au 36105")
    assert Member.objects.get(pk=town.members[3].pk).state == town.members[3].state
