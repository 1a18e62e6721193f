"""At the door: checked in once, joined by newcomers, counted; small numbers stay there."""

from dataclasses import asdict
from datetime import timedelta

import pytest

from chaland.hub.loyalty import erasure, merging
from chaland.hub.loyalty.members.services import Enrolment, enrol
from chaland.hub.loyalty.merging import Decider
from chaland.hub.loyalty.models import DuplicateProposal, Invitation, Member, SaleShop
from chaland.hub.loyalty.sales import selectors, services
from tests.hub.loyalty.sales.conftest import BEGINS, Town
from tests.hub.loyalty.sales.test_setting_up import refusal

pytestmark = pytest.mark.django_db


def newcomer(town: Town, name: str, shop: int | None = None) -> Member:
    return enrol(
        Enrolment(town.id, shop or town.shop, "till:1", town.time.now, last_name=name, over_15=True)
    )


def test_a_second_check_in_says_when_and_where_the_first_was(town: Town) -> None:
    sale = town.announced()
    (invitation,) = town.invited(sale, 1)
    town.time.now = BEGINS + timedelta(minutes=5)
    first = services.arrive(invitation.pk, town.shop, "till:3 seller:5")
    assert (first.first, first.at, first.shop_id) == (
        True,
        BEGINS + timedelta(minutes=5),
        town.shop,
    )
    town.time.now += timedelta(hours=1)
    again = services.arrive(invitation.pk, town.shop, "till:4")
    assert (again.first, again.at, again.shop_id) == (False, first.at, town.shop)
    invitation.refresh_from_db()
    assert invitation.checked_in_by == "till:3 seller:5"
    assert services.decline(invitation.pk).state == "arrived"
    assert services.book(invitation.pk).state == "arrived"


def test_only_while_it_runs_and_at_its_shops(town: Town) -> None:
    sale = town.announced()
    (invitation,) = town.invited(sale, 1)
    for moment, code in (
        (BEGINS - timedelta(minutes=31), "not-begun"),
        (sale.ends_at, "over"),
    ):
        town.time.now = moment
        assert refusal(services.arrive, invitation.pk, town.shop, "till:1") == code
        assert refusal(services.join_at_door, sale.pk, 1, town.shop, "till:1") == code
    town.time.now = BEGINS - timedelta(minutes=30)
    assert refusal(services.arrive, invitation.pk, town.shops[1], "till:1") == "no-shop"
    assert refusal(services.arrive, 10**6, town.shop, "till:1") == "no-shop"
    assert services.arrive(invitation.pk, town.shop, "till:1").first


def test_who_is_enrolled_at_the_door_is_recruited(town: Town) -> None:
    sale = town.announced()
    town.time.now = BEGINS - timedelta(days=1)
    known = newcomer(town, "Ancienne")
    town.time.now = BEGINS + timedelta(hours=1)
    new, elsewhere = newcomer(town, "Nouvelle"), newcomer(town, "Ailleurs", town.shops[1])
    joined = {
        member.last_name: services.join_at_door(sale.pk, member.pk, town.shop, "till:1")
        for member in (known, new, elsewhere)
    }
    assert {name: arrival.recruited for name, arrival in joined.items()} == {
        "Ancienne": False, "Nouvelle": True, "Ailleurs": False,
    }  # fmt: skip
    assert all(arrival.first for arrival in joined.values())
    assert set(Invitation.objects.values_list("how", "state")) == {("door", "arrived")}
    again = services.join_at_door(sale.pk, new.pk, town.shop, "till:1")
    assert (again.first, again.recruited) == (False, True)
    counts = selectors.counts(sale)
    assert (counts.invited, counts.came, counts.at_door, counts.recruited) == (0, 3, 3, 1)


