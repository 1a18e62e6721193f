"""What a fixed-channel radio in each shop hears of a day's phones.

Signal strength: log-distance path loss (Rappaport, Wireless Communications, 2nd ed., eq. 4.69),
``rssi = P(1 m) - 10 n log10(d)``, less a shop front and the bodies in between, with log-normal
shadowing drawn anew for each burst. Within a burst (some 50 ms) it does not change.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaland.simulate import phones as behaviour
from chaland.simulate.phones import Address
from chaland.simulate.walkers import DAY_S, Day, Role, Stays, generator

RSSI_AT_1_M_DBM = -42.0
PATH_LOSS_EXPONENT = 2.6
SHOP_FRONT_DB = 5.0
BODY_DB_MAX = 8.0
SHADOWING_SD_DB = 3.5
HEARD_HALF_AT_DBM = -93.0
CHANNEL_SHARE = 1 / 3
"""A scan spreads over three channels; the radio stays on one."""
SCAN_SKIPS_CHANNEL = 0.15
FRAME_LOST = 0.10
EXCHANGES_PER_MINUTE: Mapping[Role, float] = {
    Role.VISITOR: 2.0,
    Role.PASSER_BY: 3.0,
    Role.STAFF: 2.0,
    Role.NEIGHBOUR: 2.0,
    Role.TERMINAL: 4.0,
}
"""Bursts of data frames of an associated device, by who it is. An access point drops a station that
is silent for five minutes (hostapd's ap_max_inactivity), so an idle one speaks far oftener."""
PAUSE_IN_SCAN_S = 1.5
"""Between two bursts of one scan, when a phone changes its address in between."""

NO_ELEMENTS = -1


@dataclass(frozen=True)
class Sightings:
    """Bursts that a shop's radio heard, one entry each.

    ``stay`` indexes the day's stays; ``element_set`` is ``NO_ELEMENTS`` for data frames;
    ``frames`` is at least 1. A phone that rotates its address has a new one in each entry.
    """

    stay: NDArray[np.int32]
    time_s: NDArray[np.float64]
    element_set: NDArray[np.int8]
    frames: NDArray[np.int16]
    rssi_dbm: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.stay)

    def select(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "Sightings":
        """Return some of the sightings, by mask or index."""
        return Sightings(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def hear(day: Day, seed: int) -> Sightings:
    """Return all that the town's radios heard on a day, probe requests first, then data."""
    rng = generator(seed, 2, day.day.toordinal())
    with_phone = np.flatnonzero(day.wifi_on[day.stays.who])
    stays = day.stays.select(with_phone)
    level = _mean_rssi(rng, day, stays)
    parts = [_probes(rng, day, stays, level), _exchanges(rng, day, stays, level)]
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in Sightings.__dataclass_fields__
    }
    columns["stay"] = with_phone[columns["stay"]].astype(np.int32)
    return Sightings(**columns)


def _mean_rssi(rng: np.random.Generator, day: Day, stays: Stays) -> NDArray[np.float32]:
    """Return the signal of each stay before shadowing, in dBm."""
    path = 10 * PATH_LOSS_EXPONENT * np.log10(np.maximum(stays.distance_m, 0.5))
    body = BODY_DB_MAX * rng.random(len(stays), np.float32)
    wall = SHOP_FRONT_DB * stays.behind_wall
    level: NDArray[np.float32] = (
        RSSI_AT_1_M_DBM + day.phones.power_db[stays.who] - path - body - wall
    ).astype(np.float32)
    return level


def _heard(
    rng: np.random.Generator,
    level: NDArray[np.float32],
    sent: NDArray[np.integer],
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Return (frames heard, rssi in dBm) of bursts of ``sent`` frames on the radio's channel."""
    rssi = level + SHADOWING_SD_DB * rng.standard_normal(len(level), np.float32)
    chance = (1 - FRAME_LOST) / (1 + np.exp((HEARD_HALF_AT_DBM - rssi) / 1.5))
    # a binomial draw each, as coins side by side: faster than the generator's own for few frames
    coins = rng.random(int(sent.sum()), np.float32) < np.repeat(chance, sent)
    hits = np.concatenate([[0], np.cumsum(coins)])
    last = np.cumsum(sent)
    return (hits[last] - hits[last - sent]).astype(np.int16), np.round(rssi).astype(np.int16)


def _probes(
    rng: np.random.Generator, day: Day, stays: Stays, level: NDArray[np.float32]
) -> Sightings:
    scans = np.flatnonzero(stays.role != Role.TERMINAL)
    stay, time_s = behaviour.draw_scans(
        rng, day.phones, stays.who[scans], stays.start_s[scans], stays.end_s[scans]
    )
    stay = scans[stay].astype(np.int32)
    model = day.phones.model[stays.who[stay]]
    total = behaviour.draw_frames_per_scan(rng, model)
    bursts = behaviour.BURSTS_PER_SCAN[model]
    on_channel = np.maximum(np.round(total * CHANNEL_SHARE / bursts), 1).astype(np.int16)
    on_channel[rng.random(len(stay), np.float32) < SCAN_SKIPS_CHANNEL] = 0
    element_set = behaviour.draw_element_sets(rng, model)
    again = np.flatnonzero(bursts > 1)
    burst = np.concatenate([np.arange(len(stay)), again])
    later = np.zeros(len(burst))
    later[len(stay) :] = PAUSE_IN_SCAN_S * (0.8 + 0.4 * rng.random(len(again)))
    frames, rssi = _heard(rng, level[stay[burst]], on_channel[burst])
    at = time_s[burst] + later
    heard = (frames > 0) & (at < DAY_S)
    burst = burst[heard]
    return Sightings(stay[burst], at[heard], element_set[burst], frames[heard], rssi[heard])


def _exchanges(
    rng: np.random.Generator, day: Day, stays: Stays, level: NDArray[np.float32]
) -> Sightings:
    online = np.flatnonzero(day.phones.address[stays.who] == Address.ASSOCIATED)
    rate = np.array([EXCHANGES_PER_MINUTE[role] for role in Role]) / 60
    lasts = stays.end_s[online] - stays.start_s[online]
    count = rng.poisson(lasts * rate[stays.role[online]])
    stay = np.repeat(online, count).astype(np.int32)
    time_s = stays.start_s[stay] + rng.random(len(stay)) * np.repeat(lasts, count)
    frames, rssi = _heard(rng, level[stay], rng.integers(1, 4, len(stay)))
    elements = np.full(len(stay), NO_ELEMENTS, np.int8)
    return Sightings(stay, time_s, elements, frames, rssi).select(frames > 0)
