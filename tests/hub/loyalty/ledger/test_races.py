"""Many tills at once, each on a connection of its own: no balance is spent twice."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction

from chaland.hub.loyalty.ledger import proof, services
from chaland.hub.loyalty.ledger.postings import LedgerErrorFinal, NotEnoughErrorFinal
from chaland.hub.loyalty.models import Account, Hold, Member, Transfer
from tests.hub.loyalty.ledger.building import NOW, Purse
from tests.hub.loyalty.ledger.racing import Racers, racers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def many(purse: Purse, tmp_path: Path) -> Iterator[Racers]:
    with racers(32, tmp_path) as there:
        yield there


@pytest.mark.parametrize(
    "rounds", [5, pytest.param(1000, marks=pytest.mark.campaign)], ids=["short", "campaign"]
)
def test_of_thirty_two_redemptions_exactly_ten_are_granted(
    many: Racers, purse: Purse, rounds: int
) -> None:
    for round_ in range(rounds):
        many.alone(lambda n=round_: purse.earn(1000, key=f"earn:{n}"))
        answers = many.race(
            lambda i, n=round_: purse.redeem(100, key=f"redeem:{n}:{i}", shop=i % 3)
        )
        kinds = Counter(type(each) for each in answers)
        assert kinds == {Transfer: 10, NotEnoughErrorFinal: 22}
        assert many.alone(lambda: purse.has) == (0, 0, 0)
    town = purse.asset.association_id
    assert many.alone(lambda: (proof.verify_all(town), proof.rebuild(town))) == ([], [])


def test_one_request_sent_by_all_at_once_is_done_once(many: Racers, purse: Purse) -> None:
    """Also where the member has no account yet: the first receipt, sent twice at once."""
    earned = many.race(lambda _: purse.earn(1000, key="one").pk)
    assert len(set(earned)) == 1
    spent = many.race(lambda _: purse.redeem(100, key="two").pk)
    assert len(set(spent)) == 1
    hold = many.race(lambda _: purse.reserve(100, key="three").pk)
    assert len(set(hold)) == 1
    assert many.alone(lambda: purse.has) == (900, 100, 0)


def test_a_hold_is_confirmed_or_cancelled_never_both(many: Racers, purse: Purse) -> None:
    many.alone(lambda: purse.earn(100))
    hold = many.alone(lambda: purse.reserve(60))
    answers = many.race(
        lambda i: purse.confirm(hold, key=f"c{i}") if i % 2 else services.cancel(hold.pk)
    )
    confirmed = [each for each in answers if isinstance(each, Transfer)]
    voided = [each for each in answers if isinstance(each, Hold)]
    assert (len(confirmed), len(voided)) in ((1, 0), (0, 16))
    assert many.alone(lambda: purse.has) == ((40, 0, 0) if confirmed else (100, 0, 0))


def test_returns_at_many_tills_take_each_unit_back_once(many: Racers, purse: Purse) -> None:
    earned = many.alone(lambda: purse.earn(20))
    answers = many.race(lambda i: purse.reverse(earned, {1: 1}, key=f"back:{i}"))
    assert Counter(type(each) for each in answers)[Transfer] == 20
    assert many.alone(lambda: purse.has) == (0, 0, 0)


@pytest.mark.parametrize(
    "steps", [6, pytest.param(80, marks=pytest.mark.campaign)], ids=["short", "campaign"]
)
def test_everything_at_once_and_repeated_conserves_it_all(
    many: Racers, purse: Purse, points: Purse, steps: int
) -> None:
    """Thirty-two tills with a few members; keys that several use at once; merges in between."""
    members = list(type(purse.member).objects.order_by("pk"))
    purses = [
        Purse(asset, member, purse.shops)
        for member in members
        for asset in (purse.asset, points.asset)
    ]

    def till(number: int) -> Counter[str]:
        dice, done = random.Random(number), Counter[str]()
        for step in range(steps):
            here = dice.choice(purses)
            key = f"{step}:{dice.randrange(8)}:{here.asset.pk}:{here.member.pk}"
            try:
                done[_one(dice, here, key)] += 1
            except LedgerErrorFinal as error:
                done[error.code] += 1
        return done

    answers = many.race(till)
    assert [each for each in answers if isinstance(each, Exception)] == []
    town = purse.asset.association_id
    assert many.alone(lambda: (proof.verify_all(town), proof.rebuild(town))) == ([], [])
    assert not many.alone(lambda: Account.objects.filter(balance__lt=0, role="member").exists())


def _merge(source: int, target: int) -> None:
    """As the product merges: in one transaction with the members' rows, locked in order."""
    with transaction.atomic("loyalty"):
        services.merge(source, target, occurred_at=NOW, actor="user:1")
        list(Member.objects.filter(pk__in=(source, target)).order_by("pk").select_for_update())
        Member.objects.filter(pk=target).update(merged_into=None)
        Member.objects.filter(pk=source).update(merged_into=target)


def _one(dice: random.Random, here: Purse, key: str) -> str:
    what = dice.choice(["earn", "earn", "redeem", "reserve", "confirm", "cancel", "back", "merge"])
    holds = Hold.objects.filter(account__member=here.member.pk, state="pending")
    transfers = Transfer.objects.filter(entries__account__member=here.member.pk)
    if what == "earn":
        here.earn(50, 7, key=f"earn:{key}")
    elif what == "redeem":
        here.redeem(40, key=f"redeem:{key}")
    elif what == "reserve":
        here.reserve(20, key=f"reserve:{key}")
    elif what == "confirm" and (hold := holds.first()):
        here.confirm(hold, key=f"confirm:{hold.pk}")
    elif what == "cancel" and (hold := holds.last()):
        services.cancel(hold.pk)
    elif what == "back" and (one := transfers.filter(kind__in=("earn", "redeem")).first()):
        here.reverse(one, key=f"back:{key}:{one.pk}")
    elif what == "merge":
        _merge(here.member.pk, Member.objects.exclude(pk=here.member.pk).first().pk)
    return what
