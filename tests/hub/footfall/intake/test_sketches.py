"""Sketches come once, are estimated once for the town, and are gone within a day, come what may."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from chaland.hub.association.models import OpeningHours, Shop
from chaland.hub.association.rules import Opening
from chaland.hub.footfall import keeping
from chaland.hub.footfall.estimates import covisits as kernel
from chaland.hub.footfall.intake.services import Receipt
from chaland.hub.footfall.models import BudgetEntry, Cell, DropCount, FlowDay, Sketch
from chaland.hub.footfall.services import covisits
from chaland.hub.footfall.services.covisits import WAIT, close_due, counted_share
from chaland.wire.answers import Code
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.sketch import DaySketch
from tests.hub.footfall.intake.boxes import Box

pytestmark = pytest.mark.django_db(databases=["default", "footfall"])

DAY = date(2026, 3, 14)
LAST_CELL = datetime(2026, 3, 15, 2, 45, tzinfo=UTC)
END = LAST_CELL + timedelta(minutes=15)
TOWN_KEY, OTHER_KEY = "00000000000000aa", "00000000000000bb"


def sketch(key: str = TOWN_KEY, seed: int = 1, **changes: Any) -> DaySketch:
    """A day's sketch of nobody: randomised answers alone would be as full."""
    ours, rng = DEFAULT_MECHANISM.sketch, np.random.default_rng(seed)
    whole = {
        "day": DAY,
        "since": datetime(2026, 3, 14, 3, tzinfo=UTC),
        "key": key,
        "bits": (rng.random(ours.bits) < 0.2).astype(np.uint8).tobytes(),
        "symbols": (rng.random(ours.ordered) < 0.2).astype(np.uint8).tobytes(),
        "epsilon": ours.epsilon,
    }
    return DaySketch(**{**whole, **changes})


def end_day(box: Box, at: datetime = END, **changes: Any) -> Receipt:
    """Send the day's last cell, with a sketch unless ``sketch=None`` is given."""
    summary = box.summary(60, start=LAST_CELL, **{"sketch": sketch(), **changes})
    return box.send(summary, at=at)


@pytest.fixture
def make_shop(shop: Shop) -> Callable[[int], Shop]:
    return lambda number: Shop.objects.create(
        association=shop.association, zone=shop.zone, name=f"Shop {number}", slug=f"shop-{number}"
    )


@pytest.fixture
def boxes(make_box: Callable[..., Box], make_shop: Callable[[int], Shop]) -> list[Box]:
    """Three sensors in three shops, all in the charter."""
    return [make_box(make_shop(number)) for number in range(3)]


def drops() -> dict[str, int]:
    counted = DropCount.objects.exclude(reason="gap")
    return dict(counted.values_list("reason", "count"))


def test_a_sketch_is_kept_with_its_cell(boxes: list[Box]) -> None:
    assert end_day(boxes[0]).answer.code is Code.ACCEPTED
    kept = Sketch.objects.get()
    assert (kept.day, kept.key, kept.shop_id) == (DAY, TOWN_KEY, boxes[0].sensor.shop_id)
    assert bytes(kept.bits) == sketch().bits
    assert END < kept.expires_at <= END + keeping.SKETCHES
    entry = BudgetEntry.objects.get(row="E5")
    assert (entry.releases, str(entry.epsilon), entry.limit) == (1, "2.0000", 2)


def test_a_town_is_estimated_when_the_last_has_ended_its_day(boxes: list[Box]) -> None:
    for number, box in enumerate(boxes[:2]):
        end_day(box, sketch=sketch(seed=number))
    assert close_due(END) == 0, "one is missing"
    end_day(boxes[2], sketch=None)  # it had no key that day
    assert close_due(END - timedelta(seconds=1)) == 0, "the day is not over"
    assert close_due(END) == 1
    flows = FlowDay.objects.get()
    assert (flows.day, flows.sensors, flows.sensors_expected) == (DAY, 2, 3)
    assert flows.shop_ids == [box.sensor.shop_id for box in boxes[:2]]
    assert kernel.unpack(bytes(flows.estimates)).shops.tolist() == flows.shop_ids
    assert not Sketch.objects.exists()
    assert close_due(END + WAIT) == 0
    assert drops() == {}


def test_who_is_silent_is_waited_for_twenty_hours(boxes: list[Box]) -> None:
    end_day(boxes[0])
    assert close_due(END + WAIT - timedelta(seconds=1)) == 0
    assert close_due(END + WAIT) == 1
    assert (FlowDay.objects.get().sensors, FlowDay.objects.get().sensors_expected) == (1, 3)


def test_a_day_is_drawn_once_and_late_sketches_are_left_out(boxes: list[Box]) -> None:
    end_day(boxes[0])
    close_due(END + WAIT)
    before = FlowDay.objects.values().get()
    receipt = end_day(boxes[1], END + WAIT)
    assert receipt.answer.code is Code.ACCEPTED
    assert receipt.answer.message.endswith("Its sketch was left out: sketch-late.")
    assert Cell.objects.filter(sensor=boxes[1].sensor).exists(), "its cell is stored"
    assert not Sketch.objects.exists()
    assert close_due(END + WAIT + timedelta(hours=1)) == 0
    assert FlowDay.objects.values().get() == before
    assert drops() == {"sketch-late": 1}


