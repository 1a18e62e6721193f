"""Makes the demo's town in empty databases.

Import after ``django.setup()``.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from nacl.signing import SigningKey

from chaland.demo import cast
from chaland.demo.founding import enrol, found, places, sign_charter
from chaland.demo.load import Loader, Span, door_rows, in_one_transaction
from chaland.demo.past import TownSeed, released_days
from chaland.demo.timing import TownClock, live_start
from chaland.hub.footfall import services
from chaland.hub.footfall.estimates import CalibrationFinal
from chaland.hub.footfall.models import DoorCount
from chaland.hub.footfall.services import account
from chaland.simulate.air import TIMEZONE
from chaland.simulate.history import DayCounts
from chaland.simulate.town import drawn_town
from chaland.wire.periods import local_day

DOOR_DAYS = 14
_KEYS = "simulated-keys.json"

Say = Callable[[str], None]


def build(seed: TownSeed, days: int, state: Path, url: str, say: Say) -> date:
    """Fill the databases of the configured, empty state folder with ``days`` of history.

    Return the day of foundation, before which the history lies.

    ``url`` is where the town will be served; ``say`` gets lines that tell how far it is.
    """
    town = drawn_town(seed.shops)
    until = live_start(town.shops, datetime.now(TIMEZONE).date())
    TownClock(state).stand(until)
    today = local_day(until, TIMEZONE)
    dates = [today - timedelta(days=ago) for ago in range(days, -1, -1)]
    past = released_days(seed, dates, today)  # made in other processes, beside the following
    shops = found(town, until)
    _write_keys(state, enrol(shops, until))
    sign_charter(until, url)
    say(f"{town.name}: {len(shops)} shops in {len(town.zones)} zones, staff and sensors")
    ever = Span(datetime.fromtimestamp(0, UTC), until)
    loader = Loader(places(), dict.fromkeys(shops, ever), today)
    recent: list[DayCounts] = []
    with in_one_transaction():
        for done in past:
            loader.load(done)
            recent = [*recent, *(day.counts for day in done)][-DOOR_DAYS - 1 :]
        loader.close()
    account.rebuild(list(shops.values()))
    say(f"{sum(loader.loaded.values())} quarter hours of history, with the sensors' noise")
    calibrate(shops, recent[:-1], seed.seed, until, say)
    return today


def calibrate(
    shops: Mapping[str, int], days: Sequence[DayCounts], seed: int, now: datetime, say: Say
) -> None:
    """Give most shops a door counter's counts and a calibration by them; make all figures."""
    rng = np.random.default_rng([seed, 8])
    fitted = 0
    for index, (slug, shop_id) in enumerate(shops.items()):
        if slug in cast.UNCALIBRATED:
            continue
        rows = door_rows(days, index, rng, entries=slug not in cast.OCCUPANCY_ONLY)
        services.record_door_counts(shop_id, rows, DoorCount.Source.DOOR)
        try:
            services.fit_calibration(shop_id, now)
        except CalibrationFinal as refused:
            say(f"{slug} has no calibration: {refused}")
            continue
        fitted += 1
    say(f"{fitted} shops calibrated by their door counters")
    services.rebuild_figures(
        [shop_id for slug, shop_id in shops.items() if slug in cast.UNCALIBRATED]
    )
    say("Figures are ready")


def _write_keys(state: Path, keys: Mapping[str, SigningKey]) -> None:
    descriptor = os.open(state / _KEYS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump({slug: bytes(key).hex() for slug, key in keys.items()}, file)


def read_keys(state: Path) -> dict[str, SigningKey]:
    """Return the keys of the simulated sensors by their shop's slug."""
    found_keys = json.loads((state / _KEYS).read_text(encoding="ascii"))
    return {slug: SigningKey(bytes.fromhex(key)) for slug, key in found_keys.items()}
