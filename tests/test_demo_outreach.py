"""The demo's sales and messages: staged once, by the services, into files."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from chaland.demo import loyalty, outreach_texts
from chaland.demo.founding import found
from chaland.demo.loyalty_load import Loading
from chaland.hub.association.models import StaffRole
from chaland.hub.common import clock
from chaland.hub.loyalty.models import (
    Campaign,
    Delivery,
    Gateway,
    Invitation,
    MessageChoice,
    PrivateSale,
    Suppression,
)
from chaland.hub.loyalty.outreach import campaigns
from chaland.hub.loyalty.outreach.results import debrief, measuring
from chaland.simulate.town import drawn_town

pytestmark = pytest.mark.django_db
FOUNDED, SHOPS, DAYS = date(2026, 11, 21), 2, 20


def test_sales_and_messages_are_staged_once(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STATE_DIR, settings.OUTREACH_DIR = tmp_path, tmp_path / "outreach"
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    monkeypatch.setattr(clock, "_read", lambda: now)
    found(drawn_town(SHOPS), now)
    loyalty.found(drawn_town(SHOPS), FOUNDED, DAYS, tmp_path)
    loading = Loading(SHOPS, 1, FOUNDED, DAYS)
    loading.advance(now)
    assert loading.at < now - timedelta(days=DAYS), "most receipts are still missing"
    present = PrivateSale.objects.get(name=outreach_texts.PRESENT_SALE)
    assert present.state == PrivateSale.State.OPEN
    assert Delivery.objects.filter(campaign__sale=present, sending_at__isnull=False).exists()
    past = PrivateSale.objects.get(name=outreach_texts.PAST_SALE)
    assert past.state == PrivateSale.State.OVER
    assert debrief.of(past) is None, "nothing is told of what isn't in yet"
    assert not Campaign.objects.filter(automatic="points").exists()
    draft = Campaign.objects.get(name=outreach_texts.NEWS[2], state="draft")
    campaigns.schedule(draft.pk, now, now)
    loading.advance(now + timedelta(minutes=2))
    draft.refresh_from_db()
    assert draft.started_at, "what is sent doesn't wait for the receipts"
    while loading.at < now:
        loading.advance(now)
    past = PrivateSale.objects.get(name=outreach_texts.PAST_SALE)
    assert past.state == PrivateSale.State.OVER
    told = debrief.of(past)
    assert told is not None
    assert told.whole.came > 0
    assert told.whole.bought > 0
    assert told.whole.all_receipts > told.whole.receipts > 0
    assert measuring.of(past.campaigns.get()) is not None
    present = PrivateSale.objects.get(name=outreach_texts.PRESENT_SALE)
    assert present.state == PrivateSale.State.OPEN
    assert present.starts_at < now < present.ends_at
    states = set(present.invitations.values_list("state", flat=True))
    assert {Invitation.State.BOOKED, Invitation.State.ARRIVED} <= states
    assert present.invitations.filter(how="door", recruited=True).exists()
    assert set(Gateway.objects.values_list("driver", flat=True)) == {"outbox"}
    files = list(tmp_path.glob("outbox/*/*.*"))
    left = Delivery.objects.filter(sending_at__isnull=False).count()
    assert len(files) == left > 20
    assert not [f for f in files if len(f.name.split(".")) > 2], "none left twice"
    assert {"finished", "running", "scheduled"} <= set(
        Campaign.objects.values_list("state", flat=True)
    )
    assert Delivery.objects.filter(reason="held_out").exists()
    assert Suppression.objects.exists()
    assert MessageChoice.objects.filter(per_week=1).exists()
    before = (Campaign.objects.count(), PrivateSale.objects.count(), left)
    again = Loading(SHOPS, 1, FOUNDED, DAYS)
    again.advance(now + timedelta(minutes=5))
    after = Delivery.objects.filter(sending_at__isnull=False).count()
    assert (Campaign.objects.count(), PrivateSale.objects.count(), after) == before
    client = Client()
    client.force_login(StaffRole.objects.get(role=StaffRole.Role.DIRECTOR).user)
    shown = client.get(reverse("outbox"))
    assert shown.status_code == 200
    assert shown.context["rows"]