def test_a_sketch_that_slipped_in_behind_the_estimate_is_dropped(boxes: list[Box]) -> None:
    end_day(boxes[0])
    FlowDay.objects.create(association_id=Shop.objects.get(
        pk=boxes[0].sensor.shop_id).association_id, day=DAY, shop_ids=[], estimates=b"",
        sensors=0, sensors_expected=3)  # fmt: skip
    assert close_due(END + WAIT) == 0
    assert not Sketch.objects.exists()
    assert drops() == {"sketch-late": 1}


@pytest.mark.parametrize("late", [timedelta(hours=24), timedelta(days=20)])
def test_a_day_old_sketch_is_never_stored(boxes: list[Box], late: timedelta) -> None:
    assert end_day(boxes[0], END + late).answer.code is Code.ACCEPTED
    assert not Sketch.objects.exists()
    assert not BudgetEntry.objects.filter(row="E5").exists()
    assert drops() == {"sketch-late": 1}


def test_no_fault_keeps_a_sketch_for_longer_than_a_day(
    boxes: list[Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_sketches: object) -> None:
        raise ArithmeticError("no estimate")

    monkeypatch.setattr(kernel, "close_day", fail)
    end_day(boxes[0])
    assert close_due(END + WAIT) == 0
    assert Sketch.objects.exists(), "it is tried again"
    late = END + keeping.SKETCHES - timedelta(minutes=2)
    assert close_due(late) == 0
    assert not Sketch.objects.exists()
    assert not FlowDay.objects.exists()
    assert drops() == {"sketch-unestimated": 1}


def test_sketches_go_even_where_no_worker_runs(boxes: list[Box]) -> None:
    end_day(boxes[0])
    boxes[1].send(boxes[1].summary(200), at=END + keeping.SKETCHES)
    assert not Sketch.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [{"bits": bytes(1024)}, {"symbols": b""}, {"epsilon": "1.9"}, {"epsilon": "4"}],
    ids=["fewer bits", "no symbols", "less epsilon", "more epsilon"],
)
def test_another_mechanism_is_left_out(boxes: list[Box], changes: dict[str, Any]) -> None:
    assert end_day(boxes[0], sketch=sketch(**changes)).answer.code is Code.ACCEPTED
    assert not Sketch.objects.exists()
    assert drops() == {"sketch-foreign-mechanism": 1}


def test_a_second_sketch_of_a_day_is_left_out(boxes: list[Box]) -> None:
    end_day(boxes[0])
    again = boxes[0].summary(61, start=LAST_CELL - timedelta(minutes=15), sketch=sketch(seed=2))
    assert boxes[0].send(again, at=END).answer.code is Code.ACCEPTED
    assert bytes(Sketch.objects.get().bits) == sketch().bits
    assert drops() == {"sketch-repeated": 1}


def test_sketches_under_the_key_of_most_shops_count(boxes: list[Box]) -> None:
    for number, key in enumerate((OTHER_KEY, TOWN_KEY, TOWN_KEY)):
        end_day(boxes[number], sketch=sketch(key, number))
    assert close_due(END) == 1
    assert FlowDay.objects.get().shop_ids == [box.sensor.shop_id for box in boxes[1:]]
    assert drops() == {"sketch-other-key": 1}


def test_of_two_sensors_in_a_shop_the_one_that_counted_longer_counts(
    boxes: list[Box], make_box: Callable[..., Box]
) -> None:
    second = make_box(Shop.objects.get(pk=boxes[0].sensor.shop_id))
    end_day(second, sketch=sketch(since=datetime(2026, 3, 14, 3, tzinfo=UTC)))
    end_day(boxes[0], sketch=sketch(since=datetime(2026, 3, 14, 9, tzinfo=UTC)))
    close_due(END + WAIT)
    assert FlowDay.objects.get().shop_ids == [second.sensor.shop_id]
    assert list(DropCount.objects.filter(reason="sketch-repeated").values_list("sensor")) == [
        (boxes[0].sensor.pk,)
    ]


def test_what_is_passed_to_the_estimate(boxes: list[Box], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    close_day = kernel.close_day
    monkeypatch.setattr(kernel, "close_day", lambda s: seen.append(s) or close_day(s))
    shop = Shop.objects.get(pk=boxes[1].sensor.shop_id)
    OpeningHours.objects.create(shop=shop, weekday=5, opens=time(9), closes=time(19))
    end_day(boxes[1], sketch=sketch(since=datetime(2026, 3, 14, 13, tzinfo=UTC)))
    end_day(boxes[0], sketch=sketch(seed=2))
    covisits.close_due(END + WAIT)
    assert seen[0].shops.tolist() == [boxes[0].sensor.shop_id, shop.pk]
    assert seen[0].counted.tolist() == [1.0, 0.5]
    assert seen[0].bits[1].tobytes() == sketch().bits
    assert (seen[0].epsilon, seen[0].excluded) == (2.0, 0.0)


PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("opening", "since_hour", "share"),
    [
        ((Opening(time(9), time(12)), Opening(time(14), time(19))), 10, 7 / 8),
        ((Opening(time(9), time(12)), Opening(time(14), time(19))), 13, 5 / 8),
        ((Opening(time(22), time(2)),), 23, 3 / 4),
        ((Opening(time(9), time(12)),), 13, 0.0),
        ((), 16, 1 / 2),
    ],
)
def test_the_share_of_a_days_opening_that_was_counted(
    opening: tuple[Opening, ...], since_hour: int, share: float
) -> None:
    since = datetime(2026, 3, 14, since_hour, tzinfo=PARIS)
    assert counted_share(DAY, opening, since, PARIS) == pytest.approx(share)
