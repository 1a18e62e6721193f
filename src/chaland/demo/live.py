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
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import httpx
from django.conf import settings
from django.db.models import Max
from nacl.signing import SigningKey

from chaland.demo import cast
from chaland.demo.build import catch_up, read_keys
from chaland.demo.founding import places
from chaland.demo.past import TownSeed
from chaland.demo.timing import speed_at
from chaland.hub.footfall.models import Cell, Sensor
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.privacy import SeededBits
from chaland.sensor.uplink.upload import PATH
from chaland.simulate.air import TIMEZONE, ShopAir
from chaland.simulate.radio import Sightings, hear
from chaland.simulate.source import SimulatedSource
from chaland.simulate.town import Town
from chaland.simulate.walkers import Day, Walkers
from chaland.wire import answers
from chaland.wire.answers import Code
from chaland.wire.periods import CELL_S, day_bounds, local_day
from chaland.wire.signature import sensor_identifier, sign
from chaland.wire.summary import CellCounts, Summary, encode

_CELL = timedelta(seconds=CELL_S)
_RETRY_S = 2.0
_TRIES = 15
_LATE_AT_MOST_S = 5.0
"""Lost time up to this is made up for; beyond it (a laptop that slept) it is not."""


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


@dataclass
class Box:
    """One shop's simulated sensor. ``start`` is the next cell; ``sequence`` the last number."""

    shop: int
    key: SigningKey
    start: datetime
    sequence: int
    deaf: bool
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
        return Pipeline.simulated(PipelineConfig(TIMEZONE), source, bits)

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


class Clock:
    """Simulated time: faster than the clock, never ahead of it."""

    def __init__(self, town: Town, speed: float, at: datetime) -> None:
        self._town, self._speed, self._at = town, speed, at
        self._reached_s = time.monotonic()

    def wait_until(self, at: datetime) -> None:
        """Sleep until simulated time has come to ``at``."""
        speed = speed_at(self._town.shops, at, self._speed)
        due_s = self._reached_s + max((at - self._at).total_seconds(), 0) / speed
        ahead_s = (at - datetime.now(UTC)).total_seconds()
        time.sleep(max(due_s - time.monotonic(), ahead_s, 0))
        self._at, self._reached_s = at, max(due_s, time.monotonic() - _LATE_AT_MOST_S)


def run(
    boxes: Sequence[Box], air: Air, clock: Clock, send: Callable[[Box, CellCounts], None]
) -> None:
    """Go on for ever: each quarter hour, one box after the other."""
    parent = os.getppid()
    while os.getppid() == parent:
        start = min(box.start for box in boxes)
        due = [box for box in boxes if box.start == start]
        for index, box in enumerate(due):
            clock.wait_until(start + _CELL + index / len(due) * _CELL)
            send(box, box.next_cell(air))
            box.sent()


def upload(client: httpx.Client, box: Box, cell: CellCounts) -> None:
    """Send a cell as a sensor does. Raises RefusedFinal, or httpx.TransportError after a while."""
    for attempt in range(_TRIES):
        body, headers = box.message(cell, datetime.now(UTC))
        try:
            response = client.post(PATH, content=body, headers=headers)
        except httpx.TransportError:
            if attempt == _TRIES - 1:
                raise
            time.sleep(_RETRY_S)
            continue
        answer = answers.decode(response.content)
        if answer.code not in (Code.ACCEPTED, Code.DUPLICATE):
            raise RefusedFinal(f"the hub refused a live cell ({answer.code}): {answer.message}")
        return


def boxes(town: Town, keys: Mapping[str, SigningKey], founded: date) -> list[Box]:
    """Return the boxes of the demo's hub, each where its last cell left it."""
    last = dict(Cell.objects.values_list("shop_id").annotate(Max("start")))
    sequences = dict(Sensor.objects.values_list("pk", "last_sequence"))
    order = {shop.slug: index for index, shop in enumerate(town.shops)}
    return [
        Box(
            shop=order[place.slug],
            key=keys[place.slug],
            start=last[place.shop_id] + _CELL,
            sequence=sequences[place.sensor_id],
            deaf=cast.is_deaf(place.slug, founded, founded),
        )
        for place in places()
    ]


def main(url: str, shops: str, seed: str, founded: str, speed: str) -> None:
    """Catch up with the present, then live."""
    town_seed, first_day = TownSeed(int(shops), int(seed)), date.fromisoformat(founded)
    catch_up(town_seed, first_day, datetime.now(UTC))
    walkers = town_seed.walkers()
    there = boxes(walkers.town, read_keys(settings.STATE_DIR), first_day)
    # the first cells are over: they come at once
    clock = Clock(walkers.town, float(speed), min(box.start for box in there) + _CELL)
    with httpx.Client(base_url=url, timeout=30) as client:
        try:
            run(there, Air(walkers), clock, lambda box, cell: upload(client, box, cell))
        except (RefusedFinal, httpx.TransportError) as problem:
            sys.exit(f"live day: {problem}")
        except KeyboardInterrupt:
            pass  # the demo ends