def test_who_was_invited_comes_in_by_that_invitation_though_the_door_is_closed(town: Town) -> None:
    sale = town.announced(door_open=False)
    (invitation,) = town.invited(sale, 1)
    town.time.now = BEGINS
    new = newcomer(town, "Nouvelle")
    assert refusal(services.join_at_door, sale.pk, new.pk, town.shop, "till:1") == "door-closed"
    joined = services.join_at_door(sale.pk, town.members[0].pk, town.shop, "till:1")
    assert (joined.invitation_id, joined.recruited) == (invitation.pk, False)
    new.state = Member.State.PAUSED
    new.save()
    assert refusal(services.join_at_door, sale.pk, new.pk, town.shop, "till:1") == "no-member"


def test_who_waited_comes_in_and_leaves_the_queue(town: Town) -> None:
    sale = town.announced()
    slot = town.slot(sale, 1)
    has, waits, next_ = town.invited(sale, 3)
    for invitation in (has, waits, next_):
        services.book(invitation.pk, slot.pk)
    town.time.now = BEGINS
    services.arrive(waits.pk, town.shop, "till:1")
    waits.refresh_from_db()
    assert (waits.state, waits.slot_id) == ("arrived", None)
    services.decline(has.pk)
    next_.refresh_from_db()
    assert next_.state == "booked", "not the one who is inside"


def test_the_tills_card_says_how_a_member_stands(town: Town) -> None:
    sale = town.announced()
    slot = town.slot(sale, 1)
    booked, queued, asked = town.invited(sale, 3)
    services.book(booked.pk, slot.pk)
    services.book(queued.pk, slot.pk)
    stranger = newcomer(town, "Nouvelle").pk

    def standing(member: int | None) -> selectors.Standing:
        (found,) = selectors.standings(town.shop, member or 0, BEGINS)
        return found

    assert selectors.standings(town.shop, stranger, BEGINS - timedelta(hours=1)) == []
    assert selectors.standings(town.shops[1], stranger, BEGINS) == []
    states = [standing(m).state for m in (booked.member_id, queued.member_id, asked.member_id)]
    assert states == ["booked", "queued", "open"]
    assert standing(booked.member_id).slot_starts_at == slot.starts_at
    assert standing(stranger).state == "may-join"
    type(sale).objects.update(door_open=False)
    assert standing(stranger).state == "not-invited"
    town.time.now = BEGINS
    services.arrive(booked.pk, town.shop, "till:1")
    assert standing(booked.member_id).arrived_at == BEGINS


def test_small_numbers_do_not_leave_the_shop(town: Town) -> None:
    sale = town.announced()
    invitations = town.invited(sale, 21)
    town.time.now = BEGINS
    for invitation in invitations[:10]:
        services.book(invitation.pk)
        services.arrive(invitation.pk, town.shop, "till:1")
    services.decline(invitations[20].pk)
    exact = selectors.counts(sale)
    assert asdict(exact) == {
        "invited": 21, "booked": 10, "queued": 0, "declined": 1, "came": 10, "at_door": 0,
        "recruited": 0,
    }  # fmt: skip
    told = selectors.told(exact)
    assert (told.invited, told.came, told.booked) == (20, 10, 10)  # in fives
    assert (told.declined, told.queued, told.recruited, told.at_door) == (None,) * 4
    elsewhere = selectors.counts(sale, town.shops[1])
    assert (elsewhere.came, elsewhere.invited) == (0, 21)


@pytest.mark.parametrize(
    ("here", "elsewhere", "told"),
    [(12, 15, 25), (12, 3, None), (12, 0, None), (3, 12, 15), (0, 9, None), (30, 14, 40)],
)
def test_another_shops_few_are_not_found_by_subtraction(
    town: Town, here: int, elsewhere: int, told: int | None
) -> None:
    sale = town.announced()
    SaleShop.objects.create(sale=sale, shop_id=town.shops[1])
    Invitation.objects.bulk_create(
        Invitation(
            sale=sale, how="door", state="arrived", arrived_shop_id=shop, created_at=BEGINS,
            recruited=True,
        )
        for shop, n in zip(town.shops, (here, elsewhere), strict=False)
        for _ in range(n)
    )  # fmt: skip
    found = selectors.told(selectors.counts(sale), selectors.counts(sale, town.shop))
    assert (found.came, found.at_door, found.recruited) == (told,) * 3


