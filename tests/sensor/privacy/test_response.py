"""Randomised response: its epsilon computed from the procedure itself, and its draws."""

from collections import defaultdict
from contextlib import suppress
from fractions import Fraction
from math import exp, prod
from typing import Any

import numpy as np
import pytest

from chaland.sensor.privacy import SeededBits, coins, response
from chaland.sensor.privacy.response import respond, respond_many
from chaland.wire.mechanism import DEFAULT_MECHANISM

EPSILON = Fraction(DEFAULT_MECHANISM.sketch.epsilon)
EPSILONS = sorted({Fraction(1, 2), Fraction(1), Fraction(5, 2), Fraction(4), EPSILON})
NEGLIGIBLE = Fraction(1, 10**12)
CHI_SQUARE_LIMIT = {1: 19.5, 2: 23.1}
"""Quantiles of 1 - 1e-5 for one and two degrees of freedom: so rarely would a right sampler fail,
were the seeds chosen anew."""


class LeftOut(Exception):
    """The branch begins another round, or has become too unlikely to follow."""


def one_round(truth: int, symbols: int, patch: pytest.MonkeyPatch) -> dict[int, Fraction]:
    """Lead ``respond`` through every outcome of its first round, each with its exact probability.

    What it draws next is scripted. Of an integer drawn for a coin only "is it 0?" matters (the
    numerators are 1), so two outcomes stand for all of them. Returns each answer's probability.
    """
    found: defaultdict[int, Fraction] = defaultdict(Fraction)
    waiting: list[tuple[int, ...]] = [()]
    while waiting:
        script = waiting.pop()
        drawn: list[tuple[int, Fraction]] = []

        def draw(
            chances: list[Fraction], script: tuple[int, ...] = script, drawn: Any = drawn
        ) -> int:
            if prod(chance for _, chance in drawn) < NEGLIGIBLE:
                raise LeftOut
            if len(drawn) == len(script):
                waiting.extend((*script, value) for value in range(len(chances)))
                raise LeftOut
            value = script[len(drawn)]
            drawn.append((value, chances[value]))
            return value

        def symbol(n: int, _: object, drawn: Any = drawn, draw: Any = draw) -> int:
            if drawn:
                raise LeftOut
            return int(draw([Fraction(1, n)] * n))

        def coin(n: int, _: object, draw: Any = draw) -> int:
            return int(draw([Fraction(1, n), Fraction(n - 1, n)] if n > 1 else [Fraction(1)]))

        patch.setattr(response, "below", symbol)
        patch.setattr(coins, "below", coin)
        with suppress(LeftOut):
            answer = respond(truth, symbols, EPSILON, SeededBits(0))
            found[answer] += prod(chance for _, chance in drawn)
    return found


@pytest.mark.parametrize("symbols", [2, 3])
def test_the_epsilon_of_a_place_computed_from_its_branches(
    monkeypatch: pytest.MonkeyPatch, symbols: int
) -> None:
    """The truth is e^epsilon times as likely as each other answer, and those are equally likely:
    every ratio between two truths is 1 or e^(+-epsilon), never more."""
    assert EPSILON.denominator == 1  # else a coin's numerator is not 1
    for truth in range(symbols):
        chances = one_round(truth, symbols, monkeypatch)
        assert set(chances) == set(range(symbols))
        for answer in range(symbols):
            ratio = float(chances[truth] / chances[answer])
            assert ratio == pytest.approx(1 if answer == truth else exp(EPSILON), rel=1e-9)


def chi_square(answers: np.ndarray, truth: int, symbols: int, epsilon: Fraction) -> float:
    weights = np.ones(symbols)
    weights[truth] = exp(epsilon)
    expected = weights / weights.sum() * answers.size
    observed = np.bincount(answers, minlength=symbols)
    return float(((observed - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("epsilon", EPSILONS, ids=str)
@pytest.mark.parametrize("symbols", [2, 3])
def test_answers_have_the_exact_distribution(symbols: int, epsilon: Fraction) -> None:
    bits = SeededBits(30)
    for truth in range(symbols):
        many = respond_many(np.full(100_000, truth, np.uint8), symbols, epsilon, bits)
        single = np.array([respond(truth, symbols, epsilon, bits) for _ in range(5_000)])
        for answers in (many, single):
            statistic = chi_square(answers, truth, symbols, epsilon)
            assert statistic < CHI_SQUARE_LIMIT[symbols - 1]


def test_a_chi_square_that_finds_a_wrong_epsilon() -> None:
    truths = np.zeros(100_000, np.uint8)
    answers = respond_many(truths, 2, Fraction("2.2"), SeededBits(30))
    assert chi_square(answers, 0, 2, Fraction(2)) > 100


def test_each_answer_is_for_its_own_truth() -> None:
    truths = np.tile(np.arange(3, dtype=np.uint8), 500)
    assert (respond_many(truths, 3, Fraction(40), SeededBits(1)) == truths).all()


@pytest.mark.parametrize("epsilon", [Fraction(0), Fraction(-1), Fraction(101), Fraction(1, 2**31)])
def test_a_senseless_epsilon_is_refused(epsilon: Fraction) -> None:
    with pytest.raises(ValueError, match="randomised response"):
        respond(0, 2, epsilon, SeededBits(1))
    with pytest.raises(ValueError, match="randomised response"):
        respond_many(np.zeros(3, np.uint8), 2, epsilon, SeededBits(1))
