"""What was sent or invited long ago names nobody any more, though its member stays (L13)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from chaland.hub.loyalty import due, erasure
from chaland.hub.loyalty.account import portable
from chaland.hub.loyalty.models import Campaign, Delivery, Invitation, Member, PrivateSale
from chaland.hub.loyalty.outreach.engine.loop import run_once
from chaland.hub.loyalty.outreach.results import debrief, measuring
from chaland.hub.loyalty.sales import codes
from tests import outreach_builders as build
from tests.hub.loyalty.members.conftest import NOW, SetClock
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db

SENT = NOW + timedelta(hours=1)
OVER = NOW + timedelta(days=1)
KEPT = NOW.replace(year=NOW.year + erasure.KEPT_YEARS, hour=0)


@pytest.fixture
def sale(loyalty: Loyalty, set_clock: SetClock, settings: Settings, tmp_path: Path) -> PrivateSale:
    """A sale, announced to members of whom two were invited; its effect is known for good."""
    settings.STATE_DIR = settings.OUTREACH_DIR = tmp_path
    town = loyalty.cast.association.pk
    sale = PrivateSale.objects.create(
        association_id=town, shop_id=loyalty.cast.shop.pk, name="Soirée",
        state=PrivateSale.State.OPEN, starts_at=NOW, ends_at=OVER,
        created_at=build.AGREED, created_by="user:1",
    )  # fmt: skip
    members = build.build_reachable(town, 5)
    build.build_gateway(town)
    campaign = build.build_campaign(town, sale=sale, send_at=NOW, expires_at=OVER)
    build.build_deliveries(campaign, members)
    for member in members[:2]:
        Invitation.objects.create(
            sale=sale, member=member, how=Invitation.How.INVITED, state=Invitation.State.ARRIVED,
            coded_for=member.pk, arrived_shop_id=loyalty.cast.shop.pk, created_at=NOW,
        )  # fmt: skip
    set_clock(SENT)
    run_once(SENT)
    PrivateSale.objects.update(state=PrivateSale.State.OVER)
    Campaign.objects.update(state=Campaign.State.FINISHED, finished_at=OVER)
    debrief.store(sale, OVER + 2 * measuring.SETTLES)
    return sale


def files(folder: Path) -> list[Path]:
    return list(folder.glob("outbox/*/*"))


def test_messages_and_invitations_of_three_years_ago_name_nobody(
    sale: PrivateSale, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "_BATCH", 2)
    keys = set(Delivery.objects.values_list("key", flat=True))
    codes_of = [codes.code_of(each) for each in Invitation.objects.all()]
    assert len(files(tmp_path)) == 5
    before = _kept(sale)
    assert erasure.forget_old(KEPT) == 0, "to the day, all is kept"
    assert Delivery.objects.exclude(provider_id="").filter(member__isnull=False).count() == 5
    later = KEPT + timedelta(days=1)
    assert erasure.forget_old(later + timedelta(minutes=1)) == 0, "looked for once an hour"
    assert erasure.forget_old(later) == 5, "of the sale, which ended a day later, not yet"
    assert erasure.forget_old(later + timedelta(days=1)) == 2
    assert not Delivery.objects.exclude(member=None, provider_id="", occasion="").exists()
    assert not Invitation.objects.exclude(member=None, coded_for=None).exists()
    assert not keys & set(Delivery.objects.values_list("key", flat=True)), "made of the number"
    assert files(tmp_path) == []
    assert [codes.invitation_of(code, "address:1") for code in codes_of] == [None, None]
    assert Member.objects.count() == 5, "who stays, stays"
    assert _kept(sale) == before, "nothing is worked out again, and the counts stay"
    told = portable.everything(Member.objects.first())  # type: ignore[arg-type]
    assert (told["messages"], told["invitations"]) == ([], [])


def test_pages_tell_the_same_of_a_sale_and_a_campaign_that_name_nobody(
    sale: PrivateSale, loyalty: Loyalty, set_clock: SetClock
) -> None:
    later = KEPT + timedelta(days=2)
    set_clock(later)
    campaign = Campaign.objects.get()
    keeper = Client()
    keeper.force_login(loyalty.cast.director)
    paths = [f"/outreach/{campaign.pk}/", "/outreach/", "/outreach/overview/", f"/sales/{sale.pk}/"]
    before = [keeper.get(path).status_code for path in paths]
    assert erasure.forget_old(later) == 7
    assert [keeper.get(path).status_code for path in paths] == before


def test_the_worker_does_it() -> None:
    assert erasure.forget_old in [task for _name, task in due.TASKS]


def _kept(sale: PrivateSale) -> tuple[Any, ...]:
    states = Delivery.objects.order_by("pk").values_list("state", "reason", "sending_at")
    (campaign,) = Campaign.objects.values_list("results", "results_at")
    sale.refresh_from_db()
    return list(states), campaign, sale.debrief
