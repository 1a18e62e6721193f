"""The privacy account: what is entered is what was released, and no limit is ever passed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaland.hub.footfall.intake.services import mechanism_of
from chaland.hub.footfall.models import BudgetEntry, Cell, DwellDay, FlowDay
from chaland.hub.footfall.services import account, budget
from chaland.hub.footfall.services.budget import OverBudgetFinal, limit, per_release, spendings
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.periods import CELL_S, day_bounds, local_day
from chaland.wire.sketch import DaySketch
from chaland.wire.summary import CellCounts, Count, DwellCounts, Mode, State
from tests import builders

pytestmark = pytest.mark.django_db

PARIS = ZoneInfo("Europe/Paris")
DAY = date(2026, 3, 14)
START = day_bounds(DAY, PARIS)[0]
CELL = timedelta(seconds=CELL_S)


def released(start: datetime, mode: Mode = Mode.DEFAULT) -> CellCounts:
    """A cell as a sensor's mechanism releases it."""
    counts = {
        name: Count(3, noised.bound, noised.epsilon)
        for name, noised in DEFAULT_MECHANISM.counts[mode].items()
    }
    return CellCounts(start, 3, State.OK, mode, counts)


def dwell_of(day: date) -> DwellCounts:
    return DwellCounts(day, (60, 300), (4,), 1, DEFAULT_MECHANISM.dwell.epsilon)


def sketch_of(day: date, start: datetime) -> DaySketch:
    ours = DEFAULT_MECHANISM.sketch
    bits, symbols = bytes(ours.bits), bytes(ours.ordered)
    return DaySketch(day, start, "0" * 16, bits, symbols, ours.epsilon)


def store(shop_id: int, cell: CellCounts, sensor: object, sensors: int = 1) -> None:
    """Spend and store, as intake does."""
    with transaction.atomic(using="footfall"):
        budget.spend(shop_id, cell, PARIS, sensors)
        counts = {name: count.value for name, count in cell.counts.items()}
        Cell.objects.create(
            sensor=sensor, shop_id=shop_id, start=cell.start, windows=cell.windows, state="ok",
            mechanism=mechanism_of(cell), **counts,
        )  # fmt: skip
        if cell.dwell:
            DwellDay.objects.create(
                sensor=sensor, shop_id=shop_id, day=cell.dwell.day, edges_s=[60, 300], counts=[4],
                bound=1, epsilon=cell.dwell.epsilon,
            )  # fmt: skip


def spent(shop_id: int, row: str, day: date = DAY) -> tuple[int, Decimal]:
    entry = BudgetEntry.objects.get(shop_id=shop_id, row=row, day=day)
    return entry.releases, entry.epsilon


@pytest.fixture
def shop_id() -> int:
    return builders.build_cast(2).shop.pk


def test_what_a_cell_spends() -> None:
    cell = replace(released(START), dwell=dwell_of(DAY), sketch=sketch_of(DAY, START))
    found = {each.row: (each.day, each.epsilon) for each in spendings(cell, PARIS)}
    mechanism = DEFAULT_MECHANISM.counts[Mode.DEFAULT]
    both = Fraction(mechanism["fingerprints"].epsilon) + Fraction(mechanism["scans"].epsilon)
    assert found == {
        "E1": (DAY, both),
        "E2": (DAY, Fraction(mechanism["arrivals"].epsilon)),
        "E3": (DAY, 0),
        "E4": (DAY, Fraction(DEFAULT_MECHANISM.dwell.epsilon)),
        "E5": (DAY, Fraction(DEFAULT_MECHANISM.sketch.epsilon)),
    }


def test_what_a_message_claims_of_its_bound_changes_nothing() -> None:
    honest, modest = released(START), released(START)
    counts = dict(modest.counts)
    counts["fingerprints"] = replace(counts["fingerprints"], bound=1)  # a third of the noise
    modest = replace(modest, counts=counts)
    costs = [
        next(s for s in spendings(c, PARIS) if s.row == "E1").epsilon for c in (honest, modest)
    ]
    assert costs[1] - costs[0] == 2 * Fraction(honest.counts["fingerprints"].epsilon)
    assert costs[1] > per_release()["E1"]


def test_a_cell_that_says_nothing_spends_nothing() -> None:
    assert spendings(CellCounts(START, 0, State.DEAF, Mode.DEFAULT, {}), PARIS) == []


@pytest.mark.parametrize(
    ("day", "cells"), [(date(2026, 3, 28), 92), (DAY, 96), (date(2026, 10, 24), 100)]
)
def test_a_days_limit_follows_its_quarters_of_an_hour(day: date, cells: int) -> None:
    for row in ("E1", "E2"):
        assert limit(day, row, PARIS) == Decimal(str(float(per_release()[row]))) * cells
        assert limit(day, row, PARIS, sensors=2) == 2 * limit(day, row, PARIS)
    assert limit(day, "E4", PARIS) == Decimal(DEFAULT_MECHANISM.dwell.epsilon)
    assert limit(day, "E5", PARIS) == Decimal(DEFAULT_MECHANISM.sketch.epsilon)


@pytest.mark.parametrize("day", [date(2026, 3, 28), DAY, date(2026, 10, 24)])
def test_a_whole_day_fits_and_nothing_more(shop_id: int, day: date) -> None:
    begin, end = day_bounds(day, PARIS)
    starts = [begin + i * CELL for i in range(int((end - begin) / CELL))]
    with transaction.atomic(using="footfall"):
        for start in starts:
            budget.spend(shop_id, released(start), PARIS, 1)
        budget.spend(shop_id, replace(released(end), dwell=dwell_of(day)), PARIS, 1)
    for row in ("E1", "E2", "E4"):
        entry = BudgetEntry.objects.get(shop_id=shop_id, day=day, row=row)
        assert entry.epsilon == entry.limit
    with pytest.raises(OverBudgetFinal, match=f"Row E1 of {day}"), transaction.atomic("footfall"):
        budget.spend(shop_id, released(begin), PARIS, 1)


