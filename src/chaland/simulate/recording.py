"""A simulated capture on disk: a pcap file, and the ground truth beside it."""

import csv
import struct
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from chaland.simulate.air import TIMEZONE, Frame, ShopAir
from chaland.simulate.radio import hear
from chaland.simulate.walkers import Presence, Walkers
from chaland.simulate.wifi import LINK_TYPE_RADIOTAP

_MICROSECOND_MAGIC = 0xA1B2C3D4
_SNAP_LENGTH = 65535


class Recorded(NamedTuple):
    """What was written."""

    frames: int
    people_mean: float


def record_shop(
    walkers: Walkers,
    day: date,
    shop: int,
    span_s: tuple[float, float],
    *,
    pcap: Path,
    people: Path | None,
) -> Recorded:
    """Write what a shop's radio hears between two times of a local day (seconds since 04:00).

    ``people`` gets the change points of the number of people inside, staff too, in local time.
    Raises OSError for a file that can't be written.
    """
    there = walkers.day(day)
    air = ShopAir(there, hear(there, walkers.seed), shop, walkers.seed)
    inside = there.people_inside(shop)
    if people is not None:  # first, as it is quick: a bad place is told before the long work
        write_people(people, inside, air, span_s)
    count = write_pcap(pcap, air.frames(*span_s))
    return Recorded(count, float(inside.means(np.array(span_s))[0]))


def write_pcap(path: Path, frames: Iterable[Frame]) -> int:
    """Write frames as a little-endian pcap file of link type 127; return how many there were."""
    count = 0
    with path.open("wb") as file:
        file.write(
            struct.pack(
                "<IHHiIII", _MICROSECOND_MAGIC, 2, 4, 0, 0, _SNAP_LENGTH, LINK_TYPE_RADIOTAP
            )
        )
        for time_us, frame in frames:
            seconds, micros = divmod(time_us, 1_000_000)
            file.write(struct.pack("<IIII", seconds, micros, len(frame), len(frame)) + frame)
            count += 1
    return count


def write_people(path: Path, inside: Presence, air: ShopAir, span_s: tuple[float, float]) -> None:
    """Write ``time_local,people``: the number at the start of the span, its changes, the end."""
    from_s, to_s = span_s
    before = int(np.searchsorted(inside.at_s, from_s, side="right")) - 1
    after = int(np.searchsorted(inside.at_s, to_s, side="right"))
    times = np.concatenate([[from_s], inside.at_s[before + 1 : after], [to_s]])
    people = [*inside.people[before:after], inside.people[after - 1]]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["time_local", "people"])
        for at_s, number in zip(times, people, strict=True):
            at = datetime.fromtimestamp(air.at_us(float(at_s)) / 1e6, UTC).astimezone(TIMEZONE)
            rows.writerow([at.strftime("%Y-%m-%d %H:%M:%S.%f"), int(number)])
