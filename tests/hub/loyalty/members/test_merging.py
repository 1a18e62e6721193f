"""Merging doubles: purchases, balances and stricter consents follow; both chains stay whole."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chaland.hub.loyalty import merging
from chaland.hub.loyalty.consent import selectors as consents
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.ledger import proof
from chaland.hub.loyalty.ledger.selectors import balances
from chaland.hub.loyalty.members import cards, lookups
from chaland.hub.loyalty.members.lookups import Asker
from chaland.hub.loyalty.members.rules import MemberErrorFinal
from chaland.hub.loyalty.members.services import Enrolment, enrol
from chaland.hub.loyalty.merging import Decider
from chaland.hub.loyalty.models import (
    DuplicateProposal,
    LookupHit,
    Member,
    Receipt,
    ShopCustomer,
)
from chaland.hub.loyalty.receipts.services import take_in
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn
from tests.hub.loyalty.members.conftest import NOW, Buy
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(member: Member, double: Enrolment) -> Member:
    return enrol(double, despite_duplicates=True)


@pytest.fixture
def proposal(member: Member, other: Member) -> DuplicateProposal:
    return DuplicateProposal.objects.get(member=member, other=other)


def merge(proposal: DuplicateProposal, shop_id: int | None = None) -> Member:
    by = Decider("user:7", shop_id)
    return merging.merge(proposal.member.association_id, proposal.pk, by, at=NOW)


def units(member: Member) -> dict[str, int]:
    return {b.kind: b.balance for b in balances(member.pk)}


def test_everything_follows(
    loyalty: Loyalty, member: Member, other: Member, proposal: DuplicateProposal, buy: Buy
) -> None:
    buy(member, 5_000)
    buy(other, 3_000)
    buy(other, 2_000, shop=1)
    asker = Asker(member.association_id, loyalty.cast.shop.pk, "till:3")
    lookups.by_phone(asker, other.phone)
    before = LookupHit.objects.count()
    card = cards.token(other)
    merge(proposal)
    assert units(member) == {"purse": 100, "points": 80, "stamps": 1}
    assert set(units(other).values()) <= {0}
    assert set(Receipt.objects.values_list("member", flat=True)) == {member.pk}
    assert set(member.shops.values_list("shop_id", flat=True)) == {
        s.pk for s in loyalty.cast.shops[:2]
    }
    assert LookupHit.objects.filter(member=member).count() == before
    assert cards.member_of(member.association_id, card) == member
    assert proof.rebuild(member.association_id) == []
    assert proof.verify_all(member.association_id) == []


def test_the_double_keeps_neither_name_nor_contact(
    member: Member, other: Member, proposal: DuplicateProposal
) -> None:
    Member.objects.filter(pk=member.pk).update(phone=None, phone_index=None, digits_index=None)
    merge(proposal)  # the association decides: what the older one lacks is filled
    member.refresh_from_db()
    other.refresh_from_db()
    assert (other.phone, other.email, other.last_name, other.name_key) == (None, None, "", "")
    assert (other.state, other.merged_into) == (Member.State.MERGED, member)
    assert (member.phone, member.email) == ("+33639981122", "philo@quetzal.example")
    asker = Asker(member.association_id, None, "till:3")
    found = lookups.by_digits(asker, "1122", 3).found
    assert [f.member_id for f in found] == [member.pk]


def test_a_keeper_can_not_take_an_account_over(
    loyalty: Loyalty, member: Member, double: Enrolment, buy: Buy
) -> None:
    """The attack: a double of somebody, enrolled at one's own shop with one's own number and
    address, merged with the true account."""
    shops = [shop.pk for shop in loyalty.cast.shops]
    town = member.association_id
    buy(member, 9_000)
    Member.objects.filter(pk=member.pk).update(email=None, email_index=None)
    mine = replace(double, shop_id=shops[1], email="me@attacker.example")
    enrol(mine, despite_duplicates=True)
    pair = DuplicateProposal.objects.get()
    for keeper in shops:
        assert not Decider("user:7", keeper).pairs(town).exists()
        with pytest.raises(MemberErrorFinal):
            merge(pair, keeper)
        with pytest.raises(MemberErrorFinal):
            merging.refuse(town, pair.pk, Decider("user:7", keeper), at=NOW)
    # Even of two customers of one shop alone: the older one stays, nothing of it is filled.
    ShopCustomer.objects.update_or_create(member=pair.other, defaults={"shop_id": shops[0]})
    kept = merge(pair, shops[0])
    kept.refresh_from_db()
    assert (kept.pk, kept.phone, kept.email) == (member.pk, "+33639985678", None)


def test_a_town_decides_nothing_of_another(
    member: Member, other: Member, proposal: DuplicateProposal
) -> None:
    with pytest.raises(MemberErrorFinal):
        merging.merge(999, proposal.pk, Decider("user:7", None), at=NOW)


def test_a_return_after_merging_is_taken_from_who_stays(
    loyalty: Loyalty, member: Member, other: Member, proposal: DuplicateProposal, buy: Buy
) -> None:
    bought = buy(other, 3_000, number="X1")
    merge(proposal)
    back = ReceiptIn(
        member.association_id, bought.shop_id, "api", "X2", NOW, -3_000,
        [LineIn(1, -3_000, "B1", "Vase", returns_number=1)], returns_id=bought.pk, actor="till:3",
    )  # fmt: skip
    (taken,) = take_in([back])
    assert taken.outcome == "new", taken.reason
    assert set(units(member).values()) == {0}
    assert all(b.debt == 0 for b in balances(member.pk))
    assert proof.rebuild(member.association_id) == []


SHOP = 5
GIVEN, REFUSED, NEVER = True, False, None
EARLY, LATE = NOW - timedelta(days=9), NOW - timedelta(days=2)


@pytest.mark.parametrize(
    ("keeps", "brings", "after"),
    [
        ((GIVEN, EARLY), (GIVEN, LATE), True),
        ((GIVEN, EARLY), (REFUSED, LATE), False),
        ((GIVEN, LATE), (REFUSED, EARLY), True),  # a later consent, with its text, is evidence
        ((GIVEN, LATE), (REFUSED, LATE), False),
        ((REFUSED, EARLY), (GIVEN, LATE), True),
        ((REFUSED, LATE), (GIVEN, EARLY), False),
        ((REFUSED, LATE), (GIVEN, LATE), False),
        ((NEVER, EARLY), (GIVEN, LATE), True),
        ((NEVER, EARLY), (REFUSED, LATE), False),
        ((NEVER, EARLY), (NEVER, LATE), False),
        ((GIVEN, EARLY), (NEVER, LATE), True),
    ],
)
def test_the_stricter_consent_wins_unless_evidence_says_otherwise(
    member: Member,
    other: Member,
    proposal: DuplicateProposal,
    keeps: tuple[bool | None, object],
    brings: tuple[bool | None, object],
    after: bool,
) -> None:
    text = wordings.current(member.association_id, "fr")[-1]
    for who, (given, when) in ((member, keeps), (other, brings)):
        if given is not None:
            box = Decision(SHOP, "portrait", "none", given, text.pk if given else None)
            consent.record(who, [box], place="member", occurred_at=when)  # type: ignore[arg-type]
    merge(proposal)
    assert consents.permitted(member.pk, SHOP, "portrait", "none") is after
    assert not consents.permitted(other.pk, SHOP, "portrait", "none")
    for who in (member, other):
        who.refresh_from_db()
        assert consent.verify_member(who).sound


def test_a_consent_to_sms_follows_its_number_only(
    member: Member, other: Member, proposal: DuplicateProposal
) -> None:
    """The double's own number is dropped, and what was agreed to for it with it."""
    sms, mail = wordings.current(member.association_id, "fr")[:2]
    boxes = [Decision(SHOP, w.purpose, w.channel, given=True, wording_id=w.pk) for w in (sms, mail)]
    consent.record(other, boxes, place="till", occurred_at=NOW)
    merge(proposal)
    assert not consents.permitted(member.pk, SHOP, "offers", "sms")
    assert not consents.permitted(member.pk, SHOP, "offers", "email")


