"""People come when shops are open, stay, go on, and the ground truth adds up."""

from datetime import date

import numpy as np
import pytest

from chaland.simulate.rhythm import Rhythm
from chaland.simulate.town import Town, drawn_town
from chaland.simulate.walkers import DAY_STARTS_S, Day, Presence, Role, Walkers

from .conftest import SEED, TUESDAY


def test_the_same_seed_gives_the_same_day(town: Town, rhythm: Rhythm, tuesday: Day) -> None:
    again = Walkers(town, rhythm, SEED).day(TUESDAY)
    other = Walkers(town, rhythm, SEED + 1).day(TUESDAY)
    assert np.array_equal(again.stays.start_s, tuesday.stays.start_s)
    assert np.array_equal(again.phones.rate_per_minute, tuesday.phones.rate_per_minute)
    assert not np.array_equal(other.stays.start_s[:50], tuesday.stays.start_s[:50])


def test_visitors_are_inside_only_while_the_shop_is_open(tuesday: Day) -> None:
    stays = tuesday.stays.select(tuesday.stays.role == Role.VISITOR)
    for index, shop in enumerate(tuesday.town.shops):
        mine = stays.shop == index
        spans = shop.openings_on(TUESDAY)
        inside = np.zeros(int(mine.sum()), bool)
        for opening in spans:
            inside |= (stays.start_s[mine] >= opening.opens_s - DAY_STARTS_S - 300) & (
                stays.end_s[mine] <= opening.closes_s - DAY_STARTS_S + 300
            )
        assert inside.all()


def test_visits_come_near_what_the_shop_usually_has(rhythm: Rhythm) -> None:
    town = drawn_town()
    walkers = Walkers(town, rhythm, 11)
    total = np.zeros(30)
    for day in range(19, 24):  # Tuesday to Saturday
        stays = walkers.day(date(2026, 5, day)).stays
        total += np.bincount(stays.shop[stays.role == Role.VISITOR], minlength=30)
    ratio = total.sum() / 5 / town.visits_per_day.sum()
    assert 0.8 < ratio < 1.6
    assert np.corrcoef(total, town.visits_per_day)[0, 1] > 0.9


def test_walkers_go_on_to_other_shops_one_at_a_time(tuesday: Day) -> None:
    stays = tuesday.stays.select(tuesday.stays.role == Role.VISITOR)
    order = np.lexsort((stays.start_s, stays.who))
    stays = stays.select(order)
    same = np.diff(stays.who) == 0
    assert same.any()
    assert np.all(stays.start_s[1:][same] >= stays.end_s[:-1][same])
    assert np.all(np.diff(stays.shop)[same] != 0)
    assert np.bincount(np.unique(stays.who, return_counts=True)[1])[2:].sum() > 100


def test_closed_shops_have_nobody(rhythm: Rhythm) -> None:
    christmas = Walkers(drawn_town(4), rhythm, 1).day(date(2026, 12, 25))
    assert set(np.unique(christmas.stays.role)) == {Role.PASSER_BY, Role.NEIGHBOUR, Role.TERMINAL}


def test_presence_counts_overlaps_exactly() -> None:
    presence = Presence.of(np.array([10.0, 20.0]), np.array([40.0, 30.0]))
    assert presence.people.tolist() == [0, 1, 2, 1, 0]
    assert presence.means(np.array([0.0, 20.0, 40.0, 100.0])) == pytest.approx([0.5, 1.5, 0])


def test_truth_is_the_sum_of_stays(tuesday: Day) -> None:
    edges = np.arange(0.0, 86_401, 900)
    for shop in range(len(tuesday.town.shops)):
        mine = (tuesday.stays.shop == shop) & (tuesday.stays.role == Role.VISITOR)
        seconds = (tuesday.stays.end_s - tuesday.stays.start_s)[mine].sum()
        means = tuesday.people_inside(shop, with_staff=False).means(edges)
        assert means.sum() * 900 == pytest.approx(seconds)
