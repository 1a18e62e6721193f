"""The same receipt, and the same return, brought by many at one moment, each on a connection."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from chaland.hub.loyalty.models import Receipt
from chaland.hub.loyalty.receipts.services import take_in
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn, Taken
from tests.builders import build_cast
from tests.hub.loyalty.ledger.racing import Racers, racers
from tests.hub.loyalty.receipts.conftest import AT, Town
from tests.loyalty_builders import build_loyalty

pytestmark = pytest.mark.django_db(transaction=True)
TILLS = 6


@pytest.fixture
def town(transactional_db: None) -> Town:
    return Town(build_loyalty(build_cast(3)))


@pytest.fixture
def many(town: Town, tmp_path: Path) -> Iterator[Racers]:
    with racers(TILLS, tmp_path) as there:
        yield there


def outcomes(answers: list[list[Taken] | Exception]) -> Counter[str]:
    """Count what was said; an error fails the test here."""
    said: Counter[str] = Counter()
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
        said.update(taken.outcome for taken in answer)
    return said


def test_a_batch_sent_by_all_at_once_is_in_once(many: Racers, town: Town) -> None:
    """A till that gave up waiting sends its queue again while the first request still runs."""
    batch = [town.said(str(i), member_id=town.members[i % 3].pk) for i in range(9)]
    said = outcomes(many.race(lambda _: take_in(batch)))

    assert said == {"new": 9, "repeated": 9 * (TILLS - 1)}
    assert many.alone(Receipt.objects.count) == 9
    assert [many.alone(lambda m=m: town.has(member=m)) for m in town.members] == [69, 69, 69]


def test_batches_in_other_orders_wait_for_each_other_and_all_go_in(
    many: Racers, town: Town
) -> None:
    """Each buys for one member and takes back of another's: any order of locks must do."""
    people = [member.pk for member in town.members]
    bought = [
        many.alone(lambda m=m: town.buy(f"p{m}", 3_000, lines=[LineIn(1, 3_000)], member_id=m))
        for m in people
    ]

    def batch(i: int, turn: int) -> list[ReceiptIn]:
        buys = [
            town.said(f"b{turn}-{i}-{n}", shop_id=town.shops[i % 3], member_id=people[(i + n) % 3])
            for n in range(6)
        ]
        returns = [
            town.said(
                f"r{turn}-{i}-{n}", -100, shop_id=town.shops[i % 3], member_id=None,
                issued_at=AT + timedelta(days=1), returns_id=bought[n].receipt_id,
                lines=[LineIn(1, -100, quantity_milli=10, returns_number=1)],
            )
            for n in (range(3) if i % 2 else (2, 0, 1))
        ]  # fmt: skip
        return [*buys[: i % 3], *returns, *buys[i % 3 :]]

    for turn in range(3):
        said = outcomes(many.race(lambda i, turn=turn: take_in(batch(i, turn))))
        assert said == {"new": 9 * TILLS}


def test_the_same_batch_forwards_and_backwards_is_in_once(many: Racers, town: Town) -> None:
    batch = [town.said(str(i), member_id=town.members[i % 3].pk) for i in range(60)]
    said = outcomes(many.race(lambda i: take_in(batch if i % 2 else batch[::-1])))

    assert said == {"new": 60, "repeated": 60 * (TILLS - 1)}


def test_one_article_comes_back_once_at_however_many_shops(many: Racers, town: Town) -> None:
    purchase = many.alone(lambda: town.buy("p", 3_000, lines=[LineIn(1, 3_000, item_id="x")]))
    back = [LineIn(1, -3_000, returns_number=1)]
    said = outcomes(
        many.race(
            lambda i: [
                town.give_back(f"r{i}", -3_000, lines=back, returns_id=purchase.receipt_id,
                               shop_id=town.shops[i % 3])
            ]
        )
    )  # fmt: skip

    assert said == {"new": 1, "refused": TILLS - 1}
    assert many.alone(town.has) == 0