def test_a_pair_is_decided_once(member: Member, proposal: DuplicateProposal) -> None:
    by = Decider("user:7", None)
    merging.refuse(member.association_id, proposal.pk, by, at=NOW)
    for act in (merging.merge, merging.refuse):
        with pytest.raises(MemberErrorFinal) as error:
            act(member.association_id, proposal.pk, by, at=NOW)
        assert error.value.code == "decided"


def test_a_paused_account_is_not_merged_behind_its_holders_back(
    member: Member, other: Member, proposal: DuplicateProposal
) -> None:
    Member.objects.filter(pk=other.pk).update(state=Member.State.PAUSED)
    with pytest.raises(MemberErrorFinal):
        merge(proposal)
    other.refresh_from_db()
    assert other.phone == "+33639981122"


def test_three_accounts_of_one_person_end_as_one(
    member: Member, other: Member, double: Enrolment, proposal: DuplicateProposal, buy: Buy
) -> None:
    third = enrol(replace(double, phone="06 39 98 33 44"), despite_duplicates=True)
    buy(third, 1_000)
    merge(proposal)
    pair = DuplicateProposal.objects.get(state=DuplicateProposal.State.OPEN)
    assert {pair.member_id, pair.other_id} == {member.pk, third.pk}
    merge(pair)
    assert units(member)["points"] == 10
    assert cards.member_of(member.association_id, cards.token(third)) == member


def test_a_receipt_attached_while_it_was_merged_is_found_again(
    member: Member, other: Member, proposal: DuplicateProposal, buy: Buy
) -> None:
    receipt = buy(other, 4_000)
    merge(proposal)
    Receipt.objects.filter(pk=receipt.pk).update(member=other)  # the till was a moment later
    assert merging.settle_late(NOW + timedelta(minutes=1)) == 1
    receipt.refresh_from_db()
    assert receipt.member_id == member.pk
    assert merging.settle_late(NOW + timedelta(minutes=2)) == 0