def test_a_newcomer_is_recruited_by_one_sale_and_not_in_the_morning(town: Town) -> None:
    first = town.announced(starts_at=BEGINS + timedelta(hours=8))
    second = town.announced(starts_at=BEGINS + timedelta(hours=8))
    town.time.now = BEGINS + timedelta(hours=1)
    morning = newcomer(town, "Matin")
    town.time.now = BEGINS + timedelta(hours=7, minutes=45)
    door = newcomer(town, "Soir")
    joined = [
        services.join_at_door(sale.pk, member.pk, town.shop, "till:1").recruited
        for member in (morning, door)
        for sale in (first, second)
    ]
    assert joined == [False, False, True, False]


@pytest.mark.parametrize("which", ["keep", "gone", "both"])
def test_a_merged_doubles_invitation_is_the_survivors(town: Town, which: str) -> None:
    sale = town.announced()
    slot = town.slot(sale, 1)
    keep, gone = newcomer(town, "Dupont"), newcomer(town, "Dupond")
    invited = {"keep": [keep], "gone": [gone], "both": [keep, gone]}[which]
    services.invite(sale.pk, [member.pk for member in invited])
    (waits,) = town.invited(sale, 1)
    better = Invitation.objects.get(member=invited[-1])
    services.book(better.pk, slot.pk)
    services.book(waits.pk, slot.pk)
    pair = DuplicateProposal.objects.create(
        member=keep, other=gone, shop_id=town.shop, reason="the same name"
    )
    merging.merge(town.id, pair.pk, Decider("user:1", None), at=town.time.now)
    left = Invitation.objects.exclude(pk=waits.pk).get()
    assert (left.pk, left.member_id, left.state) == (better.pk, keep.pk, "booked")
    slot.refresh_from_db()
    assert slot.taken == 1


def test_a_place_that_two_doubles_had_is_free_again(town: Town) -> None:
    sale = town.announced()
    slot = town.slot(sale, 2)
    keep, gone = newcomer(town, "Dupont"), newcomer(town, "Dupond")
    services.invite(sale.pk, [keep.pk, gone.pk])
    (waits,) = town.invited(sale, 1)
    for invitation in Invitation.objects.order_by("pk"):
        services.book(invitation.pk, slot.pk)
    assert services.adopt(gone.pk, keep.pk) == 1
    assert services.adopt(gone.pk, keep.pk) == 0
    waits.refresh_from_db()
    slot.refresh_from_db()
    assert (waits.state, slot.taken, Invitation.objects.count()) == ("booked", 2, 2)


def test_who_is_erased_is_nobody_and_gives_the_place_back(town: Town) -> None:
    sale = town.announced()
    slot = town.slot(sale, 1)
    leaves, came = newcomer(town, "Partante"), newcomer(town, "Venue")
    services.invite(sale.pk, [leaves.pk, came.pk])
    (waits,) = town.invited(sale, 1)
    services.book(Invitation.objects.get(member=leaves).pk, slot.pk)
    services.book(waits.pk, slot.pk)
    town.time.now = BEGINS
    services.join_at_door(sale.pk, came.pk, town.shop, "till:1")
    before = selectors.counts(sale)
    for member in (leaves, came):
        assert erasure.erase(member.pk, actor="member")
    waits.refresh_from_db()
    assert waits.state == "booked"
    nobodys = Invitation.objects.filter(member=None)
    assert set(nobodys.values_list("state", "slot", "asked_at")) == {
        ("declined", None, None), ("arrived", None, None),
    }  # fmt: skip
    assert selectors.counts(sale).came == before.came == 1
    assert {each.checked_in_by for each in nobodys} == {"", "till:1"}
    for invitation in nobodys:
        assert refusal(services.arrive, invitation.pk, town.shop, "till:1") == "no-member"
        assert refusal(services.book, invitation.pk, slot.pk) == "no-member"
