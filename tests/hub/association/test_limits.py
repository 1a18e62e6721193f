"""The one counter of tries: fixed windows that no try makes longer, on the database's cache."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache

from chaland.hub.association import limits

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _none_before() -> None:
    cache.clear()


def test_a_window_holds_and_ends_however_the_tries_are_spread() -> None:
    """Tries every six minutes: the cache's own `incr` would forget an hour's count after five."""
    begun = datetime(2026, 6, 2, 10, tzinfo=UTC)
    with time_machine.travel(begun, tick=False) as traveller:
        for hour in range(2):
            allowed = []
            for tries in range(10):
                traveller.move_to(begun + hour * HOUR + tries * timedelta(minutes=6))
                assert limits.reached("codes", 3, HOUR) is (tries >= 3)
                allowed.append(limits.count("codes", 3, HOUR))
            assert allowed == [True] * 3 + [False] * 7
        assert limits.count("others", 3, HOUR)


def test_a_count_that_another_process_took_meanwhile_is_not_taken_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two that read the same count get two places: reading is a hint, `add` decides."""
    monkeypatch.setattr(cache, "get", lambda _key, default: default)
    assert [limits.count("codes", 2, HOUR) for _ in range(3)] == [True, True, False]
