"""The local day in clock hours: every quarter hour has its place, clock changes included."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaland.hub.footfall import hours
from chaland.wire.periods import CELL_S, local_day

PARIS = ZoneInfo("Europe/Paris")
ZONES = [PARIS, ZoneInfo("Indian/Reunion"), ZoneInfo("Pacific/Marquesas"), ZoneInfo("UTC")]


@given(st.dates(date(2024, 1, 1), date(2030, 1, 1)), st.integers(0, 9), st.sampled_from(ZONES))
@settings(max_examples=60)
def test_each_quarter_hour_falls_into_its_local_day_and_clock_hour(
    first: date, more: int, zone: ZoneInfo
) -> None:
    calendar = hours.calendar(first, first + timedelta(days=more), zone)
    starts = calendar.first_s + CELL_S * np.arange(len(calendar.day_of))
    for start, slot in zip(starts.tolist(), calendar.index(starts).tolist(), strict=True):
        instant = datetime.fromtimestamp(start, UTC)
        assert first + timedelta(days=slot // 24) == local_day(instant, zone)
        assert slot % 24 == instant.astimezone(zone).hour
    assert calendar.windows.sum() == 3 * len(starts)


@pytest.mark.parametrize(
    ("day", "windows", "hour", "quarters"),
    [
        (date(2026, 10, 24), 300, 2, 8),  # clocks go back in the night after this day: 02 twice
        (date(2026, 3, 28), 276, 2, 0),  # clocks go forward: no 02
        (date(2026, 6, 10), 288, 2, 4),
    ],
)
def test_the_nights_when_clocks_change(day: date, windows: int, hour: int, quarters: int) -> None:
    calendar = hours.calendar(day, day, PARIS)
    assert calendar.windows.tolist() == [windows]
    assert int((calendar.hour_of == hour).sum()) == quarters


@given(st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_packing_keeps_every_number(days: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(0, 1e4, (days, 24, len(hours.FIELDS)))
    back = hours.unpack([hours.pack(day) for day in values])
    assert back.shape == values.shape
    assert np.allclose(back, values, rtol=1e-6)
