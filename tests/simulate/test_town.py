"""The drawn town and its rhythm: shops where and when they should be."""

from datetime import date, timedelta

import numpy as np
import pytest

from chaland.simulate.rhythm import Rhythm, day_factor
from chaland.simulate.town import Town, drawn_town, is_public_holiday


def test_thirty_shops_in_six_zones_a_walk_apart() -> None:
    town = drawn_town()
    assert len(town.shops) == 30
    assert len({shop.slug for shop in town.shops}) == 30
    assert len(town.zones) == 6
    assert set(town.zones) == {shop.zone for shop in town.shops}
    assert town.walk_m.max() < 900
    assert all(abs(shop.latitude - 46.41) < 0.01 for shop in town.shops)


def test_a_small_town_still_spans_zones() -> None:
    assert len({shop.zone for shop in drawn_town(6).shops}) == 6


def test_lunch_breaks_and_monday_closing() -> None:
    shop = drawn_town().shop("maison-delorme")
    monday, tuesday = date(2026, 5, 18), date(2026, 5, 19)
    assert shop.openings_on(monday) == []
    assert [opening.times()[1].isoformat() for opening in shop.openings_on(tuesday)] == [
        "12:15:00",
        "19:00:00",
    ]


def test_an_unknown_shop_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no shop 'x'.*l-epi-d-or"):
        drawn_town().shop("x")


@pytest.mark.parametrize(
    ("day", "closed"),
    [
        (date(2026, 4, 6), True),  # Easter Monday
        (date(2026, 5, 14), True),  # Ascension
        (date(2026, 5, 25), True),  # Whit Monday
        (date(2027, 3, 29), True),  # Easter Monday
        (date(2026, 12, 25), True),
        (date(2026, 4, 5), False),  # a Sunday as others
        (date(2026, 5, 19), False),
    ],
)
def test_public_holidays(day: date, closed: bool) -> None:
    assert is_public_holiday(day) is closed


def test_the_rhythm_is_a_city_centre_s_moved_north(rhythm: Rhythm) -> None:
    assert rhythm.hours.mean() == pytest.approx(1)
    assert rhythm.months.mean() == pytest.approx(1)
    tuesday, sunday = rhythm.hours[1], rhythm.hours[6]
    assert tuesday[12] > 5 * tuesday[5]
    assert tuesday[8] > 3 * sunday[8]
    # Auckland's late summer (February, March) is busy: here August and September.
    assert rhythm.months[7:9].mean() > 1


def test_a_local_day_runs_from_four_to_four(rhythm: Rhythm) -> None:
    saturday = rhythm.of_day(date(2026, 5, 23))
    assert saturday.shape == (24,)
    assert saturday[0] / saturday[1] == pytest.approx(rhythm.hours[5, 4] / rhythm.hours[5, 5])
    assert saturday[21] / saturday[1] == pytest.approx(rhythm.hours[6, 1] / rhythm.hours[5, 5])


def test_weather_lasts_and_events_show() -> None:
    start = date(2026, 2, 1)
    days = [start + timedelta(days=i) for i in range(300)]
    level = np.log([day_factor(3, day) for day in days if day.weekday() not in {2, 5}])
    assert np.corrcoef(level[:-1], level[1:])[0, 1] > 0.3
    assert day_factor(3, date(2026, 12, 22)) != day_factor(4, date(2026, 12, 22))
    advent = np.mean([day_factor(seed, date(2026, 12, 22)) for seed in range(20)])
    assert advent > 1.2


def test_gravity_draws_to_near_and_busy_shops() -> None:
    town: Town = drawn_town()
    assert np.all(np.diag(town.pull) == 0)
    bakery = next(i for i, s in enumerate(town.shops) if s.slug == "la-fournee-du-pont")
    near = next(i for i, s in enumerate(town.shops) if s.slug == "coiffure-meche-rebelle")
    far = next(i for i, s in enumerate(town.shops) if s.slug == "bijouterie-aurore")  # same size
    assert town.pull[bakery, near] > 1.5 * town.pull[bakery, far]
