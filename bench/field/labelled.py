"""Crowds of labelled phones: recordings of single devices mixed at random, led through the sensor.

A phone in a crowd is one session of one device, shifted in time, with other addresses (each copy
flips the same bits in all of its addresses) and a signal level of its own. Phones with Wi-Fi
switched off (modes WS, WA) are left out, and so is Cagliari's device A: it was recorded under the
placeholder 02:00:00:00:00:00, which copies could not tell apart. polimi's addresses are random in
all bits, and its checksums no longer match (the frames are rebuilt here without).
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from chaland.sensor.capture import CaptureProblem, Record, open_source
from chaland.sensor.decode import LINK_RADIOTAP, Kind, Observation, decode
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.wire.periods import CELL_S
from chaland.wire.summary import Mode

US = 1_000_000
CHANNELS = (1, 6, 11)
ZONE = ZoneInfo("UTC")
LEFT_OUT = {"cagliari A"}
NEW_VISIT_S = 3600
SESSION_S_MIN = 600
CELL_START_US = 1_700_000_100 * US
CELL_START_US -= CELL_START_US % (CELL_S * US)
LEVEL_DBM, LEVEL_SD, WEAKEST_DBM = -55, 7, -69

Frame = tuple[int, int, bytes, int]
"""(microseconds from the session's start, dBm, 802.11 frame, offset of the address in it)."""


@dataclass(frozen=True)
class Session:
    """One device heard on one channel for a while."""

    length_us: int
    frames: tuple[Frame, ...]


Devices = dict[str, list[dict[int, Session]]]
"""By device its sessions, each with one recording a channel (channel 0: the only one)."""


def devices(folder: Path) -> Devices:
    """Read all labelled recordings of the folder that holds ``cagliari`` and ``polimi``."""
    found: dict[str, dict[str, dict[int, Session]]] = {}
    for path in sorted((folder / "cagliari").glob("*.pcap")):
        named = re.fullmatch(r"(\w)-ts-(.+)-mode([A-Z]+)(?:_new)?-ch-(\d+)-th-\d+", path.stem)
        if named is None:
            raise ValueError(f"{path.name}: not a name of the Cagliari set")
        device, when, mode, channel = named.groups()
        if not mode.startswith("W"):
            by_channel = found.setdefault(f"cagliari {device}", {}).setdefault(when, {})
            by_channel[int(channel)] = read(path)
    for path in sorted((folder / "polimi").glob("*.pcap")):
        found[f"polimi {path.stem.removesuffix('_anonymized')}"] = {"": {0: read(path)}}
    return {
        name: list(sessions.values()) for name, sessions in found.items() if name not in LEFT_OUT
    }


def read(path: Path) -> Session:
    """Read one recording's probe requests; of several visits the one with most frames."""
    source, seen = open_source(str(path)), Observation()
    frames: list[Frame] = []
    for time_us, start, end, original_length in source:
        drop = decode(source.buffer, start, end, source.link_type, seen, original_length)
        if drop is None and seen.kind is Kind.PROBE_REQUEST:
            body = bytes(source.buffer[seen.frame_at : seen.end])
            frames.append((time_us, seen.rssi_dbm or 0, body, seen.address_at - seen.frame_at))
    if not frames:
        return Session(SESSION_S_MIN * US, ())
    times = np.array([frame[0] for frame in frames])
    visit = np.concatenate([[0], np.cumsum(np.diff(times) > NEW_VISIT_S * US)])
    kept = np.flatnonzero(visit == np.bincount(visit).argmax())
    begin = int(times[kept[0]])
    length = max(int(times[kept[-1]]) - begin + 30 * US, SESSION_S_MIN * US)
    return Session(length, tuple((frames[i][0] - begin, *frames[i][1:]) for i in kept))


class Crowd:
    """A source of one quarter hour with the phones of a crowd in it."""

    link_type = LINK_RADIOTAP
    problems: Sequence[CaptureProblem] = ()

    def __init__(self, phones: Devices, size: int, rng: np.random.Generator) -> None:
        self.buffer = bytearray(4096)
        names = sorted(phones)
        channel = int(rng.choice(CHANNELS))
        frames: list[tuple[int, bytes]] = []
        self.addresses: set[bytes] = set()
        for _ in range(size):
            sessions = phones[names[rng.integers(len(names))]]
            session = sessions[rng.integers(len(sessions))]
            heard = session.get(channel) or session.get(0) or session[11]
            frames += self._copy(heard, rng)
        self._frames = sorted(frames)

    def _copy(self, session: Session, rng: np.random.Generator) -> Iterator[tuple[int, bytes]]:
        shift_us = int(rng.integers(session.length_us))
        flips = rng.bytes(6)
        level = rng.normal(LEVEL_DBM, LEVEL_SD)
        usual = float(np.median([frame[1] for frame in session.frames])) if session.frames else 0
        for time_us, rssi, frame, address_at in session.frames:
            address = frame[address_at : address_at + 6]
            other = bytes(a ^ b for a, b in zip(address, flips, strict=True))
            dbm = int(np.clip(round(level + rssi - usual), WEAKEST_DBM, -20))
            whole = (
                struct.pack("<BBHIb", 0, 0, 9, 1 << 5, dbm)
                + frame[:address_at]
                + other
                + frame[address_at + 6 :]
            )
            first_us = (time_us + shift_us) % session.length_us
            for at_us in range(first_us, CELL_S * US, session.length_us):
                self.addresses.add(other)
                yield CELL_START_US + at_us, whole

    def __iter__(self) -> Iterator[Record]:
        """Yield the frames in time order, after a tick that begins the quarter hour."""
        yield CELL_START_US, 0, 0, 0
        for time_us, frame in self._frames:
            self.buffer[: len(frame)] = frame
            yield time_us, 0, len(frame), len(frame)
        yield CELL_START_US + CELL_S * US - 1, 0, 0, 0


def counts(phones: Devices, size: int, rng: np.random.Generator) -> dict[str, float]:
    """Mix a crowd and return what is counted in its quarter hour, by name; exact."""
    crowd = Crowd(phones, size, rng)
    found: dict[str, float] = {"addresses": float(len(crowd.addresses))}
    for mode, names in ((Mode.DEFAULT, ("fingerprints", "scans")), (Mode.STRICT, ("strict",))):
        config = PipelineConfig(ZONE, recorded=True, mode=mode)
        (cell,) = Pipeline(config, crowd).exact_cells()
        for name in names:
            found[name] = float(getattr(cell, "scans" if name == "strict" else name))
    return found
