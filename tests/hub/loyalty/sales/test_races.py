"""Many at once, each on a connection of its own, on either engine."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaland.hub.loyalty.models import Invitation, Member, Slot
from chaland.hub.loyalty.sales import services
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.sales.services import Arrival
from tests.hub.loyalty.ledger.racing import Racers, racers
from tests.hub.loyalty.sales.conftest import BEGINS, Town
from tests.loyalty_builders import build_members

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 16


@pytest.fixture
def ready(town: Town) -> tuple[Town, list[int], int]:
    """An announced sale with a slot of five places, and sixteen who are invited."""
    sale = town.announced()
    slot = town.slot(sale, 5)
    return town, [each.pk for each in town.invited(sale, MANY)], slot.pk


@pytest.fixture
def many(ready: tuple[Town, list[int], int], tmp_path: Path) -> Iterator[Racers]:
    with racers(MANY, tmp_path) as there:
        yield there


def state(slot_id: int) -> tuple[int, Counter[str]]:
    states = Counter(Invitation.objects.values_list("state", flat=True))
    return Slot.objects.get(pk=slot_id).taken, states


def test_of_sixteen_who_book_five_have_a_place_and_the_others_a_rank(
    many: Racers, ready: tuple[Town, list[int], int]
) -> None:
    _town, guests, slot = ready
    answers = many.race(lambda i: services.book(guests[i], slot).state)
    assert Counter(answers) == {"booked": 5, "queued": 11}
    assert many.alone(lambda: state(slot)) == (5, {"booked": 5, "queued": 11})
    answers = many.race(lambda i: services.decline(guests[i]).state if i % 2 else "")
    assert Counter(answers) == {"declined": 8, "": 8}
    taken, states = many.alone(lambda: state(slot))
    assert (taken, states["booked"], states["queued"]) == (5, 5, 3)
    answers = many.race(lambda i: services.book(guests[i % 2], slot).state)
    assert not [each for each in answers if isinstance(each, Exception)]
    assert many.alone(lambda: state(slot))[0] == 5


def test_everything_at_once_loses_no_place(
    many: Racers, ready: tuple[Town, list[int], int]
) -> None:
    _town, guests, slot = ready
    sale = many.alone(lambda: Slot.objects.get(pk=slot).sale)

    def one(number: int) -> str:
        guest = guests[number]
        for turn in range(4):
            if number == 0:
                services.set_slot(sale.pk, sale.starts_at, sale.ends_at, 5 + turn, slot)
            elif turn % 2:
                services.decline(guest)
            else:
                services.book(guest, slot)
        services.book(guest, slot)
        return "done"

    answers = many.race(one)
    refused = [each for each in answers if not isinstance(each, str)]
    assert all(isinstance(each, SaleErrorFinal) for each in refused), answers
    taken, states = many.alone(lambda: state(slot))
    assert taken == states["booked"] == many.alone(lambda: Slot.objects.get(pk=slot).capacity)
    assert sum(states.values()) == MANY


def test_of_sixteen_tills_one_checks_in(many: Racers, ready: tuple[Town, list[int], int]) -> None:
    town, guests, _slot = ready
    town.time.now = BEGINS
    answers = many.race(lambda i: services.arrive(guests[0], town.shop, f"till:{i}"))
    told = [each for each in answers if isinstance(each, Arrival)]
    assert len(told) == MANY
    assert sum(each.first for each in told) == 1
    sale = many.alone(lambda: Invitation.objects.get(pk=guests[0]).sale_id)
    member = many.alone(lambda: build_members(town.loyalty.cast, 1)[0].pk)
    joined = many.race(lambda i: services.join_at_door(sale, member, town.shop, f"till:{i}"))
    assert sum(isinstance(each, Arrival) and each.first for each in joined) == 1
    assert len({each.invitation_id for each in joined if isinstance(each, Arrival)}) == 1


def test_one_audience_drawn_twice_at_once_invites_once(
    many: Racers, ready: tuple[Town, list[int], int]
) -> None:
    town, guests, _slot = ready
    sale = many.alone(lambda: Invitation.objects.get(pk=guests[0]).sale_id)
    many.alone(lambda: build_members(town.loyalty.cast, 200))
    ids = many.alone(lambda: list(Member.objects.values_list("pk", flat=True)))
    answers = many.race(lambda _i: services.invite(sale, ids))
    assert sorted(answers, key=str)[-1] == 200, answers
    assert sum(each for each in answers if isinstance(each, int)) == 200
