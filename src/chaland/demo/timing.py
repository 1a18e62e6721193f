"""The town's own time: where it starts, how fast it passes, and what it is now.

Simulated time starts on a trading morning and passes faster than the clock, nights faster still.
The live day drives it, a quarter hour at a time, and never lets it run ahead of what the sensors
have sent; it stands still while nobody drives. All processes of the demo read it from one file.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path

from chaland.simulate.air import TIMEZONE
from chaland.simulate.town import Shop

TRADING_SHARE = 0.3
"""Below this share of open shops it is night for the demo."""
NIGHT_FASTER = 16
_STARTS_AT = wall_time(10, 0)
_TRADING_DAY_SHARE = 0.7


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


def live_start(shops: Sequence[Shop], today: date) -> datetime:
    """Return ten o'clock of the last trading day up to ``today``."""
    for ago in range(14):
        start = datetime.combine(today - timedelta(days=ago), _STARTS_AT, TIMEZONE)
        if open_share(shops, start) >= _TRADING_DAY_SHARE:
            return start.astimezone(UTC)
    raise ValueError(f"no day of trade in the two weeks up to {today}")


def speed_at(shops: Sequence[Shop], at: datetime, speed: float) -> float:
    """Return how many times faster than the clock simulated time passes at an instant."""
    return speed if open_share(shops, at) >= TRADING_SHARE else speed * NIGHT_FASTER


@dataclass(frozen=True)
class _Pace:
    """Simulated time goes from ``at_s`` (epoch seconds) at ``speed`` to ``until_s``, then stops."""

    real_s: float
    at_s: float
    speed: float
    until_s: float


class TownClock:
    """The town's time, shared by processes through a file in the state folder."""

    def __init__(self, state: Path, real_s: Callable[[], float] = time.time) -> None:
        self._file = state / "clock.json"
        self._real_s = real_s
        self._version = -1
        self._pace = _Pace(0, 0, 0, 0)

    def now(self) -> datetime:
        """Return the simulated instant, aware, in UTC."""
        version = os.stat(self._file).st_mtime_ns
        if version != self._version:
            pace = _Pace(**json.loads(self._file.read_text(encoding="ascii")))
            self._version, self._pace = version, pace
        pace = self._pace
        passed_s = max(self._real_s() - pace.real_s, 0) * pace.speed
        return datetime.fromtimestamp(min(pace.at_s + passed_s, pace.until_s), UTC)

    def stand(self, at: datetime) -> None:
        """Stop at an instant."""
        self.run(at, at, 0)

    def run(self, at: datetime, until: datetime, speed: float) -> None:
        """Go from ``at`` to ``until``."""
        pace = _Pace(self._real_s(), at.timestamp(), speed, until.timestamp())
        new = self._file.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(pace.__dict__), encoding="ascii")
        new.replace(self._file)
