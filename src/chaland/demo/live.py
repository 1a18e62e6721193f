"""The live day: simulated frames through the real pipeline, signed, sent to the real intake.

A process of its own (see ``__main__``). Each quarter hour of each shop is pulled through its
sensor's pipeline when that quarter has passed, one shop after the other, so that the page moves
all the time. Import after ``django.setup()``.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache

import httpx
from django.conf import settings
from django.db.models import Max
from nacl.signing import SigningKey

from chaland.demo import cast
from chaland.demo.build import read_keys
from chaland.demo.founding import places
from chaland.demo.past import TownSeed
from chaland.demo.timing import TownClock, speed_at
from chaland.hub.footfall.models import Cell, Sensor
from chaland.hub.footfall.services import due
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.privacy import SeededBits
from chaland.sensor.privacy.town_key import TownKey
from chaland.sensor.uplink.upload import PATH
from chaland.simulate.air import TIMEZONE, ShopAir
from chaland.simulate.radio import Sightings, hear
from chaland.simulate.source import SimulatedSource
from chaland.simulate.town import Town
from chaland.simulate.walkers import Day, Walkers
from chaland.wire import answers
from chaland.wire.answers import Meaning, meaning_of
from chaland.wire.errors import WireErrorFinal
from chaland.wire.periods import CELL_S, day_bounds, local_day
from chaland.wire.signature import sensor_identifier, sign
from chaland.wire.summary import CellCounts, Summary, encode

_CELL = timedelta(seconds=CELL_S)
_RETRY_S = 1.0
_TRIES = 30


class RefusedFinal(Exception):
    """The hub refused a simulated summary: the demo has an error."""


class Air:
    """What the town's radios hear; keeps the day at hand and the one before."""

    def __init__(self, walkers: Walkers) -> None:
        self._walkers = walkers
        self._heard = lru_cache(maxsize=2)(self._hear)

    def _hear(self, day: date) -> tuple[Day, Sightings]:
        people = self._walkers.day(day)
        return people, hear(people, self._walkers.seed)

    def of(self, shop: int, day: date) -> ShopAir:
        """Return one shop's air."""
        return ShopAir(*self._heard(day), shop, self._walkers.seed)


class TownKeys:
    """The town's key of a day. The boxes live in one process and hand it on without a hub."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._keeper = TownKey()

    def of(self, day: date) -> TownKey:
        """Return a box's own copy of the day's key, sealed and opened as between real boxes."""
        if day != self._day:
            self._keeper.zero()
            self._keeper, self._day = TownKey(), day
            self._keeper.adopt()
        copy = TownKey()
        copy.open(self._keeper.seal(copy.public_key), self._keeper.held)
        return copy


@dataclass
class Box:
    """One shop's simulated sensor. ``start`` is the next cell; ``sequence`` the last number."""

    shop: int
    key: SigningKey
    start: datetime
    sequence: int
    deaf: bool
    town_keys: TownKeys
    _day: date | None = None
    _cells: Iterator[CellCounts] = field(default_factory=lambda: iter(()))

    def next_cell(self, air: Air) -> CellCounts:
        """Return the cell that begins at ``start``: its frames go through the sensor now."""
        day = local_day(self.start, TIMEZONE)
        if day != self._day:  # as on a real box: a new process with new keys
            self._day, self._cells = day, self._pipeline(air, day).run()
        cell = next(self._cells)
        if cell.start != self.start:
            raise RuntimeError(f"the sensor released {cell.start}, not {self.start}")
        return cell

    def _pipeline(self, air: Air, day: date) -> Pipeline:
        begins, ends = day_bounds(day, TIMEZONE)
        from_s, to_s = (self.start - begins).total_seconds(), (ends - begins).total_seconds()
        source = SimulatedSource(air.of(self.shop, day), from_s, to_s, deaf=self.deaf)
        # Drawn anew each time: two noises over the same simulated cell would uncover it.
        bits = SeededBits(int.from_bytes(os.urandom(8), "big"))
        config = PipelineConfig(TIMEZONE, day=day)
        return Pipeline.simulated(config, source, bits, town_key=self.town_keys.of(day))

    def message(self, cell: CellCounts, now: datetime) -> tuple[bytes, dict[str, str]]:
        """Return the signed upload of a cell: body and headers."""
        sequence = self.sequence + 1
        name = sensor_identifier(bytes(self.key.verify_key))
        body = encode(Summary(name, sequence, now, simulated=True, cell=cell))
        return body, sign(self.key, sequence, now, body).headers()

    def sent(self) -> None:
        """Go on to the next cell."""
        self.start += _CELL
        self.sequence += 1


