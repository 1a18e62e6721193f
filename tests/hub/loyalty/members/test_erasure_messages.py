"""Who was written to, invited, answered STOP and chose: erased, nothing of it names the person."""

import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connections
from pytest_django import Settings

from chaland.hub.common import clock
from chaland.hub.loyalty import erasure
from chaland.hub.loyalty.account import portable
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.models import (
    Campaign,
    Delivery,
    Inbound,
    Invitation,
    Member,
    MessageChoice,
    Pressure,
    PrivateSale,
    Suppression,
)
from chaland.hub.loyalty.outreach import choices, inbound, stopping
from chaland.hub.loyalty.outreach.audience import freezing
from chaland.hub.loyalty.outreach.engine.loop import run_once
from chaland.hub.loyalty.outreach.shapes import Hook
from chaland.hub.loyalty.sales import services as sales
from tests import outreach_builders as build
from tests.hub.loyalty.members.conftest import NOW
from tests.hub.loyalty.members.test_erasure import NEEDLES, traces
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db


@pytest.fixture
def written_to(loyalty: Loyalty, member: Member, settings: Settings, tmp_path: Path) -> Member:
    """Invited by a text message that left, counted and planned again; a call that names her came
    in; she said STOP."""
    settings.STATE_DIR = settings.OUTREACH_DIR = tmp_path
    town, shop = member.association_id, loyalty.cast.shop.pk
    texts = wordings.current(town, "fr")
    offers = [Decision(0, w.purpose, w.channel, True, w.pk) for w in texts if w.purpose == "offers"]
    consent.record(member, offers, place="till", occurred_at=NOW, evidence={"till": 3})
    sms = build.build_gateway(town)
    sale = PrivateSale.objects.create(
        association_id=town, shop_id=shop, name="Soirée", state=PrivateSale.State.OPEN,
        starts_at=NOW, ends_at=NOW + timedelta(days=1), created_at=NOW, created_by="user:1",
    )  # fmt: skip
    for number, holdout in enumerate((0, 100)):
        campaign = build.build_campaign(
            town, sale=sale, send_at=NOW, holdout_percent=holdout, frozen_at=None,
            expires_at=NOW + timedelta(days=1), name=f"Campagne {number}",
        )  # fmt: skip
        freezing.freeze(campaign, NOW)
    run_once(clock.now())
    sales.book(Invitation.objects.get().pk)
    choices.choose(member.pk, per_week=1, per_month=None, automatic=["points"])
    inbound.store(sms, Hook("POST", {"from": member.phone or ""}, {}, b"STOP Quetzalcoatl"))
    stopping.stop(town, "sms", member.phone or "", Suppression.Cause.STOP, NOW)
    return Member.objects.get(pk=member.pk)


def files(folder: Path) -> str:
    return "".join(p.read_text("latin-1") for p in folder.glob("outbox/*/*"))


def test_nothing_of_messages_and_invitations_names_who_is_erased(
    written_to: Member, tmp_path: Path
) -> None:
    index = bytes(written_to.phone_index or b"").hex()
    assert Delivery.objects.filter(state=Delivery.State.ACCEPTED).count() == 1
    assert Pressure.objects.count() == 1
    assert "loyalty.Inbound.body" in traces(NEEDLES)
    assert "Philom" in files(tmp_path)
    assert erasure.erase(written_to.pk, actor="member")
    assert traces(NEEDLES) == set()
    assert traces((index,)) == {"loyalty.Suppression.index"}, "L8, L14: a keyed hash, and no more"
    assert files(tmp_path) == ""
    assert not Pressure.objects.exists()
    assert not MessageChoice.objects.exists()
    counted = Delivery.objects.filter(member=None).values_list("state", flat=True)
    assert sorted(counted) == ["accepted", "not_sent"], "the counts stay"
    assert Invitation.objects.get().state == Invitation.State.DECLINED
    assert Campaign.objects.count() == 2
    assert Inbound.objects.get().read_at is not None


def test_what_was_written_and_chosen_is_taken_along(written_to: Member) -> None:
    told = json.loads(json.dumps(portable.everything(written_to)))
    (invitation,) = told["invitations"]
    assert (invitation["sale"], invitation["state"], invitation["how"]) == (
        "Soirée", "booked", "invited",
    )  # fmt: skip
    by_state = {one["state"]: one for one in told["messages"]}
    sent, held_out = by_state["accepted"], by_state["not_sent"]
    assert (sent["name"], sent["sent_at"], sent["reason"]) == ("Campagne 0", NOW.isoformat(), "")
    assert sent["why"]
    assert sent["controller"] == told["association"]
    assert (held_out["reason"], held_out["sent_at"]) == ("held_out", None)
    assert told["message_choices"] == {"per_week": 1, "per_month": None, "automatic": ["points"]}
    assert [(stop["channel"], stop["cause"]) for stop in told["stopped"]] == [("sms", "stop")]


@pytest.mark.django_db(transaction=True)
def test_erasure_holds_nothing_while_it_reads_and_begins_anew_where_it_met_another(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came in may name anybody: reading it locks others, in any order."""
    inside: list[bool] = []
    reads, empties = inbound.forget, erasure._empty

    def read(association_id: int, now: datetime) -> None:
        inside.append(connections["loyalty"].in_atomic_block)
        reads(association_id, now)

    def met_another(leaving: Member, actor: str) -> None:
        monkeypatch.setattr(erasure, "_empty", empties)
        busy = sqlite3.OperationalError("database is locked")
        busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise OperationalError from busy

    monkeypatch.setattr(inbound, "forget", read)
    monkeypatch.setattr(erasure, "_empty", met_another)
    assert erasure.erase(member.pk, actor="member")
    assert inside == [False]
    assert not Member.objects.filter(pk=member.pk).exists()
