"""What the tests of co-visits and of objections share: a key that is known, a sketch that tells."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from chaland.sensor.privacy.town_key import TownKey
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.sketch import DaySketch
from chaland.wire.summary import CellCounts

DAY = date(2023, 11, 15)
NOON = datetime(2023, 11, 15, 12, tzinfo=UTC)
DAY_ENDS_S = 15 * 3600
"""04:00 in Paris, after 12:00 UTC."""
TWO_O_CLOCK_S = 3600
TRUTHFUL = replace(DEFAULT_MECHANISM, sketch=replace(DEFAULT_MECHANISM.sketch, epsilon="60"))
"""Its sketch lies with probability 1e-26 a place: what it would tell without deniability."""


def holder(key: bytes = bytes(range(32))) -> TownKey:
    """A holder of a fixed key."""
    town_key = TownKey()
    town_key.adopt()
    town_key._key._page[:32] = key
    town_key._held = hashlib.sha256(key).hexdigest()[:16]
    return town_key


def place(address: bytes, key: bytes = bytes(range(32))) -> int:
    digest = hashlib.blake2b(address, digest_size=8, key=key).digest()
    return int.from_bytes(digest, "little") % DEFAULT_MECHANISM.sketch.places


def visited(sketch: DaySketch | None) -> dict[int, int]:
    """Return the places that do not say "no visit", with what they say."""
    assert sketch
    answers = [*sketch.bits, *sketch.symbols]
    return {where: answer for where, answer in enumerate(answers) if answer}


def said(address: bytes, symbol: int) -> dict[int, int]:
    where = place(address)
    return {where: symbol if where >= DEFAULT_MECHANISM.sketch.bits else 1}


def stay(air: Any, who: bytes, from_s: float, for_s: int = 100) -> None:
    for at_s in range(0, for_s + 1, 50):
        air.data(from_s + at_s, who)


def sketched(pipeline_of: Any, air: Any, **settings: Any) -> list[CellCounts]:
    settings = {"mechanism": TRUTHFUL, "day": DAY, "town_key": holder()} | settings
    return list(pipeline_of(air.in_order(), **settings).run())
