"""Radio made of bytes for the pipeline's tests: each frame passes the real decoder."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest

from chaland.sensor.capture import CaptureProblem, Record
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.presence.cells import ExactCell
from chaland.sensor.privacy import SeededBits
from chaland.sensor.privacy.objection import ObjectionFilter
from chaland.sensor.privacy.town_key import TownKey
from chaland.simulate.frames import (
    association_request,
    authentication,
    beacon,
    data_to_access_point,
    probe_request,
    radiotap_frame,
)

US = 1_000_000
NOON_US = 1_700_049_600 * US  # 2023-11-15 12:00 UTC: a cell starts
BSSID = bytes.fromhex("001122334455")


def phone(number: int, is_global: bool = False) -> bytes:
    """Return the address of a phone of the test, random or given by its maker."""
    return bytes([0x00 if is_global else 0x02, 0xBB]) + number.to_bytes(4, "big")


def model(number: int) -> bytes:
    """Return the elements (rates, vendor) of a phone model."""
    return b"\x01\x02\x82" + bytes([number]) + b"\xdd\x06\x00\x50\xf2" + bytes([number]) + b"xx"


@dataclass
class Air:
    """A source of frames from a list; times in seconds after ``NOON_US``."""

    records: list[tuple[int, bytes]] = field(default_factory=list)
    buffer: bytearray = field(default_factory=lambda: bytearray(2048))
    link_type: int = 127
    problems: Sequence[CaptureProblem] = ()
    acts: list[tuple[int, Callable[[], object]]] = field(default_factory=list)

    def then(self, at_s: float, act: Callable[[], object]) -> None:
        """Do something, as another thread would, just before the first record from then on."""
        self.acts.append((NOON_US + round(at_s * US), act))

    def add(self, at_s: float, frame: bytes, rssi_dbm: int = -60) -> None:
        self.records.append((NOON_US + round(at_s * US), radiotap_frame(frame, rssi_dbm, 6)))

    def probe(
        self,
        at_s: float,
        sender: bytes,
        elements: bytes = b"",
        ssid: bytes = b"",
        rssi_dbm: int = -60,
    ) -> None:
        body = b"\x00" + bytes([len(ssid)]) + ssid + elements
        self.add(at_s, probe_request(sender, 7, body), rssi_dbm)

    def data(self, at_s: float, sender: bytes, rssi_dbm: int = -60) -> None:
        self.add(at_s, data_to_access_point(sender, BSSID, 7, False), rssi_dbm)

    def joins(self, at_s: float, sender: bytes, ssid: bytes, rssi_dbm: int = -60) -> None:
        self.add(at_s, authentication(sender, BSSID, 6), rssi_dbm)
        body = b"\x00" + bytes([len(ssid)]) + ssid
        self.add(at_s, association_request(sender, BSSID, 7, body), rssi_dbm)

    def beacon(self, at_s: float, bssid: bytes = BSSID) -> None:
        self.add(at_s, beacon(bssid, 7, b"cafe", 6), -50)

    def tick(self, at_s: float) -> None:
        self.records.append((NOON_US + round(at_s * US), b""))

    def ticks(self, from_s: int, to_s: int, beacons: bool = False) -> None:
        for at_s in range(from_s, to_s + 1):
            (self.beacon if beacons and at_s % 10 == 0 else self.tick)(at_s)

    def in_order(self) -> "Air":
        self.records.sort(key=lambda record: record[0])
        return self

    def __iter__(self) -> Iterator[Record]:
        acts = sorted(self.acts, key=lambda act: act[0])
        for time_us, frame in self.records:
            while acts and acts[0][0] <= time_us:
                acts.pop(0)[1]()
            self.buffer[: len(frame)] = frame
            yield (time_us, 0, len(frame), len(frame))
            self.buffer[: len(frame)] = bytes(len(frame))


@pytest.fixture(scope="session")
def new_air() -> type[Air]:
    return Air


def _pipeline(
    air: Air,
    town_key: TownKey | None = None,
    objections: ObjectionFilter | None = None,
    **settings: object,
) -> Pipeline:
    config = PipelineConfig(ZoneInfo("Europe/Paris"), **{"recorded": True} | settings)  # type: ignore[arg-type]
    return Pipeline.simulated(config, air, SeededBits(1), town_key=town_key, objections=objections)


@pytest.fixture(scope="session")
def pipeline_of() -> Callable[..., Pipeline]:
    """A pipeline over a source, with noise of seed 1; settings go to PipelineConfig."""
    return _pipeline


@pytest.fixture(scope="session")
def cells_of() -> Callable[..., list[ExactCell]]:
    """The exact cells that a source gives."""
    return lambda air, **settings: list(_pipeline(air, **settings).exact_cells())


@pytest.fixture(scope="session")
def address() -> Callable[..., bytes]:
    return phone


@pytest.fixture(scope="session")
def elements() -> Callable[[int], bytes]:
    return model
