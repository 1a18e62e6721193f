"""The same receipt, and the same return, brought by many at one moment, each on a connection."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaland.hub.loyalty.models import Receipt
from chaland.hub.loyalty.receipts.services import take_in
from chaland.hub.loyalty.receipts.shapes import LineIn, Taken
from tests.builders import build_cast
from tests.hub.loyalty.ledger.racing import Racers, racers
from tests.hub.loyalty.receipts.conftest import Town
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