def run(
    boxes: Sequence[Box],
    clock: TownClock,
    pace: Callable[[datetime], float],
    send: Callable[[Box], None],
    tend: Callable[[datetime], object],
) -> None:
    """Go on for ever: each quarter hour, one box after the other, then what is due in the hub.

    ``pace`` tells how fast time passes at an instant.
    """
    while True:
        start = min(box.start for box in boxes)
        due = [box for box in boxes if box.start == start]
        over, speed = start + _CELL, pace(start)
        clock.run(max(over, clock.now()), over + _CELL, speed)
        for index, box in enumerate(due):
            at = over + index / len(due) * _CELL
            time.sleep(max((at - clock.now()).total_seconds(), 0) / speed)
            send(box)
            box.sent()
        tend(clock.now())


def upload(client: httpx.Client, box: Box, cell: CellCounts, now: Callable[[], datetime]) -> None:
    """Send a cell as a sensor does, with patience.

    Raises RefusedFinal, and httpx.TransportError or WireErrorFinal when patience is at its end.
    """
    for attempt in range(1, _TRIES + 1):
        body, headers = box.message(cell, now())
        try:
            answer = answers.decode(client.post(PATH, content=body, headers=headers).content)
        except (httpx.TransportError, WireErrorFinal):
            if attempt == _TRIES:  # a busy hub answers late, or with a page that is no answer
                raise
        else:
            meaning = meaning_of(answer.code)
            if meaning is Meaning.DONE:
                return
            if meaning is not Meaning.HOLD or attempt == _TRIES:
                raise RefusedFinal(f"the hub refused a cell ({answer.code}): {answer.message}")
        time.sleep(_RETRY_S)


def boxes(town: Town, keys: Mapping[str, SigningKey], founded: date) -> list[Box]:
    """Return the boxes of the demo's hub, each where its last cell left it."""
    last = dict(Cell.objects.values_list("shop_id").annotate(Max("start")))
    sequences = dict(Sensor.objects.values_list("pk", "last_sequence"))
    order = {shop.slug: index for index, shop in enumerate(town.shops)}
    town_keys = TownKeys()
    return [
        Box(
            shop=order[place.slug],
            key=keys[place.slug],
            start=last[place.shop_id] + _CELL,
            sequence=sequences[place.sensor_id],
            deaf=cast.is_deaf(place.slug, founded, founded),
            town_keys=town_keys,
        )
        for place in places()
    ]


def main(url: str, shops: str, seed: str, founded: str, speed: str) -> None:
    """Live, as a process of its own."""
    walkers = TownSeed(int(shops), int(seed)).walkers()
    town, clock, air = walkers.town, TownClock(settings.STATE_DIR), Air(walkers)
    there = boxes(town, read_keys(settings.STATE_DIR), date.fromisoformat(founded))
    with httpx.Client(base_url=url, timeout=30) as client:
        try:
            run(
                there,
                clock,
                lambda at: speed_at(town.shops, at, float(speed)),
                lambda box: upload(client, box, box.next_cell(air), clock.now),
                due.run_due,
            )
        except (RefusedFinal, WireErrorFinal, httpx.TransportError) as problem:
            sys.exit(f"live day: {problem}")
