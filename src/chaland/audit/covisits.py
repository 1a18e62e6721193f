"""F6 for the co-visit sketch (row E5): what one place of it tells whoever holds the day's key.

Sketches of the shipped code, drawn under fresh keys and visited by known addresses; the attacker
knows the key, so knows every place. He looks at a snapshot in the middle of the day, or at what was
released, and asks of each address: was it there?
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from math import exp, log
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from chaland.audit import statistics, streams
from chaland.audit.bench import Bench
from chaland.audit.promises import SKETCH_EPSILON
from chaland.audit.radio import data
from chaland.audit.report import FALSE_ALARM, Outcome
from chaland.audit.streams import Air, Frames
from chaland.sensor.capture import Record
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.privacy.keys import Key, pointer_to
from chaland.sensor.privacy.random_bits import OperatingSystemBits
from chaland.sensor.privacy.sketch import Sketch
from chaland.sensor.privacy.town_key import TownKey
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.periods import CELL_S, day_bounds

ROUNDS = 1_000
VISITORS = 420
_CHANCE = FALSE_ALARM / 4 / 60
_ZONE = ZoneInfo("Europe/Paris")
_DAY = date(2023, 11, 15)
_US = 10**6

Counts = NDArray[np.int64]


@dataclass
class Tally:
    """How often each symbol was seen, (truth, symbol): truth 0 nobody, 1 before, 2 after 14:00."""

    bits: Counts = field(default_factory=lambda: np.zeros((2, 2), np.int64))
    symbols: Counts = field(default_factory=lambda: np.zeros((3, 3), np.int64))


def judge(bench: Bench, outcome: Outcome) -> None:
    """Attack sketch, snapshot, and the pipeline that fills it."""
    epsilon = float(SKETCH_EPSILON)
    mechanism = DEFAULT_MECHANISM.sketch
    outcome.require(mechanism.epsilon == SKETCH_EPSILON, f"the sketch's eps is {mechanism.epsilon}")
    snapshots, released = Tally(), Tally()
    states = [look(snapshots, released) for _ in range(bench.runs(ROUNDS))]
    for name, tally in (("snapshot in mid-day", snapshots), ("released sketch", released)):
        judge_tally(outcome, name, tally, epsilon)
    _independent(outcome, states)
    _no_more_than_one_place(outcome)
    _key_is_drawn(outcome)


# Sketches under known truth --------------------------------------------------------------------


def places_of(addresses: list[bytes], key: bytes) -> list[int]:
    """Return each address's place under the key of the day, as the attacker computes it."""
    places = DEFAULT_MECHANISM.sketch.places
    digests = (hashlib.blake2b(each, digest_size=8, key=key).digest() for each in addresses)
    return [int.from_bytes(digest, "little") % places for digest in digests]


def look(snapshots: Tally, released: Tally) -> NDArray[np.uint8]:
    """Draw one sketch, let people visit (some twice), look twice; return what was released."""
    mechanism = DEFAULT_MECHANISM.sketch
    town_key = TownKey()
    town_key.adopt()
    sketch = Sketch(mechanism, OperatingSystemBits(), town_key, _DAY, _ZONE)
    begin, end = (int(at.timestamp()) for at in day_bounds(_DAY, _ZONE))
    sketch.notice(begin * _US)
    spare = Key()
    town_key.copy_to(spare)
    key = bytes(spare._page[:32])
    spare.zero()
    addresses = [os.urandom(6) for _ in range(VISITORS)]
    truth = np.zeros(mechanism.places, np.uint8)
    places = places_of(addresses, key)
    noon, evening = begin + 6 * 3600, begin + 14 * 3600
    for address, place in zip(addresses, places, strict=True):
        sketch.visit(pointer_to(bytearray(address)), noon * _US)
        truth[place] = 1
    count(snapshots, truth, sketch._state)
    for address, place in zip(addresses[::3], places[::3], strict=True):
        sketch.visit(pointer_to(bytearray(address)), evening * _US)
        truth[place] = 2
    # An address on a shared place decides by the last visit; the attacker's truth follows.
    final = sketch.release(_DAY, (end - CELL_S) * _US)
    town_key.zero()
    if final is None:
        raise RuntimeError("the sketch of a day with a key was not released")
    state = np.frombuffer(final.bits + final.symbols, np.uint8)
    count(released, truth, state)
    return state


def count(tally: Tally, truth: NDArray[np.uint8], state: NDArray[np.uint8]) -> None:
    """Enter every place of a sketch: what is true of it (0, 1, 2), and what it says."""
    size = DEFAULT_MECHANISM.sketch.bits
    np.add.at(tally.bits, (np.minimum(truth[:size], 1), state[:size]), 1)
    np.add.at(tally.symbols, (truth[size:], state[size:]), 1)


# Judging ---------------------------------------------------------------------------------------


def judge_tally(outcome: Outcome, name: str, tally: Tally, epsilon: float) -> None:
    """Judge what bits and symbols tell of the truth, and the best guess by it."""
    _within(outcome, f"a bit, {name}", tally.bits, epsilon, 2)
    _within(outcome, f"a symbol, {name}", tally.symbols, epsilon, 3)
    _membership(outcome, name, tally, epsilon)


