"""Two counts of a cell become one signal that keeps growing in a crowd."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.footfall.estimates import signal
from chaland.hub.footfall.estimates.crowd import CROWDED_RATIO, scan_rate

MINUTES, SLOTS = 15, 180
EXACT = {"fingerprints": 0.0, "scans": 0.0}
RELEASED = {"fingerprints": 5.0, "scans": 20.0}
THREE = np.array([3.0])


def expected_counts(scans_a_minute: float, models: int) -> tuple[float, float]:
    """Pairs that a cell shows on average when each model's phones scan at random."""
    return (
        models * MINUTES * -np.expm1(-scans_a_minute),
        models * SLOTS * -np.expm1(-scans_a_minute / 12),
    )


def test_a_quiet_room_is_read_from_its_fingerprints() -> None:
    found = signal({"fingerprints": np.array([60.0]), "scans": np.array([85.0])}, THREE, RELEASED)
    assert found.value[0] == 20.0
    assert not found.crowded[0]


def test_a_crowd_is_read_from_its_scan_rate_and_flagged() -> None:
    fingerprints, scans = expected_counts(6.0, models=12)
    found = signal(
        {"fingerprints": np.array([fingerprints]), "scans": np.array([scans])}, THREE, RELEASED
    )
    assert found.crowded[0]
    assert found.value[0] > 1.2 * fingerprints / 3


@given(st.floats(1, 400), st.floats(0, 11), st.floats(1e-4, 1e-2))
def test_the_signal_has_no_jump(fingerprints: float, ratio: float, step: float) -> None:
    """A little more of the scans is a little more of the signal, wherever one leads the other."""
    scans = fingerprints * np.array([ratio, ratio + step])
    both = {"fingerprints": np.full(2, fingerprints), "scans": scans}
    low, high = signal(both, np.full(2, 3.0), RELEASED).value
    assert 0 <= high - low <= step * fingerprints + 1e-6


@pytest.mark.parametrize("models", [5, 12, 40])
def test_the_scan_rate_is_additive_where_fingerprints_have_filled(models: int) -> None:
    rates = np.array([3.0, 6.0, 12.0, 24.0])
    counts = np.array([expected_counts(rate, models) for rate in rates])
    per_scan = scan_rate(counts[:, 0], counts[:, 1]) / rates
    np.testing.assert_allclose(per_scan, per_scan[0], rtol=0.02)


def test_the_scan_rate_is_told_in_units_of_fingerprints() -> None:
    fingerprints = np.array([1000.0])
    np.testing.assert_allclose(scan_rate(fingerprints, CROWDED_RATIO * fingerprints), fingerprints)


def test_noise_alone_rarely_looks_like_a_crowd() -> None:
    """60,000 empty cells of noise: one in a hundred may be flagged, and none adds a person.

    About 5 in 1,000 are flagged; the false-alarm rate of the bound is far below 1e-6.
    """
    draw = np.random.default_rng(5).laplace
    n = 60_000
    counts = {"fingerprints": draw(0, 5, n).round(), "scans": draw(0, 20, n).round()}
    found = signal(counts, np.full(n, 3.0), RELEASED)
    assert found.crowded.mean() < 0.01
    assert (found.value - counts["fingerprints"] / 3).mean() < 0.1


def test_strict_mode_reads_scans_only() -> None:
    found = signal({"scans": np.array([90.0, 40.0])}, np.array([3.0, 2.0]), {"scans": 4.0})
    np.testing.assert_array_equal(found.value, [30.0, 20.0])
    assert found.variance[1] > found.variance[0]


def test_a_cell_without_windows_is_unknown_not_empty() -> None:
    found = signal({"scans": np.array([0.0])}, np.array([0.0]), {"scans": 4.0})
    assert np.isnan(found.value[0])


@given(st.integers(-40, 3000), st.integers(-150, 9000), st.integers(1, 3))
def test_any_released_counts_make_a_finite_signal(
    fingerprints: int, scans: int, windows: int
) -> None:
    counts = {"fingerprints": np.array([float(fingerprints)]), "scans": np.array([float(scans)])}
    for scales in (EXACT, RELEASED):
        found = signal(counts, np.array([float(windows)]), scales)
        assert np.isfinite(found.value).all()
        assert (found.variance >= 0).all()
