"""The air of one shop on one day: every frame that its radio hears, as bytes, in order."""

from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from chaland.simulate import frames
from chaland.simulate.phones import SET_NAMES, Address
from chaland.simulate.radio import NO_ELEMENTS, Sightings
from chaland.simulate.walkers import DAY_S, Day, generator
from chaland.wire.periods import day_bounds

TIMEZONE = ZoneInfo("Europe/Paris")
TOWN_NETWORK = b"Bellerive Centre"
OBJECTION_NETWORK = b"chaland-optout"
CHANNEL = 6
BEACON_EVERY_S = 10.0
"""Capture filters sample beacons; the air carries ten a second."""
FRAME_GAP_US = 18_000
JOINING_US = 9000
DIRECTED_SHARE = 0.08
COLLISION_SHARE = 0.01
_HOME_NETWORKS = tuple(f"Boite-{number:04X}".encode() for number in range(3000, 60000, 977))

Frame = tuple[int, bytes]
"""(time in microseconds since the epoch, radiotap bytes)."""


class ShopAir:
    """Frames of one shop's radio. Any stretch of the day can be made, each time the same.

    With each hundredth burst comes a frame broken by a collision: an extra copy that the radio
    marks as bad. A decoder must put exactly these aside.
    """

    def __init__(self, day: Day, sightings: Sightings, shop: int, seed: int) -> None:
        mine = np.flatnonzero(day.stays.shop[sightings.stay] == shop)
        self._heard = sightings.select(mine[np.argsort(sightings.time_s[mine], kind="stable")])
        self._starts_us = int(day_bounds(day.day, TIMEZONE)[0].timestamp()) * 1_000_000
        self._who = day.stays.who[self._heard.stay]
        self._objects = day.phones.objects[self._who]
        rng = generator(seed, 3, day.day.toordinal(), shop)
        self._draw(rng, day, seed)
        self._access_points = _access_points(seed, shop)

    def at_us(self, day_s: float) -> int:
        """Return an instant of the day (seconds since 04:00) in microseconds since the epoch."""
        return self._starts_us + round(day_s * 1e6)

    def _draw(self, rng: np.random.Generator, day: Day, seed: int) -> None:
        """Draw per sighting: address, first sequence number, SSID choice, nonce."""
        n = len(self._heard)
        address = rng.integers(0, 256, (n, 6), np.uint8)
        address[:, 0] = address[:, 0] & 0xFC | 2  # an individual, locally administered address
        kept = day.phones.address[self._who] != Address.ROTATING
        everyone = generator(seed, 5, day.day.toordinal())  # the same address in every shop
        own = everyone.integers(0, 256, (len(day.phones), 6), np.uint8)
        own[:, 0] &= 0xFC
        own[day.phones.address == Address.ASSOCIATED, 0] |= 2
        address[kept] = own[self._who[kept]]
        self._address = address
        self._sequence = rng.integers(0, 4096, n)
        self._directed = rng.random(n) < DIRECTED_SHARE
        self._network = rng.integers(0, len(_HOME_NETWORKS), n)
        self._nonce = rng.integers(0, 256, (n, 2), np.uint8)
        self._collides = rng.random(n) < COLLISION_SHARE
        data = self._heard.element_set == NO_ELEMENTS
        self._joins = np.zeros(n, bool)
        first_of = np.unique(self._heard.stay[data], return_index=True)[1]
        self._joins[np.flatnonzero(data)[first_of]] = True

    def frames(self, from_s: float = 0.0, to_s: float = DAY_S) -> Iterator[Frame]:
        """Yield the frames of all bursts that begin in a stretch of the day, in order of time.

        The last burst's end may lie after the stretch.
        """
        low, high = np.searchsorted(self._heard.time_s, (from_s, to_s))
        made = [frame for index in range(low, high) for frame in self._burst(int(index))]
        made += self._beacons(from_s, to_s)
        made.sort(key=lambda frame: frame[0])
        yield from made

    def _burst(self, index: int) -> Iterator[Frame]:
        """Yield the frames of one sighting."""
        heard = self._heard
        rssi, at_s = int(heard.rssi_dbm[index]), float(heard.time_s[index])
        sequence = int(self._sequence[index])
        sender = self._address[index].tobytes()
        make = self._data(index, sender) if heard.element_set[index] == NO_ELEMENTS else None
        body = b"" if make else self._probe_body(index)
        at_us = self.at_us(at_s)
        if self._joins[index]:
            yield from self._joining(index, sender, at_us)
            at_us += JOINING_US
        for number in range(int(heard.frames[index])):
            next_ = (sequence + 2 * number) & 0xFFF
            frame = make(next_) if make else frames.probe_request(sender, next_, body)
            time_us = at_us + number * FRAME_GAP_US
            yield time_us, frames.radiotap_frame(frame, rssi, CHANNEL)
            if number == 0 and self._collides[index]:
                yield time_us + 300, frames.radiotap_frame(frame, rssi, CHANNEL, bad_fcs=True)

    def _probe_body(self, index: int) -> bytes:
        ssid = b""
        if self._objects[index]:
            ssid = OBJECTION_NETWORK
        elif self._directed[index]:
            ssid = _HOME_NETWORKS[self._network[index]]
        element_set = int(self._heard.element_set[index])
        return frames.probe_body(element_set, CHANNEL, ssid, self._nonce[index].tobytes())

    def _data(self, index: int, sender: bytes) -> Callable[[int], bytes]:
        bssid = self._access_points[0][0]
        retry = bool(self._nonce[index, 0] < 20)
        return lambda sequence: frames.data_to_access_point(sender, bssid, sequence, retry)

    def _joining(self, index: int, sender: bytes, at_us: int) -> Iterator[Frame]:
        """Yield how a phone joins the town's network, just before its first data."""
        bssid = self._access_points[0][0]
        rssi = int(self._heard.rssi_dbm[index])
        name = OBJECTION_NETWORK if self._objects[index] else TOWN_NETWORK
        elements = frames.probe_body(SET_NAMES.index("montre"), CHANNEL, name)
        sequence = int(self._sequence[index])
        for after_us, frame in (
            (0, frames.authentication(sender, bssid, (sequence - 4) & 0xFFF)),
            (4000, frames.association_request(sender, bssid, (sequence - 2) & 0xFFF, elements)),
        ):
            yield at_us + after_us, frames.radiotap_frame(frame, rssi, CHANNEL)

    def _beacons(self, from_s: float, to_s: float) -> list[Frame]:
        numbers = range(int(np.ceil(from_s / BEACON_EVERY_S)), int(np.ceil(to_s / BEACON_EVERY_S)))
        return [
            (
                self.at_us(number * BEACON_EVERY_S + 0.7 * place),
                frames.radiotap_frame(
                    frames.beacon(bssid, number & 0xFFF, ssid, CHANNEL), rssi, CHANNEL
                ),
            )
            for number in numbers
            for place, (bssid, ssid, rssi) in enumerate(self._access_points)
        ]


def _access_points(seed: int, shop: int) -> list[tuple[bytes, bytes, int]]:
    """Return (bssid, network name, dBm) of the shop's own access point and of two neighbours'."""
    rng = generator(seed, 6, shop)
    raw: NDArray[np.uint8] = rng.integers(0, 256, (3, 6), np.uint8)
    raw[:, 0] &= 0xFC
    names = (TOWN_NETWORK, *(_HOME_NETWORKS[i] for i in rng.integers(0, len(_HOME_NETWORKS), 2)))
    levels = (-48, *(int(v) for v in rng.integers(-86, -72, 2)))
    return [(bytes(row), name, dbm) for row, name, dbm in zip(raw, names, levels, strict=True)]
