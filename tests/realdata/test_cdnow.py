"""BG/NBD on the CDNOW sample: the published fit (Fader, Hardie, Lee 2005) to 1 %."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from chaland.hub.loyalty.figures import lifetime

pytestmark = pytest.mark.xdist_group("cdnow")

SPLIT, END = date(1997, 9, 30).toordinal(), date(1998, 6, 30).toordinal()


@pytest.fixture(scope="module")
def purchases(shared_data: Path) -> tuple[np.ndarray, np.ndarray]:
    path = shared_data / "cdnow" / "CDNOW_sample.txt"
    if not path.exists():
        pytest.skip(f"no CDNOW sample at {path}")
    rows = np.loadtxt(path, usecols=(1, 2), dtype=np.int64)
    day = [date(d // 10_000, d // 100 % 100, d % 100).toordinal() for d in rows[:, 1].tolist()]
    return rows[:, 0], np.array(day)


def test_the_published_fit_is_found(purchases: tuple[np.ndarray, np.ndarray]) -> None:
    known = lifetime.Histories.of(*purchases, SPLIT)
    assert len(known.age) == 2357
    found = lifetime.fit(known)
    assert found.r == pytest.approx(0.243, rel=0.01)
    assert found.alpha == pytest.approx(4.414, rel=0.01)
    assert found.a == pytest.approx(0.793, rel=0.01)
    assert found.b == pytest.approx(2.426, rel=0.01)
    assert found.log_likelihood == pytest.approx(-9582.4, abs=0.5)


def test_the_hold_out_is_missed_by_as_much_as_published(
    purchases: tuple[np.ndarray, np.ndarray],
) -> None:
    known = lifetime.Histories.of(*purchases, SPLIT)
    modelled = lifetime.fit(known).expected(known, (END - SPLIT) / 7).sum()
    counted = lifetime.later(*purchases, SPLIT)
    assert counted == 1882
    assert modelled == pytest.approx(1653, rel=0.01)
