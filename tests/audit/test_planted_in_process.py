"""Faults planted into the shipped code by replacing one function: each check's step must see it.

Small runs; the sure limits of the statistics make a false alarm rarer than one in a million.
"""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from chaland.audit import covisits, doors, noise, objection_filter, presence, receive
from chaland.audit.bench import Bench
from chaland.audit.report import Outcome
from chaland.sensor import pipeline
from chaland.sensor.presence import cells, visits, windows
from chaland.sensor.privacy import sketch
from chaland.sensor.privacy.objection import NetworkName, ObjectionFilter
from chaland.sensor.privacy.random_bits import SeededBits
from chaland.sensor.privacy.response import respond
from chaland.sensor.privacy.town_key import TownKey
from chaland.wire.summary import Mode

Step = Callable[[Outcome], object]
QUICK = Bench(Path("unused"), quick=True)


def found(step: Step) -> str:
    outcome = Outcome()
    step(outcome)
    return "\n".join(outcome.findings)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few runs: enough for gross faults."""
    for name, runs in (("RUNS", 60_000), ("DWELL_RUNS", 15_000), ("RANDOM_STREAMS", 2)):
        monkeypatch.setattr(noise, name, runs)
    monkeypatch.setattr(covisits, "ROUNDS", 200)


def dwell(outcome: Outcome) -> None:
    noise._dwell(QUICK, outcome)


def counts(outcome: Outcome) -> None:
    noise._counts(QUICK, outcome, Mode.STRICT)


def sketches(outcome: Outcome) -> None:
    covisits.judge(QUICK, outcome)


def test_each_step_passes_on_the_product(small: None) -> None:
    for step in (dwell, counts, sketches, presence._one_stays, objection_filter._limit):
        assert found(step) == ""


def test_noise_of_half_the_scale(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = cells.draw
    monkeypatch.setattr(cells, "draw", lambda scale, bits: draw(scale / 2, bits))
    assert "dwell bins loses" in found(dwell)


def test_noise_of_the_right_loss_but_another_shape(
    small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = cells.draw
    monkeypatch.setattr(cells, "draw", lambda scale, bits: draw(scale * Fraction(3, 2), bits))
    assert "is no discrete Laplace" in found(dwell)


def test_a_release_that_is_never_below_nothing(
    small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    noised = cells.Noise._noised
    monkeypatch.setattr(
        cells.Noise, "_noised", lambda self, how, exact: max(0, noised(self, how, exact))
    )
    assert "is no discrete Laplace" in found(counts)


def test_a_fixed_seed(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = pipeline.Pipeline._prepare

    def seeded(self: Any, config: Any, source: Any, bits: Any, *rest: Any) -> None:
        prepare(self, config, source, SeededBits(1), *rest)

    monkeypatch.setattr(pipeline.Pipeline, "_prepare", seeded)
    assert "the noise repeats itself" in found(counts)


def test_one_draw_for_two_counts(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    draw, kept = cells.draw, []

    def often(scale: Fraction, bits: Any) -> int:
        if len(kept) % 2 == 0:
            kept.append(draw(scale, bits))
            return int(kept[-1])
        return int(kept.pop())

    monkeypatch.setattr(cells, "draw", often)
    assert "is correlated" in found(counts)


def test_every_probe_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "RANDOM_STREAMS", 0)
    monkeypatch.setattr(windows.WindowTable, "_row", lambda self: -1)
    assert "moves scans of a cell by" in found(noise._bounds)


def test_every_return_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A life that arrives with each sighting."""
    monkeypatch.setattr(noise, "RANDOM_STREAMS", 0)
    come = visits.VisitTable._come_inside

    def again(self: Any, row: int, now_us: int) -> None:
        self._arrived[row] = 0
        come(self, row, now_us)

    monkeypatch.setattr(visits.VisitTable, "_come_inside", again)
    assert "moves arrivals and passers-by by" in found(noise._bounds)


def test_a_stay_of_eight_hours_that_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_new(self: Any, row: int, now_us: int) -> None:
        self._born_us[row] = now_us
        self._first_inside_us[row] = self._last_inside_us[row] = self._arrived[row] = 0

    monkeypatch.setattr(visits.VisitTable, "_renew", as_new)
    assert "adds dwell" in found(presence._one_stays)


@pytest.mark.parametrize("how", ["half the flips", "none"])
def test_a_sketch_that_tells_too_much(
    small: None, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def careless(true: int, symbols: int, epsilon: Fraction, bits: Any) -> int:
        return true if how == "none" else respond(true, symbols, epsilon * 4 / 3, bits)

    monkeypatch.setattr(sketch, "respond", careless)
    assert "a bit, released sketch loses" in found(sketches)


def test_a_key_of_the_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TownKey, "offered", property(lambda self: "00" * 8))
    assert "keys of the day repeat" in found(covisits._key_is_drawn)


def test_passers_by_in_the_sketch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is followable enters it, arrived or not."""
    count = pipeline.Pipeline._count

    def and_visit(self: Any) -> Any:
        self._sketch.visit(self._frame + self._observation.address_at, self._clock.now_us)
        return count(self)

    monkeypatch.setattr(pipeline.Pipeline, "_count", and_visit)
    assert "only passes is in the sketch" in found(covisits._no_more_than_one_place)


def test_an_objection_that_strict_mode_ignores(monkeypatch: pytest.MonkeyPatch) -> None:
    named = NetworkName.is_named_by
    monkeypatch.setattr(
        NetworkName, "is_named_by", lambda self, buffer, seen: named(self, buffer, seen) and
        seen.kind.name != "ASSOCIATION_REQUEST")  # fmt: skip

    def joins(outcome: Outcome) -> None:
        presence._identical(outcome, Mode.STRICT, False, False, 0.0)

    assert "a device that joins the objection network changes the output" in found(joins)


def test_objections_without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    add = ObjectionFilter.add

    def unlimited(self: Any, address: Any) -> bool:
        self._new_in_window = self._new_in_day = 0
        return bool(add(self, address))

    monkeypatch.setattr(ObjectionFilter, "add", unlimited)
    assert "fill the filter" in found(objection_filter._limit)


def test_a_decoder_that_reads_more(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = pipeline.decode

    def reads_receiver(buffer: Any, start: int, end: int, *rest: Any) -> Any:
        drop = decode(buffer, start, end, *rest)
        return drop if drop or buffer[start + 20] < 250 else pipeline.Drop.KIND_UNUSED

    monkeypatch.setattr(pipeline, "decode", reads_receiver)
    assert "need not be read change what is counted" in found(receive._poison)


def test_a_door_that_shows_small_hours() -> None:
    facts = {"door-0": {"2026-01-01 9": {"people": 0.5}}}
    table = "figure,from,hour,value\nhour,2026-01-01,9,3\n"
    door = {"place": "", "csv": table, "heat": [], "hours": [], "chart": []}
    outcome = Outcome()
    doors._hidden(outcome, {"facts": facts, "doors": [door]}, [doors._hours(door)])
    assert "an hour with 3 visits is shown" in outcome.findings[0]
