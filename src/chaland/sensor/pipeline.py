"""From frames to released cells: the address dies in here, and every frame is accounted for.

    capture → decode → health | objection → RSSI gate → windows, visits → noise → summary
                                                                      arrivals → sketch

Each step either lets the frame pass or names the :class:`Drop` under which it is counted.
"""

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from chaland.sensor.capture import FrameSource
from chaland.sensor.capture.health import Health
from chaland.sensor.decode import Kind, Observation, decode
from chaland.sensor.drops import Drop
from chaland.sensor.presence.cells import ExactCell, Noise, instant
from chaland.sensor.presence.clock import CELL_US, US, ReceiverClock, Step
from chaland.sensor.presence.visits import VisitTable
from chaland.sensor.presence.windows import WindowTable
from chaland.sensor.privacy.keys import overwrite_stack, pointer_to
from chaland.sensor.privacy.objection import NetworkName, ObjectionFilter
from chaland.sensor.privacy.random_bits import OperatingSystemBits, RandomBits, SeededBits
from chaland.sensor.privacy.sketch import Sketch
from chaland.sensor.privacy.town_key import TownKey
from chaland.wire.mechanism import DEFAULT_MECHANISM, Mechanism
from chaland.wire.periods import local_day
from chaland.wire.summary import CellCounts, Mode, State

T = TypeVar("T")
Cells: TypeAlias = Generator[T, None, None]

_NOT_GLOBAL = 0b11
"""Bits of an address's first byte: group (no device's) or local (not given by the maker)."""


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """What a sensor is told. RSSI gates in dBm; ``timezone`` decides where a day ends."""

    timezone: ZoneInfo
    rssi_visitor_dbm: int = -70
    rssi_passer_by_dbm: int = -85
    mode: Mode = Mode.DEFAULT
    objection_ssid: str = "chaland-optout"
    objection_is_suffix: bool = False
    recorded: bool = False
    """The source is a file: up to 15 min of silence are quiet, beacons are not required, and the
    dwell of its last day comes with its end."""
    last_released: datetime | None = None
    """Start of the last cell that an earlier process released: no cell is drawn twice."""
    day: date | None = None
    """The local day whose co-visits are sketched, once the town's key of that day has come."""
    mechanism: Mechanism = DEFAULT_MECHANISM

    def __post_init__(self) -> None:
        """Refuse gates the wrong way round (ValueError)."""
        if self.rssi_passer_by_dbm > self.rssi_visitor_dbm:
            raise ValueError(
                f"rssi_passer_by_dbm {self.rssi_passer_by_dbm} must not be above "
                f"rssi_visitor_dbm {self.rssi_visitor_dbm}: passers-by are heard more weakly"
            )


