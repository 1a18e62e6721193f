"""Whom a campaign is drawn of: consent by controller, suppression, hold-out, counts by reason."""

from datetime import timedelta

import pytest
from django.db import transaction

from chaland.hub.loyalty import few
from chaland.hub.loyalty.models import Campaign, Delivery, Invitation, Member, PrivateSale
from chaland.hub.loyalty.outreach import keys, stopping
from chaland.hub.loyalty.outreach.audience import drawing, freezing, reaching
from chaland.hub.loyalty.outreach.results import uplift
from chaland.hub.loyalty.outreach.shapes import Held, Reach
from tests.builders import Cast
from tests.hub.loyalty.outreach.audience.conftest import (
    EMAIL,
    NOW,
    SMS,
    campaign_of,
    give,
    people,
    waiting,
)

pytestmark = pytest.mark.django_db
Reason = Delivery.Reason


def frozen(campaign: Campaign) -> list[Delivery]:
    with transaction.atomic(using="loyalty"):
        made = freezing.freeze(campaign, NOW)
    rows = list(Delivery.objects.filter(campaign=campaign).order_by("pk"))
    assert len(rows) == made
    return rows


def test_terms_accepted_with_all_boxes_off_send_nothing(cast: Cast, shop: int) -> None:
    people(cast, 5)  # L1
    for controller in (shop, 0):
        campaign = campaign_of(cast, controller)
        assert frozen(campaign) == []
        assert campaign.counted["no_consent"] == 5


def test_a_buyers_consent_to_one_shop_serves_no_other_controller(cast: Cast, shop: int) -> None:
    other = cast.shops[1].pk
    people(cast, 5, SMS, EMAIL, shop_ids=[shop, other])  # L2: customers of both, agreed to one
    assert len(frozen(campaign_of(cast, shop))) == 5
    assert frozen(campaign_of(cast, other)) == []
    assert frozen(campaign_of(cast, 0)) == []


def test_a_shop_reaches_its_own_customers_only(cast: Cast, shop: int) -> None:
    strangers = people(cast, 4, SMS, shop_ids=[cast.shops[1].pk])  # agreed to shop 0, yet no client
    own = people(cast, 3, SMS)
    assert {d.member_id for d in frozen(campaign_of(cast, shop))} == {m.pk for m in own}
    give([*own, *strangers], 0, SMS)
    assert len(frozen(campaign_of(cast, 0))) == 7  # L19: the association's own consent, all members


def test_the_first_channel_that_reaches_is_taken_and_who_is_left_out_counted(
    cast: Cast, shop: int
) -> None:
    both = people(cast, 3, SMS, EMAIL)
    mail_only = people(cast, 2, EMAIL)
    stopped = people(cast, 2, SMS)
    for member in stopped:
        stopping.stop(member.association_id, "sms", member.phone, "bounced", NOW)
    fallen_back = people(cast, 1, SMS, EMAIL)
    stopping.stop(cast.association.pk, "sms", fallen_back[0].phone, "bounced", NOW)
    nameless = people(cast, 1)
    Member.objects.filter(pk=nameless[0].pk).update(phone_index=None, email_index=None)
    paused = people(cast, 1, SMS)
    Member.objects.filter(pk=paused[0].pk).update(state=Member.State.PAUSED)
    campaign = campaign_of(cast, shop)
    found = {(d.member_id, d.channel) for d in frozen(campaign)}
    assert found == {(m.pk, "sms") for m in both} | {
        (m.pk, "email") for m in [*mail_only, *fallen_back]
    }
    assert campaign.counted == {
        "sms": 3, "email": 3, "suppressed": 2, "no_consent": 0, "no_contact": 1, "held_out": 0
    }  # fmt: skip


def test_frozen_once_and_what_comes_later_is_not_drawn(cast: Cast, shop: int) -> None:
    people(cast, 3, SMS)
    campaign = campaign_of(cast, shop)
    first = frozen(campaign)
    people(cast, 2, SMS)
    again = Campaign.objects.get(pk=campaign.pk)
    assert frozen(again) == first
    assert again.counted["sms"] == 3


