"""When the live day begins, and how fast it runs.

Simulated time never runs ahead of the clock, so that the hub needs no other clock than its own.
The live day begins some trading hours ago and runs faster than the clock until it has caught up;
from then on it goes at the clock's pace. Nights are passed faster still.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from chaland.simulate.air import TIMEZONE
from chaland.simulate.town import Shop
from chaland.wire.periods import CELL_S, cell_start

TRADING_CELLS = 24
"""Quarter hours of trade to show live: six hours, 24 minutes at 15 times the clock."""
TRADING_SHARE = 0.3
NIGHT_FASTER = 16
_LOOK_BACK_AT_MOST = timedelta(days=5)


def open_share(shops: Sequence[Shop], at: datetime) -> float:
    """Return the share of shops that are open."""
    local = at.astimezone(TIMEZONE)
    second = local.hour * 3600 + local.minute * 60
    return sum(
        any(
            opening.opens_s <= second < opening.closes_s
            for opening in shop.openings_on(local.date())
        )
        for shop in shops
    ) / len(shops)


def live_start(shops: Sequence[Shop], now: datetime) -> datetime:
    """Return the start of the first live cell: ``TRADING_CELLS`` of trade before ``now``."""
    at = cell_start(now)
    trading = 0
    while trading < TRADING_CELLS and now - at < _LOOK_BACK_AT_MOST:
        at -= timedelta(seconds=CELL_S)
        trading += open_share(shops, at) >= TRADING_SHARE
    return at.astimezone(UTC)


def speed_at(shops: Sequence[Shop], at: datetime, speed: float) -> float:
    """Return how many times faster than the clock simulated time may pass at an instant."""
    return speed if open_share(shops, at) >= TRADING_SHARE else speed * NIGHT_FASTER
