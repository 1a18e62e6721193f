"""Crowds mixed from labelled phones, led through the real sensor, judged on phones not learned."""

from pathlib import Path

import pytest

from bench.field.crowds import Error, judge, mix
from bench.field.labelled import Devices, devices

pytestmark = pytest.mark.xdist_group("labelled")

SIZES = (10, 30, 100)
DEFAULT = "combined (default)"


@pytest.fixture(scope="module")
def phones(shared_data: Path) -> Devices:
    return devices(shared_data / "wifi")


@pytest.fixture(scope="module")
def judged(phones: Devices) -> dict[str, dict[int, Error]]:
    return judge(mix(phones, splits=6, mixes=1, sizes=SIZES))


def worst(errors: dict[int, Error]) -> float:
    return max(error.mape for error in errors.values())


def test_all_given_phones_with_wifi_on_are_mixed(phones: Devices) -> None:
    assert len(phones) == 20
    assert all(session for sessions in phones.values() for session in sessions)


def test_the_default_never_errs_as_much_as_its_rivals_worst(
    judged: dict[str, dict[int, Error]],
) -> None:
    assert worst(judged[DEFAULT]) < worst(judged["fingerprints"])
    assert worst(judged[DEFAULT]) < worst(judged["distinct addresses"])


def test_fingerprints_drown_in_a_crowd_and_the_scan_rate_does_not(
    judged: dict[str, dict[int, Error]],
) -> None:
    assert judged["fingerprints"][100].bias < -0.4
    assert judged["scan rate"][100].mape < judged["fingerprints"][100].mape
    assert judged[DEFAULT][100].mape < 0.75 * judged["fingerprints"][100].mape


def test_in_a_shop_fingerprints_are_the_better_count(
    judged: dict[str, dict[int, Error]],
) -> None:
    assert judged[DEFAULT][30].mape < judged["scan rate"][30].mape
    assert judged[DEFAULT][30].mape < judged["distinct addresses"][30].mape


def test_uncalibrated_counts_are_an_index_not_people(
    judged: dict[str, dict[int, Error]],
) -> None:
    """Why a shop without calibration shows an index: no estimator is right to a third there."""
    assert min(worst(errors) for errors in judged.values()) > 0.35