def test_held_out_and_keys_are_what_python_says(cast: Cast, shop: int) -> None:
    members = people(cast, 60, SMS)
    campaign = campaign_of(cast, shop, holdout_percent=30)
    expected = {m.pk for m in members if drawing.held_out(campaign, m.pk)}
    assert 5 < len(expected) < 35  # Binomial(60, 0.3): outside by chance once in 10,000 seeds
    rows = frozen(campaign)
    apart = {d.member_id for d in rows if d.reason == Reason.HELD_OUT}
    assert apart == expected
    assert {d.state for d in rows if d.reason} == {Delivery.State.NOT_SENT}
    assert {d.state for d in rows if not d.reason} == {Delivery.State.PLANNED}
    salted = keys.salt(campaign.seed, "sms")
    assert all(d.key == keys.delivery_key(salted, d.member_id or 0) for d in rows)
    estimated = freezing.estimate(campaign)
    expected_told = (few.told(60 - len(apart)), few.told(len(apart)))
    assert (estimated.chosen["sms"], estimated.held_out) == expected_told
    assert estimated.readable == (len(apart) >= uplift.READABLE)


def test_hold_outs_of_two_campaigns_are_apart(cast: Cast, shop: int) -> None:
    """Each seed cuts otherwise: else the same people would never be written to."""
    first, second = (Campaign(seed=seed, holdout_percent=50) for seed in (1, 2))
    same = sum(
        drawing.held_out(first, pk) == drawing.held_out(second, pk) for pk in range(1, 1_001)
    )
    assert 400 < same < 600  # Binomial(1000, 1/2): outside once in 10**9; the seeds are fixed


def test_a_sale_invites_those_who_are_written_to(cast: Cast, shop: int) -> None:
    members = people(cast, 40, SMS)
    sale = PrivateSale.objects.create(
        association_id=cast.association.pk,
        shop_id=shop,
        name="Vente",
        state=PrivateSale.State.OPEN,
        starts_at=NOW + timedelta(days=3),
        ends_at=NOW + timedelta(days=4),
        created_at=NOW,
        created_by="user:1",
    )
    Invitation.objects.create(sale=sale, member=members[0], how="door", created_at=NOW)
    campaign = campaign_of(cast, shop, sale=sale, holdout_percent=30, expires_at=None)
    rows = frozen(campaign)
    written = {d.member_id for d in rows if not d.reason}
    invited = set(Invitation.objects.filter(sale=sale).values_list("member_id", flat=True))
    assert invited == written | {members[0].pk}
    assert Invitation.objects.filter(sale=sale).count() == len(invited)
    assert {d.expires_at for d in rows} == {sale.ends_at}


@pytest.mark.parametrize("people_there", [0, 4, 9])
def test_nobody_is_told_of_a_few(cast: Cast, shop: int, people_there: int) -> None:
    people(cast, people_there, SMS) if people_there else None
    people(cast, 23)
    told = freezing.estimate(campaign_of(cast, shop))
    assert told.chosen == {"sms": None, "email": None}
    assert told.held_out is None
    whole = freezing.estimate(campaign_of(cast, 0))  # the association learns no more
    assert whole.left_out["no_consent"] == few.fives(23 + people_there)
    assert whole.left_out["suppressed"] is None


def test_consent_and_stop_are_looked_at_again_when_it_goes(cast: Cast, shop: int) -> None:
    members = people(cast, 5, SMS)
    rows = frozen(campaign_of(cast, shop))
    stopping.stop(cast.association.pk, "sms", members[0].phone or "", "stop", NOW)  # L8, queued
    stopping.stop(cast.association.pk, "sms", members[1].phone or "", "bounced", NOW)
    Member.objects.filter(pk=members[2].pk).update(state=Member.State.PAUSED)
    members[3].delete()
    rows = list(Delivery.objects.filter(pk__in=[d.pk for d in rows]).order_by("pk"))
    answers = reaching.reach(waiting(rows), NOW)
    found = [answers[row.pk] for row in rows]
    reasons = [answer.reason if isinstance(answer, Held) else "" for answer in found]
    assert reasons == [
        Reason.NO_CONSENT, Reason.SUPPRESSED, Reason.PAUSED_MEMBER, Reason.GONE, ""
    ]  # fmt: skip
    last = found[-1]
    assert isinstance(last, Reach)
    assert (last.to, last.language) == (members[4].phone, "fr")
    assert last.values["first_name"] == members[4].first_name


def test_a_later_yes_lifts_a_suppression_and_an_older_one_does_not(cast: Cast, shop: int) -> None:
    (member,) = people(cast, 1, SMS)
    stopping.stop(cast.association.pk, "sms", member.phone or "", "stop", NOW - timedelta(days=9))
    campaign = campaign_of(cast, shop)
    assert frozen(campaign) == []
    give([member], shop, SMS)  # said sixty days ago, recorded now: it doesn't count
    assert freezing.sizes(campaign_of(cast, shop), NOW)["sms"] == 0
