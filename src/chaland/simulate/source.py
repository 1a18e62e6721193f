"""The simulated radio as a source of frames: what a live interface is to the sensor."""

import time
from collections.abc import Callable, Iterator

from chaland.sensor.capture import CaptureProblem, Record
from chaland.simulate.air import Frame, ShopAir
from chaland.simulate.wifi import LINK_TYPE_RADIOTAP

STRETCH_S = 300.0
_BUFFER_BYTES = 2048
_TICK_US = 1_000_000


class SimulatedSource:
    """Frames of one shop from ``from_s`` to ``to_s`` of its day, at ``speed`` times real time.

    ``speed`` None is as fast as they are read. As a live source must, it ticks once a simulated
    second while nothing arrives, and overwrites each frame before the next one or a wait.
    ``deaf`` makes a radio that hears nothing, not even beacons.
    """

    def __init__(
        self,
        air: ShopAir,
        from_s: float,
        to_s: float,
        *,
        speed: float | None = None,
        deaf: bool = False,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.buffer = bytearray(_BUFFER_BYTES)
        self.link_type = LINK_TYPE_RADIOTAP
        self.problems: list[CaptureProblem] = []
        self._air, self._from_s, self._to_s, self._deaf = air, from_s, to_s, deaf
        self._speed, self._wait, self._clock = speed, wait, clock

    def __iter__(self) -> Iterator[Record]:
        """Yield records in order, then a last tick at the end of the stretch of day."""
        start_us, end_us = self._air.at_us(self._from_s), self._air.at_us(self._to_s)
        began, now_us = self._clock(), start_us
        for time_us, frame in self._frames():
            while time_us - now_us > _TICK_US:
                now_us += _TICK_US
                self._pace(began, now_us - start_us)
                yield (now_us, 0, 0, 0)
            now_us = time_us
            self._pace(began, now_us - start_us)
            size = len(frame)
            self.buffer[:size] = frame
            yield (time_us, 0, size, size)
            self.buffer[:size] = bytes(size)
        while now_us < end_us:
            now_us = min(now_us + _TICK_US, end_us)
            self._pace(began, now_us - start_us)
            yield (now_us, 0, 0, 0)

    def _frames(self) -> Iterator[Frame]:
        """Yield the frames in order; a burst over the end of a stretch waits for the next."""
        over: list[Frame] = []
        at_s = self._from_s
        while at_s < self._to_s and not self._deaf:
            next_s = min(at_s + STRETCH_S, self._to_s)
            limit_us = self._air.at_us(next_s)
            frames = sorted([*over, *self._air.frames(at_s, next_s)], key=lambda frame: frame[0])
            yield from (frame for frame in frames if frame[0] < limit_us)
            over = [frame for frame in frames if frame[0] >= limit_us]
            at_s = next_s

    def _pace(self, began: float, elapsed_us: int) -> None:
        if self._speed is None:
            return
        ahead = elapsed_us / 1e6 / self._speed - (self._clock() - began)
        if ahead > 0:
            self._wait(ahead)
