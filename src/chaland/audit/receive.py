"""F12, and F2 of the capture child: a radio that only listens, to the few bytes that are needed."""

import hashlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from chaland.audit import search, spellings, streams
from chaland.audit.bench import Bench
from chaland.audit.radio import AirInterface, Canaries, data, heartbeat, joining, probe
from chaland.audit.report import Outcome
from chaland.audit.search import Needles
from chaland.audit.streams import Frames
from chaland.audit.town import Run, until
from chaland.wire.summary import Mode

_RADIO_HEADER = 16
_SECONDS = 4


def judge(bench: Bench) -> Outcome:
    """Listen on an interface, and count what leaves it; poison what need not be read."""
    outcome = Outcome()
    _poison(outcome)
    town = bench.town
    box = town.enrol(1)
    town.sign_charter(box)
    air = AirInterface(f"audit{os.getpid() % 100_000}")
    try:
        subprocess.run(["ip", "link", "set", air.name, "up"], check=True)
        run = box.run("--interface", air.name, user=0)  # here, where the interface is
        _listen(outcome, run, air)
        run.kill()
        packets = _transmitted(air.name)
        frames = air.sent()
    finally:
        air.close()
    outcome.measure("frames sent on the interface while capturing", max(packets, len(frames)), 0)
    outcome.require(packets == 0 and not frames, f"{max(packets, len(frames))} frames were sent")
    return outcome


def _transmitted(name: str) -> int:
    """Return the interface's count of transmitted packets."""
    return int(Path(f"/sys/class/net/{name}/statistics/tx_packets").read_text())


def _listen(outcome: Outcome, run: Run, air: AirInterface) -> None:
    """Let canaries be heard live; a second later no process of the sensor has them."""
    until(lambda: run.has_day or run.has_ended(), "the live sensor starts")
    canaries = Canaries.draw()
    until(lambda: len(run.pids()) >= 3 or run.has_ended(), "the capture child starts")
    time.sleep(1.0)
    for i in range(_SECONDS * 10):
        air.hears(heartbeat(16 * i))
        for address in canaries.all[i * 13 : (i + 1) * 13]:
            for frame in (data(address), probe(address), joining(address, b"cafe")):
                air.hears(frame)
        time.sleep(0.1)
    last = b"\x02" + os.urandom(5)
    air.hears(probe(last))
    time.sleep(1.0)
    patterns: dict[bytes, str] = {}
    for address in (*canaries.all, last):
        patterns |= spellings.of_secret(address, "an address")
    needles = Needles(patterns)
    with run.frozen() as pids:
        found = sum(sum(search.in_memory(pid, needles).values()) for pid in pids)
        tokens = _tokens_seen(run, canaries)
    outcome.measure("processes of a live sensor", len(pids), ">= 3")
    outcome.require(len(pids) >= 3, f"no capture child runs: {run.said()[-200:]}")
    outcome.require(tokens, "the live sensor heard nothing: the search is blind")
    outcome.require(not found, f"{found} addresses are in a live sensor's memory after a second")


def _tokens_seen(run: Run, canaries: Canaries) -> bool:
    for key in search.locked_pages(run.day_pid):
        tokens = [
            hashlib.blake2b(each, digest_size=8, key=key).digest() for each in canaries.staying
        ]
        if any(key) and search.in_memory(run.day_pid, Needles(dict.fromkeys(tokens, "token"))):
            return True
    return False


# Poison ------------------------------------------------------------------------------------------


def _poison(outcome: Outcome) -> None:
    """Overwrite every byte beyond the needed ones: not one exact count changes."""
    frames = streams.quiet(1) + streams.crowd(60, 9)
    frames = [each for each in frames if each[0] < 3600]
    poisoned = 0
    for mode in Mode:
        clean = streams.exact(frames, mode)
        for seed in range(3):
            dirty = list(_poisoned(frames, mode, seed))
            poisoned += len(dirty)
            outcome.require(
                streams.exact(dirty, mode) == clean,
                f"bytes that need not be read change what is counted ({mode} mode)",
            )
    outcome.measure("frames poisoned, that counted the same", poisoned)


def _poisoned(frames: Frames, mode: Mode, seed: int) -> Iterator[tuple[float, bytes]]:
    """Yield the frames with noise in receiver, duration, third address, network name and body."""
    chance = random.Random(seed)  # noqa: S311 (poison, not noise)
    for at_s, frame in frames:
        spoilt = bytearray(frame)
        start = _RADIO_HEADER
        kind = frame[start]
        if kind == 0x80:  # a beacon: its sequence number is read, to keep one in sixteen
            spoilt[start + 36 : -4] = chance.randbytes(len(spoilt) - start - 40)
        else:
            spoilt[start + 2 : start + 10] = chance.randbytes(8)
            spoilt[start + 16 : start + 22] = chance.randbytes(6)
            number = chance.randrange(4096) << 4  # fragment 0: the elements are in the first one
            spoilt[start + 22 : start + 24] = number.to_bytes(2, "little")
            is_data = kind & 0x0C == 0x08
            if is_data or mode is Mode.STRICT:
                body = start + 24 + (0 if is_data else 2 + spoilt[start + 25])
                spoilt[body:-4] = chance.randbytes(len(spoilt) - body - 4)
            elif kind == 0x40 and spoilt[start + 25]:
                name = spoilt[start + 25]
                spoilt[start + 26 : start + 26 + name] = chance.randbytes(name)
        yield at_s, bytes(spoilt)
