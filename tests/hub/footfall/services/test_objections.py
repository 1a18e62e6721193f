"""Objections: taken under limits, forgotten in time, and undone in the figures where by chance."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaland.hub.footfall import cells, keeping
from chaland.hub.footfall.excluded import share_excluded
from chaland.hub.footfall.models import (
    DayFigure,
    ObjectionBit,
    ObjectionDay,
    ObjectionFilter,
    Sensor,
)
from chaland.hub.footfall.services import objections, rebuild_figures
from chaland.hub.footfall.services.objections import NEW_A_DAY, STANDING
from chaland.wire.exchange import FILTER_BITS
from chaland.wire.periods import day_bounds
from tests import builders

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 18)
NOW = datetime(2026, 11, 18, 11, tzinfo=UTC)
TOWN = 1


@pytest.fixture
def sensors() -> list[Sensor]:
    cast = builders.build_cast(2)
    return [builders.build_sensor(shop.pk, NOW) for shop in cast.shops]


def town_of(sensor: Sensor) -> int:
    return builders.Shop.objects.get(pk=sensor.shop_id).association_id


def bits_of(version_and_bytes: tuple[int, bytes]) -> set[int]:
    packed = np.frombuffer(version_and_bytes[1], np.uint8)
    return set(np.flatnonzero(np.unpackbits(packed, bitorder="little")).tolist())


def test_a_sensor_sets_so_many_a_day_and_so_many_stand(sensors: list[Sensor]) -> None:
    first, second = sensors
    town = town_of(first)
    assert objections.take(first, town, range(NEW_A_DAY + 2), TODAY) == 2
    assert objections.take(first, town, [1, 2, 3], TODAY) == 0, "they stand: nothing new"
    assert objections.take(second, town, [NEW_A_DAY + 1], TODAY) == 0, "each has its own limit"
    over = 0
    for day in range(1, 12):
        bits = range(1_000 * day, 1_000 * day + NEW_A_DAY)
        over += objections.take(first, town, bits, TODAY + timedelta(days=day))
    assert ObjectionBit.objects.filter(sensor=first).count() == STANDING
    assert over == 12 * NEW_A_DAY - STANDING


def test_a_bit_is_forgotten_after_it_was_first_asked_for(sensors: list[Sensor]) -> None:
    """Asking again renews nothing: else the rows would tell on which days a phone came back."""
    town = town_of(sensors[0])
    objections.take(sensors[0], town, [5], TODAY)
    before = list(ObjectionBit.objects.values())
    assert objections.take(sensors[1], town, [5, 6], TODAY + timedelta(days=9)) == 0
    assert list(ObjectionBit.objects.filter(bit=5).values()) == before
    last = NOW + keeping.OBJECTIONS
    assert objections.tend(last - timedelta(days=1)) == 0
    assert objections.tend(last) == 1
    assert bits_of(objections.filter_of(town, 0)) == {6}
    assert objections.fill(town, TODAY + keeping.OBJECTIONS).bits == 1
    objections.take(sensors[0], town, [5], TODAY + keeping.OBJECTIONS)
    assert bits_of(objections.filter_of(town, 0)) == {5, 6}, "the next ask tells it anew"


STEPS = st.lists(
    st.one_of(
        st.lists(st.integers(0, FILTER_BITS - 1), max_size=9),
        st.integers(1, 20),
        st.none(),
    ),
    max_size=8,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_the_version_grows_with_each_change_and_never_falls(
    sensors: list[Sensor], steps: list[list[int] | int | None]
) -> None:
    """Bits are asked for, days pass, the director clears: bytes, rows and fill always agree."""
    for model in (ObjectionBit, ObjectionDay, ObjectionFilter):
        model.objects.all().delete()
    town, now = town_of(sensors[0]), NOW
    seen = {0: bytes(FILTER_BITS // 8)}
    before = 0
    for step in steps:
        if step is None:
            objections.clear(town, now)
        elif isinstance(step, int):
            now += timedelta(days=step)
            objections.tend(now)
        else:
            objections.take(sensors[len(step) % 2], town, step, now.date())
        version, packed = objections.filter_of(town, -1)
        assert version >= before
        assert seen.setdefault(version, packed) == packed, "a version is one filter"
        assert objections.filter_of(town, version) == (version, b"")
        rows = set(ObjectionBit.objects.values_list("bit", flat=True))
        assert bits_of((version, packed)) == rows
        assert objections.fill(town, now.date()).bits == len(rows)
        before = version


def test_the_alarm_is_raised_at_two_per_cent(sensors: list[Sensor]) -> None:
    town = town_of(sensors[0])
    enough = int(FILTER_BITS * keeping.OBJECTIONS_ALARM_SHARE)
    ObjectionBit.objects.bulk_create(
        ObjectionBit(association_id=town, bit=bit, sensor=sensors[0], first_asked_on=TODAY)
        for bit in range(enough)
    )  # fmt: skip
    assert not objections.fill(town, TODAY).alarm
    ObjectionBit.objects.create(
        association_id=town, bit=enough, sensor=sensors[1], first_asked_on=TODAY
    )  # fmt: skip
    assert objections.fill(town, TODAY).alarm


def test_a_day_keeps_its_highest_fill(sensors: list[Sensor]) -> None:
    town = town_of(sensors[0])
    objections.take(sensors[0], town, range(64), TODAY)
    assert objections.clear(town, NOW) == 64
    assert share_excluded(town, TODAY) == 64 / FILTER_BITS, "its figures were made with it"
    assert share_excluded(town, TODAY - timedelta(days=1)) == 0
    assert share_excluded(town, TODAY + timedelta(days=1)) == 64 / FILTER_BITS, "not noted yet"
    objections.tend(NOW + timedelta(days=1))
    assert share_excluded(town, TODAY + timedelta(days=1)) == 0
    assert share_excluded(town + 1, TODAY) == 0


def test_figures_are_corrected_for_who_is_left_out_by_chance(sensors: list[Sensor]) -> None:
    """A quarter of the filter is set on one day: its counts, and their noise, grow by 4/3."""
    sensor = sensors[0]
    town, day = town_of(sensor), TODAY
    builders.build_cells(sensor, day - timedelta(days=1), day + timedelta(days=1))
    begin, end = day_bounds(day - timedelta(days=1), builders.PARIS)[0], day_bounds(
        day + timedelta(days=1), builders.PARIS)[1]  # fmt: skip
    plain = cells.read(sensor.shop_id, begin, end)
    rebuild_figures()
    hours = dict(DayFigure.objects.values_list("day", "person_hours"))
    for ago, bits in ((0, FILTER_BITS // 4), (-1, 0)):
        ObjectionDay.objects.create(association_id=town, day=day - timedelta(days=ago), bits=bits)
    assert share_excluded(town, day) == 0.25
    corrected = cells.read(sensor.shop_id, begin, end)
    first, last = (int(at.timestamp()) for at in day_bounds(day, builders.PARIS))
    inside = (plain.start_s >= first) & (plain.start_s < last)
    factor = np.where(inside, 4 / 3, 1.0)
    for name in cells.COUNTS:
        np.testing.assert_allclose(corrected.counts[name], plain.counts[name] * factor)
        np.testing.assert_allclose(corrected.scales[name], plain.scales[name] * factor)
    rebuild_figures()
    after = dict(DayFigure.objects.values_list("day", "person_hours"))
    grown = {each: after[each] / hours[each] for each in hours}
    expected = {day - timedelta(days=1): 1, day: 4 / 3, day + timedelta(days=1): 1}
    assert grown == pytest.approx(expected, rel=1e-4)
