"""Cells become days: whole, again and again the same, gaps never filled."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from pytest_django import DjangoAssertNumQueries

from chaland.hub.footfall import hours as clock
from chaland.hub.footfall import selectors, services
from chaland.hub.footfall.figures import totals
from chaland.hub.footfall.models import Calibration, Cell, DayFigure, DwellDay, Sensor
from chaland.hub.footfall.rules import Unit
from chaland.wire.periods import day_bounds
from tests import builders

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 18)
NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)


@pytest.fixture
def sensor() -> Sensor:
    cast = builders.build_cast(2)
    builders.build_calibration(cast.shop.pk)
    return builders.build_sensor(cast.shop.pk, NOON)


def put(
    sensor: Sensor, start: datetime, *, windows: int = 3, fingerprints: int | None = 36
) -> Cell:
    """A cell without a message: 36 fingerprints in three windows are six people by calibration."""
    return Cell.objects.create(
        sensor=sensor,
        shop_id=sensor.shop_id,
        start=start,
        windows=windows,
        state="ok",
        mechanism=builders.build_mechanism(),
        fingerprints=fingerprints,
        scans=None if fingerprints is None else 0,
        arrivals=3,
        passers_by=9,
    )


def hours_of(shop_id: int, day: date = DAY) -> np.ndarray:
    return clock.unpack([bytes(DayFigure.objects.get(shop_id=shop_id, day=day).hours)])[0]


def snapshot() -> list[tuple[object, ...]]:
    return [
        (f.shop_id, f.day, round(f.person_hours, 6), f.windows, bytes(f.hours))
        for f in DayFigure.objects.order_by("shop_id", "day")
    ]


def test_an_hour_of_six_people_is_six_person_hours(sensor: Sensor) -> None:
    for quarter in range(4):
        put(sensor, NOON + timedelta(minutes=15 * quarter))
    services.refresh_figures(sensor.shop_id, {NOON})
    noon = hours_of(sensor.shop_id)[12]  # 11:00 UTC is 12:00 in Paris
    assert noon[clock.PERSON_HOURS] == pytest.approx(6, rel=0.2)
    assert noon[clock.WINDOWS] == 12
    assert noon[clock.ARRIVALS] == 12
    day = DayFigure.objects.get()
    assert day.windows == 12
    assert day.windows_expected == 288
    assert day.person_hours == pytest.approx(noon[clock.PERSON_HOURS])


def test_what_was_not_observed_adds_nothing(sensor: Sensor) -> None:
    put(sensor, NOON)
    put(sensor, NOON + timedelta(minutes=15), windows=1, fingerprints=12)
    put(sensor, NOON + timedelta(minutes=30), windows=0, fingerprints=None)
    services.refresh_figures(sensor.shop_id, {NOON})
    noon = hours_of(sensor.shop_id)[12]
    assert noon[clock.WINDOWS] == 4
    assert noon[clock.PERSON_HOURS] == pytest.approx(6 * 20 / 60, rel=0.2)


def test_two_sensors_are_averaged_and_a_deaf_one_drops_out(sensor: Sensor) -> None:
    second = builders.build_sensor(sensor.shop_id, NOON)
    put(sensor, NOON, fingerprints=36)
    put(second, NOON, fingerprints=18)
    put(sensor, NOON + timedelta(hours=1), fingerprints=36)
    put(second, NOON + timedelta(hours=1), windows=0, fingerprints=None)
    services.refresh_figures(sensor.shop_id, {NOON})
    hours = hours_of(sensor.shop_id)
    both, one = hours[12][clock.PERSON_HOURS], hours[13][clock.PERSON_HOURS]
    assert both == pytest.approx(0.75 * one, rel=0.05)
    assert hours[12][clock.WINDOWS] == hours[13][clock.WINDOWS] == 3
    assert hours[12][clock.VARIANCE] < hours[13][clock.VARIANCE]


@pytest.mark.parametrize(("day", "windows"), [(date(2026, 10, 24), 300), (date(2026, 3, 28), 276)])
def test_days_when_clocks_change_are_whole(sensor: Sensor, day: date, windows: int) -> None:
    builders.build_cells(sensor, day, day)
    services.rebuild_figures()
    figure = DayFigure.objects.get(day=day)
    assert figure.windows == figure.windows_expected == windows
    assert hours_of(sensor.shop_id, day)[2][clock.WINDOWS] == {300: 24, 276: 0}[windows]


def test_one_by_one_and_in_bulk_give_the_same(sensor: Sensor) -> None:
    builders.build_cells(sensor, DAY - timedelta(days=2), DAY)
    for cell in Cell.objects.filter(start__minute=0).order_by("start"):
        services.refresh_figures(sensor.shop_id, {cell.start})
    singly = snapshot()
    DayFigure.objects.all().delete()
    assert services.rebuild_figures() == 3
    assert snapshot() == singly
    services.rebuild_figures([sensor.shop_id], DAY, DAY)
    assert snapshot() == singly


def test_figures_outlive_their_cells(sensor: Sensor) -> None:
    """Cells may be cleared after their time; a rebuild must not take the past away."""
    builders.build_cells(sensor, DAY - timedelta(days=2), DAY)
    services.rebuild_figures()
    Cell.objects.filter(start__lt=day_bounds(DAY, builders.PARIS)[0]).delete()
    services.rebuild_figures()
    assert DayFigure.objects.count() == 3


def test_a_stay_that_nobody_counted_forbids_visits(sensor: Sensor) -> None:
    """Neither no stay at all nor that of devices that can be followed is good enough."""
    Calibration.objects.update(stay=None, visits_error=None)
    put(sensor, NOON)
    services.refresh_figures(sensor.shop_id, {NOON})
    assert DayFigure.objects.get().scale_error > 0.35
    builders.build_cells(sensor, DAY - timedelta(days=20), DAY - timedelta(days=1))
    services.refresh_figures(sensor.shop_id, {NOON})
    figure = DayFigure.objects.get()
    assert 600 < figure.dwell_s < 1300
    assert figure.scale_error > 0.35
    assert selectors.units([sensor.shop_id], np.array([figure.scale_error])) == [Unit.INDEX]


def test_a_counted_stay_holds_whatever_can_be_followed(sensor: Sensor) -> None:
    builders.build_cells(sensor, DAY - timedelta(days=20), DAY)
    DwellDay.objects.update(counts=[0, 0, 0, 0, 0, 900])
    services.rebuild_figures()
    assert set(DayFigure.objects.values_list("dwell_s", flat=True)) == {900.0}


def test_a_strict_shop_has_the_errors_of_its_own_calibration(sensor: Sensor) -> None:
    """Counted in strict mode, it shows visits; the default model's unknown scale plays no part."""
    Calibration.objects.update(mode="strict", coefficients={"scans": 0.2, "signal_error": 0.15})
    builders.build_cells(sensor, DAY - timedelta(days=3), DAY)
    Cell.objects.update(fingerprints=None)
    services.rebuild_figures()
    cube = selectors.read_cube([sensor.shop_id], DAY - timedelta(days=3), DAY)
    assert cube.scale_error[0] == pytest.approx(0.07)
    assert selectors.units(cube.shop_ids, cube.scale_error) == [Unit.VISITS]
    assert cube.visits[0, :3].sum() > 3 * 80


