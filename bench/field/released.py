"""The Brno room as its sensor would have released it, calibrated and judged day by day."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from bench.field.brno import Ints, Room
from bench.field.scores import Floats, Score, score
from chaland.hub.footfall import estimates, rules
from chaland.hub.footfall.estimates.noise import Bools
from chaland.sensor.privacy import SeededBits, draw_many

BOUND = 3
DRAWS = 20


@dataclass(frozen=True)
class Draw:
    """One draw of the noise: errors of the held-out estimates, and how many intervals held."""

    score: Score
    hour_mae: float
    cells_held: float
    hours_held: float


def released(
    room: Room, epsilons: Mapping[str, Fraction], seed: int
) -> tuple[dict[str, Floats], dict[str, float]]:
    """Add the sensor's own noise to the exact counts; return counts and the noise's scales."""
    bits = SeededBits(seed)
    scales = {name: BOUND / epsilon for name, epsilon in epsilons.items()}
    counts = {
        name: room.counts[name] + draw_many(scale, len(room.truth), bits)
        for name, scale in scales.items()
    }
    return counts, {name: float(scale) for name, scale in scales.items()}


def as_released(room: Room, epsilons: Mapping[str, Fraction], draws: int = DRAWS) -> list[Draw]:
    """Calibrate on released counts and judge the estimates made without their own day."""
    return [judged(room, *released(room, epsilons, seed)) for seed in range(draws)]


def judged(room: Room, counts: Mapping[str, Floats], scales: Mapping[str, float]) -> Draw:
    """Judge one release of the room's counts."""
    made = estimates.fit(counts, room.windows, scales, room.truth, room.day)
    _, variance = estimates.occupancy(
        counts, room.windows, scales, made.coefficients, made.residual_sd
    )
    guess, true = hour_means(room, made.held_out), hour_means(room, room.truth)
    own = np.maximum(variance - (made.day_error * made.held_out) ** 2, 0.0)
    spread = hour_means(room, own).mean / true.cells + (made.day_error * guess.mean) ** 2
    held = _held(guess.mean, spread, made.scale_error, true.mean)[true.cells == 4]
    return Draw(
        score(made.held_out, room.truth),
        float(np.abs(guess.mean - true.mean)[true.cells == 4].mean()),
        float(_held(made.held_out, variance, made.scale_error, room.truth).mean()),
        float(held.mean()),
    )


def _held(value: Floats, variance: Floats, scale_error: float, truth: Floats) -> Bools:
    """Tell whose truth lies within the interval."""
    ends = [
        rules.estimate(*each)
        for each in zip(value, variance, (scale_error * value) ** 2, strict=True)
    ]
    low, high = np.array([(end.low, end.high) for end in ends]).T
    return np.asarray((low <= truth) & (truth <= high))


@dataclass(frozen=True)
class Hours:
    """One entry a clock hour: the mean of its observed cells, and how many they are."""

    mean: Floats
    cells: Ints


def hour_means(room: Room, people: Floats) -> Hours:
    """Average people over clock hours; cells that are NaN are left out."""
    seen = ~np.isnan(people)
    _, place = np.unique(room.start_s[seen] // 3600, return_inverse=True)
    cells = np.bincount(place)
    return Hours(np.bincount(place, people[seen]) / cells, cells)


def hourly(room: Room, guess: Floats) -> float:
    """Return the mean absolute error over whole hours; NaN cells are left out on both sides."""
    true = hour_means(room, np.where(np.isnan(guess), np.nan, room.truth))
    error = np.abs(hour_means(room, guess).mean - true.mean)
    return float(error[true.cells == 4].mean())


def straight(count: Floats, truth: Floats, day: Ints) -> Floats:
    """Return leave-one-day-out estimates by an ordinary line, cut off at 0."""
    guess = np.empty(len(truth))
    for left_out in np.unique(day):
        train = day != left_out
        slope, intercept = np.polyfit(count[train], truth[train], 1)
        guess[~train] = np.maximum(slope * count[~train] + intercept, 0)
    return guess
