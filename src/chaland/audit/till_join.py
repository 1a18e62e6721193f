"""F13's join: a till's receipts with their times on one side, footfall's releases on the other.

The attacker holds all of loyalty (whose receipt, which shop, which second) and all that the shops'
sensors release, and knows everything about all other phones. He asks two things: was this member's
phone in the shop when the receipt was printed? And: are two receipts of one phone? For both he has
the likelihood ratio, which no other test beats (Neyman and Pearson 1933); what he may reach is what
the same test reaches against noise exactly as promised, and what epsilon allows.
"""

import os
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from math import exp

import numpy as np
from numpy.typing import NDArray

from chaland.audit import noise, statistics, streams
from chaland.audit.covisits import places_of
from chaland.audit.promises import PROMISED, PROMISED_DWELL, SKETCH_EPSILON
from chaland.audit.radio import data, probe
from chaland.audit.report import FALSE_ALARM, Outcome
from chaland.audit.streams import START_US, VICTIM, Frames
from chaland.audit.town import BrokenFinal
from chaland.sensor.presence.cells import ExactCell
from chaland.sensor.privacy.keys import Key, pointer_to
from chaland.sensor.privacy.random_bits import OperatingSystemBits
from chaland.sensor.privacy.sketch import Sketch
from chaland.sensor.privacy.town_key import TownKey
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.periods import CELL_S, day_bounds
from chaland.wire.summary import CellCounts, Mode

RUNS, PAIRS = 20_000, 200
_FAIR_RUNS, _FAIR_PAIRS = 400_000, 4_000
_CHANCE = FALSE_ALARM / 8 / 8
"""Of each limit here; there are eight."""
_RECEIPT_S = 5400 + 700
"""After the beginning of the air: 11 min 40 s after a quarter of an hour."""
_MODE = Mode.DEFAULT
_EPSILON = float(SKETCH_EPSILON)
_OTHERS = 30
_DAY = date(2023, 11, 15)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Guessed:
    """How often the attacker is right (0.5: he guesses): seen, surely at least, and allowed."""

    success: float
    surely: float
    fair: float
    """The same test against noise exactly as promised, its upper limit."""
    allowed: float
    """By epsilon: e^eps / (1 + e^eps)."""


def judge(outcome: Outcome, runs: int, pairs: int) -> None:
    """Carry out both, and require that no more is told than was promised."""
    found = {
        "a member's phone at the receipt's time": presence(runs),
        "two receipts of one phone": linking(pairs),
    }
    for name, guessed in found.items():
        outcome.measure(f"{name}: told right", guessed.success, "0.5 is a guess")
        outcome.measure(f"{name}: surely at least", guessed.surely, f"<= {guessed.fair:.4f}")
        outcome.measure(f"{name}: what epsilon allows", guessed.allowed)
        limit = min(guessed.fair, guessed.allowed)
        outcome.require(
            guessed.surely <= limit,
            f"{name}: told right in {guessed.surely:.3f} of cases at least, not {limit:.3f}",
        )


# Was the phone there? --------------------------------------------------------------------------


@cache
def presence(runs: int) -> Guessed:
    """Guess from the quarter hours around a receipt, and the day's dwell, ``runs`` times each."""
    absent, present = _worlds()
    ratios = [_ratio(world, absent, present, runs) for world in (present, absent)]
    losses = [
        float(epsilon) * min(1.0, abs(b - a) / bound)
        for one, other in zip(absent, present, strict=True)
        for (_, bound, epsilon, a), (_, _, _, b) in zip(_counts(one), _counts(other), strict=True)
    ]
    return _guessed(ratios, _fair_presence(), sum(losses))


@cache
def _worlds() -> tuple[list[ExactCell], list[ExactCell]]:
    """Return the cells without the member's phone, and with it."""
    others = streams.quiet() + streams.crowd(40, 13)
    return _around(others, there=False), _around(others + _purchase(), there=True)


@cache
def _fair_presence() -> float:
    absent, present = _worlds()
    random = np.random.default_rng(13)  # of the yardstick; what is judged has the shipped noise
    fair = [_fair_ratio(world, absent, present, random) for world in (present, absent)]
    return _right(fair)[2]


