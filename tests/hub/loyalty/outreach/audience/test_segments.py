"""Whom each criterion chooses, that none sees more than it may, and what is said of it."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils.translation import override
from hypothesis import given, settings
from hypothesis import strategies as st

from chaland.hub.loyalty import few
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.models import Asset, Delivery, Lot, Member, Reward, Tier
from chaland.hub.loyalty.outreach import automatic, choices
from chaland.hub.loyalty.outreach.audience import freezing, reaching, segment_words, segments
from chaland.hub.loyalty.outreach.audience.segments import KINDS, SegmentErrorFinal, parse
from chaland.hub.loyalty.outreach.shapes import Held
from tests.builders import Cast
from tests.hub.loyalty.outreach.audience.conftest import (
    NOW,
    PORTRAIT,
    SMS,
    Buy,
    campaign_of,
    give,
    people,
    waiting,
)
from tests.loyalty_builders import build_programme, build_reward

pytestmark = pytest.mark.django_db
EXAMPLES: dict[str, dict[str, Any]] = {
    "bought_within": {"days": 90},
    "not_bought_within": {"days": 30},
    "spent_at_least": {"cents": 5_050, "days": 90},
    "receipts_at_least": {"receipts": 3, "days": 90},
    "group_bought": {"group": "Pain", "days": 90},
    "tier": {"tier": 1},
    "shops_at_least": {"shops": 2, "days": 90},
    "shops_bought": {"shops": [1], "days": 90},
    "zones_bought": {"zones": [1], "days": 90},
    "stamps_left": {"stamps": 2},
    "points_lapse": {"days": 30},
    "enrolled_within": {"days": 30},
    "birthday_month": {},
    "language": {"language": "en"},
}


def chosen(cast: Cast, controller: int, *criteria: dict[str, Any]) -> set[int]:
    found = segments.members(campaign_of(cast, controller, *criteria), NOW)
    return set(found.values_list("pk", flat=True))


def of(name: str, **parameters: Any) -> dict[str, Any]:
    return {"name": name, **EXAMPLES[name], **parameters}


def test_the_examples_are_all_there_is() -> None:
    assert EXAMPLES.keys() == KINDS.keys()


def test_purchases_choose_only_who_allows_it(cast: Cast, shop: int, buy: Buy) -> None:
    yes, no, other = people(cast, 3, SMS)
    give([yes], shop, PORTRAIT)
    give([other], 0, PORTRAIT)  # allowed the association, not this shop
    for member in (yes, no, other):
        buy(member)
    assert chosen(cast, shop, of("bought_within")) == {yes.pk}
    assert chosen(cast, shop, of("language", language="fr")) == {yes.pk, no.pk, other.pk}
    assert chosen(cast, 0, of("bought_within")) == {other.pk}


def test_who_objects_later_is_left_out_when_it_goes(cast: Cast, shop: int, buy: Buy) -> None:
    member, *others = people(cast, few.FROM, SMS, PORTRAIT)
    for each in (member, *others):
        buy(each)
    campaign = campaign_of(cast, shop, of("bought_within"))
    assert freezing.freeze(campaign, NOW) == few.FROM
    consent.withdraw_all(member, place="member", occurred_at=NOW, channel="none")
    rows = waiting(list(Delivery.objects.filter(campaign=campaign, member=member)))
    assert reaching.reach(rows, NOW)[rows[0].id] == Held(Delivery.Reason.NO_CONSENT)
    member.refresh_from_db()
    assert member.state == Member.State.ACTIVE  # objecting keeps the membership


def test_a_shop_chooses_by_its_own_receipts_only(cast: Cast, shop: int, buy: Buy) -> None:
    here, there = people(cast, 2, SMS, PORTRAIT)
    give([here, there], 0, PORTRAIT)
    buy(here, 3_000)
    buy(there, 9_000, shop=1)
    assert chosen(cast, shop, of("bought_within")) == {here.pk}
    assert chosen(cast, shop, of("not_bought_within")) == {there.pk}
    assert chosen(cast, shop, of("spent_at_least", cents=2_000)) == {here.pk}
    assert chosen(cast, 0, of("spent_at_least", cents=2_000)) == {here.pk, there.pk}
    assert chosen(cast, 0, of("shops_bought", shops=[cast.shops[1].pk])) == {there.pk}
    zone = cast.shops[1].zone_id
    assert chosen(cast, 0, of("zones_bought", zones=[zone])) == {there.pk}
    for name in ("shops_at_least", "shops_bought", "zones_bought"):
        with pytest.raises(SegmentErrorFinal) as refused:
            parse([of(name)], shop)
        assert (refused.value.code, refused.value.field) == ("controller", name)


def test_amounts_counts_groups_and_days(cast: Cast, shop: int, buy: Buy) -> None:
    often, much, back, old = people(cast, 4, SMS, PORTRAIT)
    give([often], 0, PORTRAIT)
    for _time in range(3):
        buy(often, 500)
    buy(often, 700, shop=1)
    buy(much, 6_000, group="Pain")
    buy(back, 6_000)
    buy(back, -2_000)  # returned: spent 40 €
    buy(old, 9_000, days=91, group="Pain")
    assert chosen(cast, shop, of("receipts_at_least")) == {often.pk}
    assert chosen(cast, shop, of("spent_at_least")) == {much.pk}
    assert chosen(cast, shop, of("group_bought")) == {much.pk}
    assert chosen(cast, shop, of("bought_within")) == {often.pk, much.pk, back.pk}
    assert chosen(cast, shop, of("bought_within"), of("group_bought")) == {much.pk}
    assert chosen(cast, 0, of("shops_at_least")) == {often.pk}


def test_tiers_cards_and_points(cast: Cast, shop: int, buy: Buy) -> None:
    gold, near, lapsing = people(cast, 3, SMS, PORTRAIT)
    buy(gold, 30_000, days=300)
    points = build_programme(cast, Asset.Kind.POINTS, shop)
    tier = Tier.objects.create(programme=points, name="Or", measure="spent", threshold=20_000)
    assert chosen(cast, shop, of("tier", tier=tier.pk)) == {gold.pk}
    with pytest.raises(SegmentErrorFinal) as refused:
        chosen(cast, cast.shops[1].pk, of("tier", tier=tier.pk))
    assert refused.value.field == "tier"
    card = build_programme(cast, Asset.Kind.STAMPS, shop)
    build_reward(card, Reward.Kind.STAMP, "Un fromage", cost=10)
    for member, stamps in ((near, 8), (gold, 7), (lapsing, 10)):
        member.accounts.create(asset=card.asset, role="member", balance=stamps)
    assert chosen(cast, shop, of("stamps_left")) == {near.pk}
    assert chosen(cast, cast.shops[1].pk, of("stamps_left")) == set()
    lot_for(lapsing, points.asset, date(2026, 12, 18), 10)
    lot_for(near, points.asset, date(2026, 12, 19), 10)
    lot_for(gold, points.asset, date(2026, 12, 1), 0)  # spent already
    assert chosen(cast, shop, of("points_lapse")) == {lapsing.pk}


def lot_for(member: Member, asset: Asset, expires_on: date, left: int) -> None:
    """Write a lot as earning leaves it; its entry is of no account here."""
    from chaland.hub.loyalty.models import Entry, Transfer

    account, _made = member.accounts.get_or_create(asset=asset, role="member")
    transfer_id = Transfer().id
    entry = Entry.objects.create(transfer_id=transfer_id, account=account, amount=10)
    house = asset.accounts.get_or_create(role="house")[0]
    Entry.objects.create(transfer_id=transfer_id, account=house, amount=-10)
    Transfer.objects.create(
        id=transfer_id, association_id=asset.association_id, kind="adjust",
        idempotency_key=str(transfer_id), occurred_at=NOW, recorded_at=NOW, actor="system:tests",
    )  # fmt: skip
    Lot.objects.create(entry=entry, account=account, amount=10, left=left, expires_on=expires_on)


def test_newcomers_birthdays_and_languages(cast: Cast, shop: int) -> None:
    new, born, reads, _other = people(cast, 4, SMS)
    new.shops.update(since=NOW - timedelta(days=3))
    Member.objects.filter(pk=born.pk).update(birth_day=2, birth_month=11)
    Member.objects.filter(pk=reads.pk).update(language="en")
    assert chosen(cast, shop, of("enrolled_within")) == {new.pk}
    assert chosen(cast, shop, of("birthday_month")) == {born.pk}
    assert chosen(cast, shop, of("language")) == {reads.pk}


@settings(deadline=None)
@given(
    criteria=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["name", "days", "cents", "age"]), inner, max_size=4)
        ),
    )
    | st.lists(
        st.fixed_dictionaries(
            {"name": st.sampled_from([*KINDS, "age", "postcode"])},
            optional={"days": st.integers(-9, 9_999), "cents": st.integers() | st.text()},
        ),
        max_size=9,
    )
)
def test_only_what_is_listed_with_its_bounds_is_taken(criteria: Any) -> None:
    """L16, by adversarial input: what passes is of the list, whole, and within bounds."""
    try:
        taken = parse(criteria, 0)
    except SegmentErrorFinal:
        return
    for each in taken:
        assert each.parameters.keys() == each.kind.parameters.keys()
        assert all(wanted.holds(each.parameters[k]) for k, wanted in each.kind.parameters.items())


@pytest.mark.parametrize("name", ["postcode", "age", "sex", "visited", ""])
def test_an_unlisted_criterion_draws_nobody(cast: Cast, shop: int, name: str) -> None:
    people(cast, 2, SMS)
    campaign = campaign_of(cast, shop, {"name": name})
    with pytest.raises(SegmentErrorFinal):
        freezing.freeze(campaign, NOW)
    with pytest.raises(SegmentErrorFinal):
        freezing.estimate(campaign)
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", sorted(KINDS))
def test_each_criterion_has_its_sentences(cast: Cast, shop: int, name: str, language: str) -> None:
    (member,) = people(cast, 1, SMS)
    Member.objects.filter(pk=member.pk).update(language=language)
    controller = 0 if KINDS[name].association_only else shop
    campaign = campaign_of(cast, controller, of(name))
    with override(language):
        said = segment_words.sentence(parse([of(name)], controller)[0], 1, controller)
    delivery = Delivery.objects.create(
        campaign=campaign, member=member, channel="sms", not_before=NOW, expires_at=NOW,
        changed_at=NOW,
    )  # fmt: skip
    told = segment_words.why(Delivery.objects.get(pk=delivery.pk))
    assert len(told) == 2
    for text in (said, *told):
        assert text
        assert not re.search(r"[%{}]", text), text
    if language == "fr":
        assert not re.search(r"\b(has|you|within)\b", " ".join([said, *told]), re.IGNORECASE)


def test_automatic_messages_come_once_to_who_chose_them(cast: Cast, shop: int) -> None:
    wants, wants_not, never = people(cast, 3, ("reminders", "sms"))
    Member.objects.filter(pk__in=[wants.pk, wants_not.pk]).update(birth_day=1, birth_month=11)
    for member in (wants, never):
        choices.choose(member.pk, per_week=None, per_month=None, automatic=["birthday", "points"])
    points = build_programme(cast, Asset.Kind.POINTS, shop)
    lot_for(wants, points.asset, date(2026, 12, 5), 10)
    for kind in ("birthday", "points"):
        campaign_of(cast, shop, automatic=kind, purpose="reminders")
    planned = []
    for days in (0, 0, 1, 2, 9):  # each day, and twice on one
        planned.append(automatic.plan_automatic(NOW + timedelta(days=days)))
    assert planned == [2, 0, 0, 0, 0]
    rows = Delivery.objects.values_list("member", "occasion")
    assert set(rows) == {(wants.pk, "birthday 2026"), (wants.pk, "points 2026-12")}