def test_a_day_has_the_errors_of_the_mode_of_its_own_cells(sensor: Sensor) -> None:
    """A shop that went over to strict mode, and was counted before: its newer days are unsure."""
    builders.build_cells(sensor, DAY - timedelta(days=3), DAY)
    Cell.objects.filter(start__gte=day_bounds(DAY, builders.PARIS)[0]).update(fingerprints=None)
    services.rebuild_figures()
    errors = dict(DayFigure.objects.values_list("day", "scale_error"))
    assert errors[DAY - timedelta(days=1)] == pytest.approx(0.07)
    assert errors[DAY] > 0.5


def test_half_of_the_repeated_hour_is_not_the_whole_of_it(sensor: Sensor) -> None:
    day = date(2026, 10, 24)
    builders.build_cells(sensor, day, day)
    twice = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)  # 02:00 for the second time
    Cell.objects.filter(start__gte=twice, start__lt=twice + timedelta(hours=1)).delete()
    services.rebuild_figures()
    cube = selectors.read_cube([sensor.shop_id], day, day)
    assert cube.windows[0, 0, 2] == 12
    assert not totals.complete(cube)[0, 0, 2]
    assert totals.complete(cube)[0, 0].sum() == 23


def test_dwell_with_other_bins_is_left_out(sensor: Sensor) -> None:
    builders.build_cells(sensor, DAY - timedelta(days=20), DAY)
    DwellDay.objects.filter(day__lt=DAY - timedelta(days=5)).update(
        edges_s=[0, 86_400], counts=[100_000]
    )
    services.rebuild_figures()
    assert DayFigure.objects.get(day=DAY).dwell_s < 2_000


def test_a_refresh_costs_the_same_however_long_the_past(
    sensor: Sensor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    builders.build_cells(sensor, DAY - timedelta(days=9), DAY)
    with django_assert_max_num_queries(10, using="footfall"):
        services.refresh_figures(sensor.shop_id, {NOON})
    with django_assert_max_num_queries(7 + 6, using="footfall"):
        services.rebuild_figures()


def test_reading_is_one_query_for_any_number_of_shops(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    cast = builders.build_cast(4)
    for shop in cast.shops:
        builders.build_cells(builders.build_sensor(shop.pk, NOON), DAY, DAY)
    services.rebuild_figures()
    ids = [shop.pk for shop in cast.shops]
    with django_assert_num_queries(1, using="footfall"):
        cube = selectors.read_cube(ids, DAY - timedelta(days=3), DAY)
    assert cube.visits.shape == (4, 4, 24)
    assert cube.windows[:, :3].sum() == 0
    assert cube.windows[:, 3].sum() == 4 * 288