def _purchase() -> Frames:
    """A phone that shows what it can: it is near for the whole quarter hour, and no longer."""
    begin_s = _RECEIPT_S - _RECEIPT_S % CELL_S
    frames: Frames = []
    for at_s in range(begin_s, begin_s + CELL_S, 15):
        frames += [(at_s + 0.5, data(VICTIM)), (at_s + 4.5, probe(VICTIM))]
    return frames


def _around(frames: Frames, *, there: bool) -> list[ExactCell]:
    """Return the exact cells of the hour around the receipt, and one that ends the day."""
    at = datetime.fromtimestamp(START_US // 10**6 + _RECEIPT_S, UTC)
    cells = [cell for cell in streams.exact(frames) if abs(cell.start - at) <= timedelta(hours=1)]
    stays = (3, 1, 4 + there, 1, 5, 9)
    return [*cells[:-1], replace(cells[-1], dwell_day=_DAY, dwell=stays)]


def _counts(cell: ExactCell) -> list[tuple[str, int, str, int]]:
    """Return each released count of a cell: name, bound, epsilon, exact value."""
    rows = [(name, *how, getattr(cell, name)) for name, how in PROMISED[_MODE].items()]
    return rows + [(f"dwell {i}", *PROMISED_DWELL, stays) for i, stays in enumerate(cell.dwell)]


def _ratio(
    world: list[ExactCell], absent: list[ExactCell], present: list[ExactCell], runs: int
) -> Floats:
    """Release the cells of one world with the shipped noise; return the log likelihood ratios."""
    ratio = np.zeros(runs)
    for cell, one, other in zip(world, absent, present, strict=True):
        pairs = list(zip(_counts(one), _counts(other), strict=True))
        if all(a == b for a, b in pairs):
            continue
        rows = [_released(release) for release in noise.releases(_MODE, cell, runs)]
        for drawn, (a, b) in zip(np.array(rows, np.float64).T, pairs, strict=True):
            ratio += _log_ratio(drawn, a, b)  # nothing where the phone moved nothing
    return ratio


def _released(release: CellCounts) -> list[int]:
    dwell = release.dwell.counts if release.dwell else ()
    return [*(release.counts[name].value for name in PROMISED[_MODE]), *dwell]


def _log_ratio(
    drawn: Floats, one: tuple[str, int, str, int], other: tuple[str, int, str, int]
) -> Floats:
    """Log of P(drawn | phone there) / P(drawn | not), under the promised noise."""
    _, bound, epsilon, a = one
    ratio: Floats = (np.abs(drawn - a) - np.abs(drawn - other[3])) * float(epsilon) / bound
    return ratio


def _fair_ratio(
    world: list[ExactCell],
    absent: list[ExactCell],
    present: list[ExactCell],
    random: np.random.Generator,
) -> Floats:
    """The same, with noise drawn here: the difference of two geometric variables."""
    ratio = np.zeros(_FAIR_RUNS)
    for cell, one, other in zip(world, absent, present, strict=True):
        for row, a, b in zip(_counts(cell), _counts(one), _counts(other), strict=True):
            if a == b:
                continue
            p = 1 - exp(-float(row[2]) / row[1])
            two = random.geometric(p, (2, _FAIR_RUNS))
            ratio += _log_ratio(row[3] + (two[0] - two[1]).astype(np.float64), a, b)
    return ratio


# Are two receipts of one phone? ----------------------------------------------------------------


@cache
def linking(pairs: int) -> Guessed:
    """Two receipts of one day, in two shops: the same phone, or two? ``pairs`` times each.

    All counts have the same distribution in both cases. What might tell is the sketches; for these
    the attacker is given the key of the day, which nobody outside a sensor has, and so all others'
    places. Over two days keys and noise are new, and nothing is shared (F4).
    """
    ratios = [np.array([_linked(same) for _ in range(pairs)]) for same in (True, False)]
    loss = 2 * _EPSILON  # one phone more or less in each of two sketches
    return _guessed(ratios, _fair_linking(), loss)


@cache
def _fair_linking() -> float:
    random = np.random.default_rng(13)
    fair = [
        np.array([_fair_linked(same, random) for _ in range(_FAIR_PAIRS)]) for same in (True, False)
    ]
    return _right(fair)[2]


def _linked(same: bool) -> float:
    """Let two shops' sketches hear others and one phone each; return the log likelihood ratio."""
    begin, end = (int(at.timestamp()) * 10**6 for at in day_bounds(_DAY, streams.ZONE))
    town_key = TownKey()
    town_key.adopt()
    key = _read(town_key)
    sketches = [
        Sketch(DEFAULT_MECHANISM.sketch, OperatingSystemBits(), town_key, _DAY, streams.ZONE)
        for _ in range(2)
    ]
    for sketch in sketches:
        sketch.notice(begin)
    phone = _address()
    weights = []
    for sketch, one in zip(sketches, (phone, phone if same else _address()), strict=True):
        others = [_address() for _ in range(_OTHERS)]
        for address in (*others, one):
            sketch.visit(pointer_to(bytearray(address)), begin + 6 * 3600 * 10**6)
        final = sketch.release(_DAY, end - CELL_S * 10**6)
        if final is None:
            raise BrokenFinal("the sketch of a day with a key was not released")
        state = np.frombuffer(final.bits + final.symbols, np.uint8)
        weights.append(_weights(state, places_of(others, key)))
    return _agreement(*weights)


def _address() -> bytes:
    return bytes([0x5C]) + os.urandom(5)


def _read(town_key: TownKey) -> bytes:
    spare = Key()
    town_key.copy_to(spare)
    key = bytes(spare._page[:32])
    spare.zero()
    return key


def _weights(state: NDArray[np.uint8], known: list[int]) -> Floats:
    """How much likelier each place's answer is if the unknown phone is there (before 14:00)."""
    weights = np.where(state == 1, exp(_EPSILON), np.where(state == 0, exp(-_EPSILON), 1.0))
    weights[known] = 1.0  # somebody else is there: its answer says nothing
    return weights


def _agreement(one: Floats, other: Floats) -> float:
    """Log of P(both sketches | one phone) / P(both | two), over all places of phones unknown."""
    return float(np.log(np.mean(one * other)) - np.log(np.mean(one) * np.mean(other)))


def _fair_linked(same: bool, random: np.random.Generator) -> float:
    """The same with answers drawn here, as k-randomised response is promised to draw them."""
    mechanism = DEFAULT_MECHANISM.sketch
    places = random.integers(0, mechanism.places, (2, _OTHERS + 1))
    if same:
        places[1, -1] = places[0, -1]
    weights = []
    for shop in range(2):
        state = np.empty(mechanism.places, np.uint8)
        for part, symbols in ((slice(0, mechanism.bits), 2), (slice(mechanism.bits, None), 3)):
            honest = exp(_EPSILON) / (exp(_EPSILON) + symbols - 1)
            truth = np.zeros(mechanism.places, np.uint8)
            truth[places[shop]] = 1
            shift = random.integers(1, symbols, mechanism.places)
            lies = random.random(mechanism.places) > honest
            state[part] = np.where(lies, (truth + shift) % symbols, truth)[part]
        weights.append(_weights(state, places[shop, :-1].tolist()))
    return _agreement(*weights)


# The verdict -----------------------------------------------------------------------------------


def _guessed(ratios: list[Floats], fair: float, loss: float) -> Guessed:
    """Return how often the sign of the log likelihood ratio is right; a tie is half right."""
    seen, low, _ = _right(ratios)
    return Guessed(seen, low, fair, exp(loss) / (1 + exp(loss)))


def _right(ratios: list[Floats]) -> tuple[float, float, float]:
    """Share told right of both cases together, and its limits (Chernoff, Hoeffding 1963)."""
    share, low, high = 0.0, 0.0, 0.0
    for ratio, sign in zip(ratios, (1, -1), strict=True):
        hits = float((ratio * sign > 0).sum() + (ratio == 0).sum() / 2)
        ends = statistics.limits(np.array([hits]), ratio.size, _CHANCE)
        share, low, high = (
            total + float(part) / 2
            for total, part in ((share, hits / ratio.size), (low, ends[0][0]), (high, ends[1][0]))
        )
    return share, low, high