def test_a_replaced_sensor_draws_no_cell_of_the_shop_anew(shop_id: int) -> None:
    old, new = (builders.build_sensor(shop_id, START) for _ in range(2))
    store(shop_id, released(START), old)
    with pytest.raises(OverBudgetFinal, match="by another sensor of the shop"):
        store(shop_id, released(START), new)
    store(shop_id, released(START + CELL), new)
    assert spent(shop_id, "E2")[0] == 2


def test_two_sensors_that_the_charter_lists_spend_twice(shop_id: int) -> None:
    sensors = [builders.build_sensor(shop_id, START) for _ in range(3)]
    for sensor in sensors[:2]:
        store(shop_id, released(START), sensor, 2)
    with pytest.raises(OverBudgetFinal):
        store(shop_id, released(START), sensors[2], 2)
    assert BudgetEntry.objects.get(row="E1").limit == limit(DAY, "E1", PARIS, 2)
    store(shop_id, released(START + CELL), sensors[0], 1)
    assert BudgetEntry.objects.get(row="E1").limit == limit(DAY, "E1", PARIS, 2), "never lowered"


def test_a_second_histogram_of_a_shops_day_is_refused(shop_id: int) -> None:
    first, second = (builders.build_sensor(shop_id, START) for _ in range(2))
    store(shop_id, replace(released(START), dwell=dwell_of(DAY)), first)
    with pytest.raises(OverBudgetFinal, match="Row E4"):
        store(shop_id, replace(released(START + CELL), dwell=dwell_of(DAY)), second)
    assert spent(shop_id, "E1")[0] == 1, "what is refused enters nothing"


EPSILONS = st.sampled_from(["0.01", "0.15", "0.2", "0.46", "0.47", "0.6", "0.75", "0.8", "3"])
COUNTS = st.dictionaries(
    st.sampled_from(["fingerprints", "scans", "arrivals", "passers_by"]),
    st.builds(Count, st.just(1), st.integers(1, 6), EPSILONS),
    min_size=1,
)
CELLS = st.lists(
    st.tuples(st.integers(0, 200), COUNTS, st.booleans(), st.booleans()), min_size=1, max_size=16
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cells=CELLS, sensors=st.integers(1, 2))
def test_whatever_comes_the_account_is_what_is_stored_and_within_its_limits(
    shop_id: int, cells: list[tuple[int, dict[str, Count], bool, bool]], sensors: int
) -> None:
    for model in (Cell, DwellDay, BudgetEntry):
        model.objects.all().delete()
    boxes = [builders.build_sensor(shop_id, START) for _ in range(2)]
    taken = set()
    for number, counts, second, with_dwell in cells:
        if (number, second) in taken:
            continue  # the sensor's own cell again: intake refuses it before
        start = START + number * CELL
        day = local_day(start, PARIS)
        dwell = dwell_of(day) if with_dwell and (day, second) not in taken else None
        cell = CellCounts(start, 3, State.OK, Mode.DEFAULT, counts, dwell)
        try:
            store(shop_id, cell, boxes[second], sensors)
        except OverBudgetFinal:
            continue
        taken |= {(number, second), (day, second) if dwell else None}
    assert account.differences() == []
    for entry in BudgetEntry.objects.all():
        assert entry.epsilon <= entry.limit == limit(entry.day, entry.row, PARIS, sensors)
    before = sorted(BudgetEntry.objects.filter(releases__gt=0).values_list(
        "shop_id", "day", "row", "releases", "epsilon"))  # fmt: skip
    account.rebuild([shop_id])
    after = BudgetEntry.objects.values_list("shop_id", "day", "row", "releases", "epsilon")
    assert sorted(after) == before


def test_what_does_not_agree_is_said(shop_id: int) -> None:
    sensor = builders.build_sensor(shop_id, START)
    store(shop_id, released(START), sensor)
    assert account.differences() == []
    builders.build_cells(sensor, DAY + timedelta(days=1), DAY + timedelta(days=1))
    differing = account.differences()
    assert f"shop {shop_id}, {DAY + timedelta(days=1)}, row E1: 0 releases" in differing[0]
    assert BudgetEntry.objects.count() == 3
    account.rebuild([shop_id], (DAY + timedelta(days=1),) * 2)
    assert account.differences() == []


def test_days_of_flows_that_were_loaded_are_entered(shop_id: int) -> None:
    days = {"association_id": 1, "estimates": b"", "sensors": 1, "sensors_expected": 1}
    FlowDay.objects.create(day=DAY, shop_ids=[shop_id, shop_id + 99], **days)
    FlowDay.objects.create(day=DAY + timedelta(days=1), shop_ids=[shop_id], **days)
    BudgetEntry.objects.create(
        shop_id=shop_id, day=DAY, row="E5", releases=2, epsilon=4, limit=4
    )  # of two sensors, by intake
    account.rebuild([shop_id])
    assert spent(shop_id, "E5") == (2, 4)
    assert spent(shop_id, "E5", DAY + timedelta(days=1)) == (1, 2)
    assert BudgetEntry.objects.count() == 2


def test_an_instant_of_utc_is_of_the_right_local_day(shop_id: int) -> None:
    sensor = builders.build_sensor(shop_id, START)
    store(shop_id, released(datetime(2026, 3, 15, 2, 45, tzinfo=UTC)), sensor)
    assert BudgetEntry.objects.values_list("day", flat=True).distinct().get() == DAY