class Pipeline:
    """One sensor's day, from one source of frames. Iterate ``run`` once."""

    def __init__(
        self,
        config: PipelineConfig,
        source: FrameSource,
        *,
        random: OperatingSystemBits | None = None,
        town_key: TownKey | None = None,
        objections: ObjectionFilter | None = None,
    ) -> None:
        """Prepare all memory. Raises MemoryNotLockedFinal; TypeError for seeded randomness.

        ``town_key`` (without it there is no sketch) and ``objections`` are noticed each second
        when another thread changes them; they may serve one pipeline after another.
        """
        if random is not None and not isinstance(random, OperatingSystemBits):
            raise TypeError("a live pipeline draws from the operating system; see simulated()")
        self._prepare(config, source, random or OperatingSystemBits(), town_key, objections)

    @classmethod
    def simulated(
        cls,
        config: PipelineConfig,
        source: FrameSource,
        random: SeededBits,
        *,
        town_key: TownKey | None = None,
        objections: ObjectionFilter | None = None,
    ) -> Self:
        """Return a pipeline with repeatable noise; what it releases must be marked simulated."""
        pipeline = cls.__new__(cls)
        pipeline._prepare(config, source, random, town_key, objections)
        return pipeline

    def _prepare(
        self,
        config: PipelineConfig,
        source: FrameSource,
        bits: RandomBits,
        town_key: TownKey | None,
        objections: ObjectionFilter | None,
    ) -> None:
        self._config = config
        self._source = source
        self._buffer = source.buffer
        self._frame = pointer_to(source.buffer)
        self._observation = Observation()
        self._clock = ReceiverClock(config.recorded)
        self._optout = NetworkName(config.objection_ssid, config.objection_is_suffix)
        self._objections = objections or ObjectionFilter(config.mechanism.objection)
        self._windows = WindowTable(config.mechanism, config.mode)
        self._visits = VisitTable(config.mechanism)
        self._noise = Noise(config.mechanism, config.mode, bits)
        self._sketch = Sketch(
            config.mechanism.sketch, bits.apart(), town_key, config.day, config.timezone
        )
        self._fingerprints = self._scans = 0
        last = config.last_released
        self._released_us = int(last.timestamp()) * US if last else -1
        self._drops = dict.fromkeys(Drop, 0)
        self.frames = 0
        self.is_simulated = isinstance(bits, SeededBits)

    @property
    def drops(self) -> Mapping[Drop, int]:
        """Frames put aside so far, by reason; local to the sensor."""
        return self._drops

    def run(self) -> Cells[CellCounts]:
        """Yield each cell when it has ended, noised; all state is zeroed when this ends."""
        with closing(self.exact_cells()) as cells:
            for exact in cells:
                release = self._noise.release(exact)
                if self._noise.flooded:
                    self._visits.wipe()
                yield release

    def exact_cells(self) -> Cells[ExactCell]:
        """Yield the cells before noise, for ``run``, tests and benchmarks; never to be stored."""
        clock, take, drops = self._clock, self._take, self._drops
        next_second_us = 0
        try:
            for time_us, start, end, original_length in self._source:
                if not clock.now_us <= time_us < next_second_us:
                    late = yield from self._advance(time_us)
                    next_second_us = clock.now_us - clock.now_us % US + US
                    self._objections.notice(next_second_us - US)
                    self._sketch.notice(next_second_us - US)
                else:
                    clock.now_us, late = time_us, False
                if end == 0:
                    continue
                self.frames += 1
                drop = Drop.OUT_OF_ORDER if late else take(start, end, original_length)
                overwrite_stack()
                if drop is not None:
                    drops[drop] += 1
            yield from self._stop(None)
        finally:
            self._windows.zero()
            self._visits.zero()
            self._sketch.zero()

    def _take(self, start: int, end: int, original_length: int) -> Drop | None:
        """Lead one frame through the steps; return why it was put aside, if it was."""
        observation = self._observation
        link_type = self._source.link_type
        drop = decode(self._buffer, start, end, link_type, observation, original_length)
        if drop is None and observation.kind is Kind.BEACON:
            return self._hear_beacon()
        return drop or self._refuse_objecting() or self._refuse_signal() or self._count()

    def _hear_beacon(self) -> Drop | None:
        if self._buffer[self._observation.address_at] & _NOT_GLOBAL:
            return Drop.HOTSPOT_BEACON
        self._clock.hear_beacon()
        return None

    def _refuse_objecting(self) -> Drop | None:
        observation = self._observation
        address = self._frame + observation.address_at
        asks = self._optout.is_named_by(self._buffer, observation)
        is_near = not asks and self._objections.is_near(observation.rssi_dbm)
        is_new = (asks or is_near) and self._objections.add(address, by_button=is_near)
        is_barred = self._objections.holds(address)
        if asks or is_near:
            self._windows.forget(address)
            if self._visits.forget(address, is_barred) and is_new:
                self._sketch.forget(address)
            return Drop.OBJECTED if is_barred else Drop.OBJECTION_OVER_LIMIT
        return Drop.OBJECTED if is_barred else None

    def _refuse_signal(self) -> Drop | None:
        rssi_dbm = self._observation.rssi_dbm
        if rssi_dbm is None:
            return Drop.SIGNAL_MISSING
        return Drop.SIGNAL_WEAK if rssi_dbm < self._config.rssi_passer_by_dbm else None

    def _count(self) -> Drop | None:
        """Count in both tables: neither may depend on whether the other one is full."""
        observation, clock = self._observation, self._clock
        if clock.cell_us <= self._released_us:
            return Drop.CELL_RELEASED
        is_probe = observation.kind is Kind.PROBE_REQUEST
        is_inside = (observation.rssi_dbm or 0) >= self._config.rssi_visitor_dbm
        is_random = self._buffer[observation.address_at] & _NOT_GLOBAL
        window = visit = None
        if is_probe and is_inside:
            in_window_us = clock.now_us - clock.window_us
            window = self._windows.count(self._buffer, self._frame, observation, in_window_us)
        if not (is_probe and is_random):
            address = self._frame + observation.address_at
            arrivals = self._visits.arrivals
            visit = self._visits.sight(address, clock.now_us, is_inside)
            if self._visits.arrivals > arrivals:
                self._sketch.visit(address, clock.now_us)
        elif not is_inside:
            visit = Drop.NOT_FOLLOWABLE
        return window or visit

    def _advance(self, time_us: int) -> Generator[ExactCell, None, bool]:
        """Move the clock to a record's time, ending what ends by then; return if it is late."""
        clock = self._clock
        step = clock.judge(time_us)
        if step is Step.LATE:
            return True
        if step is Step.SET_BACK:
            self._restart(time_us)
            return False
        if step is Step.JUMP:
            self._visits.expire(time_us)
            yield from self._stop(local_day(instant(time_us), self._config.timezone))
            self._restart(time_us)
            return False
        clock.note_gap(time_us)
        while clock.window_end_us <= time_us:
            yield from self._close_window()
        clock.now_us = max(clock.now_us, time_us)
        self._visits.expire(clock.now_us - clock.now_us % US)
        return False

    def _close_window(self, stops: bool = False, next_day: date | None = None) -> Cells[ExactCell]:
        clock = self._clock
        cell_us = clock.cell_us
        self._visits.expire(clock.now_us if stops else clock.window_end_us)
        window = self._windows.close()
        self._objections.begin_window()
        if clock.close_window():  # what a gap spoiled is not added up
            self._fingerprints += window.fingerprints
            self._scans += window.scans
        if stops or clock.cell_us != cell_us:
            yield from self._end_cell(cell_us, stops, next_day)

    def _stop(self, next_day: date | None) -> Cells[ExactCell]:
        """End the stream (for good, or up to ``next_day`` after a pause) where it stands."""
        if self._clock.now_us:
            self._clock.stop()
            yield from self._close_window(True, next_day)

    def _end_cell(self, cell_us: int, stops: bool, next_day: date | None) -> Cells[ExactCell]:
        start, end = instant(cell_us), instant(cell_us + CELL_US)
        clock, visits, timezone = self._clock, self._visits, self._config.timezone
        day = local_day(start, timezone)
        if not stops:
            day_ends = local_day(end, timezone) != day
        else:  # a file ends its day; a live process that ends may be started again
            day_ends = self._config.recorded if next_day is None else next_day != day
        if stops or day_ends:
            visits.end_lives()
        exact = ExactCell(
            start=start,
            windows=clock.observed,
            state=self._state(),
            fingerprints=self._fingerprints,
            scans=self._scans,
            arrivals=visits.arrivals,
            passers_by=visits.passers_by,
            peak=visits.peak,
            dwell_day=day if day_ends else None,
            dwell=tuple(visits.dwell.tolist()) if day_ends else (),
            sketch=self._sketch.release(day, cell_us) if day_ends else None,
        )
        self._begin_cell()
        if day_ends:
            visits.begin_day()
            self._objections.begin_day()
        is_empty = stops and not exact.windows and exact.dwell_day is None
        if cell_us > self._released_us and not is_empty:
            self._released_us = cell_us
            yield exact

    def _begin_cell(self) -> None:
        self._fingerprints = self._scans = 0
        self._clock.begin_cell()
        self._visits.begin_cell()

    def _restart(self, time_us: int) -> None:
        """Go on at another time: counts of a cell that never ended are forgotten."""
        self._windows.wipe()
        self._visits.wipe()
        self._begin_cell()
        self._clock.start(time_us)

    def _state(self) -> State:
        """Return the cell's state: of the capture's process, or judged by beacons."""
        health: Health | None = getattr(self._source, "health", None)
        if health is not None and health.state is not State.OK:
            return health.state
        if not self._clock.deaf:
            return State.OK
        return State.DEAF if self._clock.beacon_heard_ever else State.NO_FRAMES
