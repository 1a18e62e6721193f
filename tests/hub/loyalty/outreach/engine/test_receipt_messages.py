"""A receipt by link: to who asked for it, once, from one sender, and never an undone one."""

from datetime import datetime, timedelta
from itertools import count

import pytest

from chaland.hub.association.models import Shop
from chaland.hub.loyalty.models import Campaign, Delivery, Member, Receipt, ReceiptLink
from chaland.hub.loyalty.outreach import choices
from chaland.hub.loyalty.outreach.audience import reaching
from chaland.hub.loyalty.outreach.engine.loop import run_once
from chaland.hub.loyalty.outreach.receipt_messages import LATEST, plan_receipts
from chaland.hub.loyalty.outreach.shapes import Reach
from tests.hub.loyalty.outreach.audience.conftest import waiting
from tests.hub.loyalty.outreach.engine.conftest import Town
from tests.outreach_builders import NOON, build_campaign

pytestmark = pytest.mark.django_db
_numbers = count(1)


def bought(town: Town, member: Member, at: datetime, shop: int = 0, cents: int = 1_200) -> Receipt:
    shops = Shop.objects.filter(association=town.association_id).order_by("pk")
    number = next(_numbers)
    return Receipt.objects.create(
        association_id=town.association_id,
        shop_id=shops[shop].pk,
        source="till",
        external_id=f"receipt {number}",
        content_digest="",
        code=f"R{number}",
        issued_at=at,
        recorded_at=at,
        gross_cents=cents,
        member=member,
        attached_at=at,
        attached_how="till",
        attached_times=1,
    )


@pytest.fixture
def sending(town: Town) -> Campaign:
    Delivery.objects.all().delete()
    for member in town.members[:2]:
        choices.choose(member.pk, per_week=0, per_month=0, automatic=["receipt"])
    return receipts_by(town, 0)


def receipts_by(town: Town, controller: int) -> Campaign:
    return build_campaign(
        town.association_id,
        controller=controller,
        automatic="receipt",
        purpose="reminders",
        send_at=NOON - timedelta(hours=2),
        frozen_at=None,
        expires_at=None,
    )


def test_who_asked_gets_each_receipt_once_whatever_the_caps_say(
    town: Town, sending: Campaign
) -> None:
    for member in town.members[:3]:
        bought(town, member, NOON - timedelta(minutes=5))
    for _turn in range(3):
        run_once(town.later(minutes=1))
    rows = Delivery.objects.filter(campaign=sending)
    assert {row.member_id for row in rows} == {m.pk for m in town.members[:2]}
    assert {row.state for row in rows} == {"accepted"}
    assert len(town.sent()) == 2
    assert ReceiptLink.objects.count() == 2


def test_what_may_still_be_undone_waits(town: Town, sending: Campaign) -> None:
    bought(town, town.members[0], NOON - timedelta(seconds=5))
    assert plan_receipts(NOON) == 0
    assert plan_receipts(NOON + timedelta(minutes=1)) == 1
    assert plan_receipts(NOON + timedelta(minutes=2)) == 0


def test_returns_old_receipts_and_those_before_it_was_switched_on_stay(
    town: Town, sending: Campaign
) -> None:
    bought(town, town.members[0], NOON - timedelta(minutes=5), cents=-500)
    bought(town, town.members[0], NOON - timedelta(hours=3))
    assert plan_receipts(NOON) == 0
    Campaign.objects.filter(pk=sending.pk).update(send_at=NOON - 3 * LATEST, frozen_at=None)
    bought(town, town.members[0], NOON - LATEST - timedelta(minutes=1))
    assert plan_receipts(NOON) == 1  # the one of three hours ago


def test_a_shop_that_sends_its_own_is_left_to_it(town: Town, sending: Campaign) -> None:
    shops = Shop.objects.filter(association=town.association_id).order_by("pk")
    own = receipts_by(town, shops[0].pk)
    bought(town, town.members[0], NOON - timedelta(minutes=5), shop=0)
    bought(town, town.members[0], NOON - timedelta(minutes=5), shop=1)
    assert plan_receipts(NOON) == 2
    assert Delivery.objects.filter(campaign=own).count() == 1
    assert Delivery.objects.filter(campaign=sending).count() == 1


def test_switched_off_nothing_is_planned(town: Town, sending: Campaign) -> None:
    Campaign.objects.filter(pk=sending.pk).update(state=Campaign.State.DRAFT)
    bought(town, town.members[0], NOON - timedelta(minutes=5))
    assert plan_receipts(NOON) == 0


def test_a_receipt_goes_once_though_its_member_is_merged_or_gets_another_address(
    town: Town, sending: Campaign
) -> None:
    first, second, keep = town.members[:3]
    Campaign.objects.filter(pk=sending.pk).update(channels=["sms", "email"])
    Member.objects.filter(pk=first.pk).update(phone=None, phone_index=None)
    for member in (first, second):
        bought(town, member, NOON - timedelta(minutes=5))
    assert plan_receipts(NOON) == 2
    Member.objects.filter(pk=first.pk).update(phone="+33639980001", phone_index=b"1" * 16)
    choices.choose(keep.pk, per_week=None, per_month=None, automatic=["receipt"])
    Receipt.objects.filter(member=second).update(member=keep)
    choices.adopt(second.pk, keep.pk, NOON)
    assert plan_receipts(NOON + timedelta(minutes=1)) == 0


def test_a_shop_that_stops_sending_does_not_let_the_association_send_again(
    town: Town, sending: Campaign
) -> None:
    shop = Shop.objects.filter(association=town.association_id).order_by("pk")[0]
    own = receipts_by(town, shop.pk)
    bought(town, town.members[0], NOON - timedelta(minutes=5))
    assert plan_receipts(NOON) == 1
    Campaign.objects.filter(pk=own.pk).update(state=Campaign.State.DRAFT)
    assert plan_receipts(NOON + timedelta(minutes=1)) == 0


def test_however_often_it_is_tried_a_receipt_has_one_link(town: Town, sending: Campaign) -> None:
    bought(town, town.members[0], NOON - timedelta(minutes=5))
    assert plan_receipts(NOON) == 1
    (one,) = waiting(Delivery.objects.all())
    tries = [reaching.reach([one], town.later(minutes=1))[one.id] for _try in range(5)]
    assert len({str(each.values["link"]) for each in tries if isinstance(each, Reach)}) == 1
    assert ReceiptLink.objects.count() == 1