def _within(outcome: Outcome, name: str, seen: Counts, epsilon: float, symbols: int) -> None:
    """Every answer is at most e^epsilon likelier under one truth than under another; and no less
    deniable than that says: the truth is told with e^eps / (e^eps + k - 1)."""
    seen = seen[seen.sum(axis=1) > 0]  # at noon nobody has come in the afternoon
    runs = seen.sum(axis=1)
    share = seen / runs[:, None]
    ends = [
        statistics.limits(row.astype(np.float64), int(row.sum()), _CHANCE)  # of each truth
        for row in seen
    ]
    low, high = (np.stack(each) for each in zip(*ends, strict=True))
    sure = float(np.log(np.maximum(low.max(axis=0), 1e-12) / high.min(axis=0)).max())
    likely = float(np.log(share.max(axis=0) / np.maximum(share.min(axis=0), 1e-12)).max())
    outcome.measure(f"privacy loss, {name}: most likely", round(likely, 3))
    outcome.measure(f"privacy loss, {name}: surely at least", round(sure, 3), f"<= {epsilon}")
    outcome.require(sure <= epsilon, f"{name} loses {sure:.3f} at least, not {epsilon}")
    honest = exp(epsilon) / (exp(epsilon) + symbols - 1)
    told = [
        truth for truth in range(runs.size) if not low[truth, truth] <= honest <= high[truth, truth]
    ]
    outcome.require(not told, f"{name} tells the truth with another probability than {honest:.3f}")


def _independent(outcome: Outcome, states: list[NDArray[np.uint8]]) -> None:
    """Two sketches never share their coins: nobody's places agree as often as chance has it."""
    table = np.stack(states[: 2 * (len(states) // 2)]).astype(np.float64)
    worst = statistics.deviate(_CHANCE)
    flat = table[:, : DEFAULT_MECHANISM.sketch.bits]
    mean = flat.mean()
    for name, one, other in (
        ("successive sketches", flat[1:], flat[:-1]),
        ("neighbouring places", flat[:, 1:], flat[:, :-1]),
    ):
        product = (one - mean) * (other - mean)
        off = abs(float(product.sum())) / float(np.sqrt((product**2).sum()))
        outcome.require(off <= 2 * worst, f"the noise of {name} is correlated")
    outcome.require(
        not any(np.array_equal(a, b) for a, b in pairwise(states)),
        "two sketches are the same: the coins repeat themselves",
    )


def _membership(outcome: Outcome, name: str, seen: Tally, epsilon: float) -> None:
    """The best guess of a holder of the day's key, from one released place."""
    runs = seen.bits.sum(axis=1)
    advantage = float(seen.bits[1, 1] / runs[1] - seen.bits[0, 1] / runs[0])
    bound = (exp(epsilon) - 1) / (exp(epsilon) + 1)
    slack = 2 * float(np.sqrt(log(1 / _CHANCE) / 2 / runs.min()))
    outcome.measure(
        f"advantage of a membership guess with the key, {name}", advantage, f"<= {bound:.4f}"
    )
    outcome.require(advantage <= bound + slack, f"membership is guessed with {advantage:.3f}")


# The pipeline that fills it --------------------------------------------------------------------


class _Watched(Air):
    """Air during which somebody takes a snapshot after every frame."""

    look: Callable[[], None]

    def __iter__(self) -> Iterator[Record]:
        for record in super().__iter__():
            yield record
            self.look()


def _no_more_than_one_place(outcome: Outcome) -> None:
    """Whatever one phone does, its visits are in one place; who never arrives is in none."""
    for name, make in streams.SHAPES.items():
        places = _redrawn(make())
        outcome.require(len(places) <= 1, f"a phone that {name} is in {len(places)} places")
        if name == "passes":
            outcome.require(not places, "a phone that only passes is in the sketch")
    stays = [(1000.0 + 30 * i, data(streams.VICTIM)) for i in range(20)]
    there = any(_redrawn(stays) for _ in range(30))
    outcome.require(there, "a phone that visits is not in the sketch at all")


def _redrawn(victim: Frames) -> set[int]:
    """Return the places that changed while a phone was about."""
    town_key = TownKey()
    town_key.adopt()
    config = PipelineConfig(_ZONE, recorded=True, day=_DAY)
    air = _Watched(sorted(streams.quiet() + victim, key=lambda each: each[0]))
    pipeline = Pipeline(config, air, town_key=town_key)
    sketch, changed = pipeline._sketch, set[int]()
    before = sketch._state.copy()
    held = ""

    def look() -> None:
        nonlocal held
        if sketch._held and sketch._held == held:
            changed.update(np.flatnonzero(sketch._state != before).tolist())
        held = sketch._held
        before[:] = sketch._state

    air.look = look
    for _ in pipeline.exact_cells():
        pass
    town_key.zero()
    return changed


def _key_is_drawn(outcome: Outcome) -> None:
    """The key of the day is random: two of one day have different names."""
    names = {TownKey().offered for _ in range(20)}
    outcome.require(len(names) == 20, "keys of the day repeat themselves")
