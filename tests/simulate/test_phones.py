"""Phones scan as those measured in the field do.

Seeds are fixed; the intervals are wide enough that another seed would fail at most once in 1,000.
"""

import numpy as np
import pytest

from chaland.simulate.elements import ELEMENT_SETS
from chaland.simulate.phones import (
    MODELS,
    SCAN_GAPS_S,
    SET_NAMES,
    Address,
    Phones,
    draw_element_sets,
    draw_frames_per_scan,
    draw_phones,
    draw_scans,
)

N = 20_000


@pytest.fixture(scope="module")
def phones() -> Phones:
    return draw_phones(np.random.default_rng(5), np.full(N, 0.15, np.float32), 0.01)


def test_scan_rates_have_the_field_s_median_and_tail(phones: Phones) -> None:
    rate = phones.rate_per_minute[phones.gap_s != 4]
    assert 0.52 < np.median(rate) < 0.65  # .65 idle, .45 active, 3 of 10 active
    assert rate.min() >= 0.25
    assert rate.max() <= 4
    assert np.mean(rate > 2) == pytest.approx(0.055, abs=0.015)


def test_long_gaps_are_those_measured(phones: Phones) -> None:
    stay, time_s = draw_scans(
        np.random.default_rng(6),
        phones,
        np.arange(N, dtype=np.int32),
        np.zeros(N),
        np.full(N, 3600.0),
    )
    gap = np.diff(time_s)[np.diff(stay) == 0]
    long = gap[gap > 30]
    nearest = np.min(np.abs(long[:, None] - np.array(SCAN_GAPS_S)) / np.array(SCAN_GAPS_S), axis=1)
    assert np.all(nearest < 0.06)
    for expected in SCAN_GAPS_S:
        assert np.mean(np.abs(long / expected - 1) < 0.05) > 0.05
    assert gap.min() > 3.5  # one old phone: every 4 s


def test_phones_scan_at_their_rate_whenever_they_come(phones: Phones) -> None:
    """In equilibrium, the mean count is rate x time, even for stays of half a minute."""
    for stay_s in (30.0, 900.0):
        start = np.full(N, 100.0)
        stay, time_s = draw_scans(
            np.random.default_rng(7), phones, np.arange(N, dtype=np.int32), start, start + stay_s
        )
        expected = phones.rate_per_minute.sum() * stay_s / 60
        assert len(stay) == pytest.approx(expected, rel=0.04)
        assert np.all((time_s >= 100) & (time_s < 100 + stay_s))
        assert np.all(np.diff(stay) >= 0)


def test_few_addresses_last(phones: Phones) -> None:
    share = np.bincount(phones.address, minlength=3) / N
    assert share[Address.ASSOCIATED] == pytest.approx(0.15, abs=0.01)
    assert 0.003 < share[Address.GLOBAL] < 0.03
    assert np.mean(phones.objects) == pytest.approx(0.01, abs=0.003)


def test_a_scan_has_3_to_31_frames(phones: Phones) -> None:
    frames = draw_frames_per_scan(np.random.default_rng(8), phones.model)
    assert frames.min() == 3
    assert frames.max() == 31


def test_models_are_skewed_and_share_element_sets(phones: Phones) -> None:
    shares = np.sort(np.bincount(phones.model, minlength=len(MODELS)) / N)[::-1]
    assert shares[:5].sum() > 0.4
    users = {name: [m.name for m in MODELS if name in m.sets] for name in SET_NAMES}
    assert sum(len(models) > 1 for models in users.values()) >= 5
    assert all(users.values())
    assert len(set(ELEMENT_SETS.values())) == len(ELEMENT_SETS)


def test_a_model_sends_only_its_own_sets() -> None:
    rng = np.random.default_rng(9)
    for index, model in enumerate(MODELS):
        sent = draw_element_sets(rng, np.full(400, index, np.int8))
        assert {SET_NAMES[i] for i in np.unique(sent)} == set(model.sets)
