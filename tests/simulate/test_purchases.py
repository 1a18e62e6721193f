"""Invented receipts: drawn from a seed, within opening hours, and like a town's."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from chaland.simulate.assortment import TRADES
from chaland.simulate.purchases import NOBODY, Clientele, Members, Receipts
from chaland.simulate.rhythm import real_rhythm
from chaland.simulate.town import drawn_town

PARIS = ZoneInfo("Europe/Paris")
FIRST, LAST = date(2025, 9, 1), date(2026, 9, 30)
TOWN = drawn_town()


def clientele(seed: int = 1) -> Clientele:
    return Clientele(TOWN, real_rhythm(), seed, FIRST, LAST, 2000, PARIS)


@pytest.fixture(scope="module")
def drawn() -> tuple[Members, Receipts]:
    return clientele().draw()


def test_the_same_seed_gives_the_same_receipts(drawn: tuple[Members, Receipts]) -> None:
    again = clientele().draw()[1]
    for name in Receipts.__dataclass_fields__:
        assert np.array_equal(getattr(again, name), getattr(drawn[1], name))
    assert len(clientele(2).draw()[1]) != len(again)


def test_every_trade_of_the_town_sells_something() -> None:
    assert {shop.trade for shop in TOWN.shops} == set(TRADES)


def test_shops_sell_only_while_they_are_open(drawn: tuple[Members, Receipts]) -> None:
    rows = drawn[1]
    staged = np.isin(rows.who, (11, 23, 37))  # at hours of their own
    for at, place in zip(rows.time_s[~staged][::29], rows.shop[~staged][::29], strict=True):
        local = datetime.fromtimestamp(int(at), PARIS)
        second = local.hour * 3600 + local.minute * 60 + local.second
        openings = TOWN.shops[int(place)].openings_on(local.date())
        # joining takes a minute, which may end after closing
        assert any(o.opens_s <= second < o.closes_s + 60 for o in openings), local


def test_attach_rates_are_a_town_s(drawn: tuple[Members, Receipts]) -> None:
    """60 to 85 % in shops with 300 receipts or more; every fourth to sixth shop is weaker."""
    rows = drawn[1]
    bought = rows.returns < 0
    for place in range(len(TOWN.shops)):
        mine = bought & (rows.shop == place)
        if mine.sum() >= 300:
            assert 0.5 < (rows.who[mine] != NOBODY).mean() < 0.88
    assert 0.6 < (rows.who[bought] != NOBODY).mean() < 0.8


def test_members_buy_after_they_joined_and_at_several_shops(
    drawn: tuple[Members, Receipts],
) -> None:
    members, rows = drawn
    known = rows.who != NOBODY
    staged = np.isin(rows.who, (11, 23, 37))
    own = known & ~staged
    assert (rows.time_s[own] >= members.joined_s[rows.who[own]] - 86_400).all()
    pairs = np.unique(np.stack([rows.who[known], rows.shop[known]]), axis=1)
    assert 2 < pairs.shape[1] / len(np.unique(pairs[0])) < 5


def test_many_members_come_a_few_times_a_year_and_few_weekly(
    drawn: tuple[Members, Receipts],
) -> None:
    members, rows = drawn
    whole_year = members.joined_s < rows.time_s[0] + 30 * 86_400
    count = np.bincount(rows.who[rows.who != NOBODY], minlength=len(whole_year))[whole_year]
    assert 2 <= np.median(count) <= 8
    assert 0.002 < (count >= 52).mean() < 0.05
    assert np.sort(count)[-len(count) // 5 :].sum() > 0.5 * count.sum()  # a fifth buys half


def test_nearer_shops_are_shared_more(drawn: tuple[Members, Receipts]) -> None:
    """How much likelier than chance two shops share a member: more within a zone than across."""
    rows = drawn[1]
    everybody = len(np.unique(rows.who)) - 1
    of = [
        set(rows.who[(rows.shop == place) & (rows.who != NOBODY)].tolist())
        for place in range(len(TOWN.shops))
    ]
    lifts: dict[bool, list[float]] = {True: [], False: []}
    for a, mine in enumerate(of):
        for b, other in enumerate(of[:a]):
            if min(len(mine), len(other)) >= 100:
                near = TOWN.shops[a].zone == TOWN.shops[b].zone
                lifts[near].append(len(mine & other) * everybody / len(mine) / len(other))
    assert np.mean(lifts[True]) > 1.15 * np.mean(lifts[False])


def test_saturdays_and_the_season_sell_more(drawn: tuple[Members, Receipts]) -> None:
    rows = drawn[1]
    local = [datetime.fromtimestamp(int(at), PARIS) for at in rows.time_s]
    weekdays = np.bincount([at.weekday() for at in local], minlength=7)
    assert weekdays[5] == weekdays.max()
    toys = rows.shop == [shop.slug for shop in TOWN.shops].index("jouets-pirouette")
    months = np.bincount([at.month for at, toy in zip(local, toys, strict=True) if toy])
    assert months[12] > 2 * np.median(months[1:11])


def test_returns_follow_their_purchase_and_give_back_its_first_line(
    drawn: tuple[Members, Receipts],
) -> None:
    rows = drawn[1]
    back = np.flatnonzero(rows.returns >= 0)
    of = rows.returns[back]
    assert len(back) > 50
    assert len(np.unique(of)) == len(of)
    assert (rows.returns[of] < 0).all()
    assert (rows.time_s[back] > rows.time_s[of]).all()
    for name in ("shop", "who"):
        assert np.array_equal(getattr(rows, name)[back], getattr(rows, name)[of])
    given, cost = -rows.cents[rows.first_line[back]], rows.cents[rows.first_line[of]]
    cut = rows.item[rows.first_line[of + 1] - 1] < 0
    assert cut.any()
    assert (given[~cut] == cost[~cut]).all()
    assert (given[cut] == cost[cut] * 9 // 10).all(), "no more than was paid for it"
    assert (np.diff(rows.first_line)[back] == 1).all()


def test_every_purchase_is_paid(drawn: tuple[Members, Receipts]) -> None:
    rows = drawn[1]
    totals = np.add.reduceat(rows.cents, rows.first_line[:-1])
    assert (totals[rows.returns < 0] > 0).all()
    assert (np.diff(rows.time_s) >= 0).all()
