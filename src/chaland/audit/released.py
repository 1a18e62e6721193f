"""F6 on real processes: what a sensor releases of known streets is the truth, and noise on it.

Days of a street whose exact counts are known by its making are read by ``chaland sensor run``,
in each mode by two copies of one box at the same time. Released minus exact must be noise: of the
stated distribution, at every hour, day and height of the truth, unlike itself at any distance, and
unlike the other copy's. Then one of the boxes uploads, and nothing but that has left it.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chaland.audit import egress, statistics
from chaland.audit.bench import Bench
from chaland.audit.promises import PROMISED, PROMISED_DWELL
from chaland.audit.radio import OUTSIDE_DBM, data, heartbeat, pcap_header, pcap_record, probe
from chaland.audit.report import FALSE_ALARM, Outcome
from chaland.audit.town import Box, BrokenFinal, Run, Town
from chaland.wire.mechanism import Noised
from chaland.wire.summary import CellCounts, Mode, Summary, decode

DAYS, QUICK_DAYS = 6, 2
CELLS_A_DAY = 96
_CELL_S, _WINDOW_S = 900, 300
_NOBODY = "http://127.0.0.1:9"
"""Where no hub is: releases wait in the spool."""
_TESTS = 60
_CHANCE = FALSE_ALARM / 8 / _TESTS
_TOO_QUIET, _TOO_LOUD = 6.0, 8.0
"""Deviates of a group's noise from its mean size: sums of it are skew, so the ends differ."""
_FEW = 16
"""A smaller group says nothing of its own."""

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Street:
    """What was truly there: counts of each cell in order, stays by day and bin."""

    counts: Mapping[str, Integers]
    stays: Integers


def judge(bench: Bench, outcome: Outcome) -> None:
    """Let four sensors read the street, and judge what they spool; then let one send."""
    town = bench.town
    days = QUICK_DAYS if bench.quick else DAYS
    start_s = town.today_at(4) - days * 86_400
    capture = bench.folder / "street.pcap"
    street = write(capture, start_s, days)
    dwell: list[Integers] = []
    for mode in Mode:
        boxes = _pair(town, mode)
        _read_at_once(boxes, capture)
        spooled = [_spooled(box) for box in boxes]
        cells = [_in_order(each, start_s, days) for each in spooled]
        _judge_mode(outcome, mode, [_noise(each, street, mode) for each in cells], street)
        dwell += [_dwell_noise(each, street) for each in cells]
        if mode is Mode.DEFAULT:
            _sent_as_spooled(outcome, town, boxes[0], spooled[0])
    _judge_dwell(outcome, np.concatenate([each.ravel() for each in dwell]))
    outcome.require(
        not np.array_equal(dwell[0], dwell[1]), "two processes release the dwell with one noise"
    )
    outcome.measure("cells of real processes, released minus exact", 4 * days * CELLS_A_DAY)


# The street ------------------------------------------------------------------------------------


def write(path: Path, start_s: int, days: int) -> Street:
    """Write the capture and return what is in it. Nobody is seen twice, all leave in their cell."""
    chance = random.Random(20_261)  # noqa: S311 (of the street, not of any noise)
    cells = days * CELLS_A_DAY
    counts = {name: np.zeros(cells, np.int64) for name in PROMISED[Mode.DEFAULT]}
    stays = np.zeros((days, 6), np.int64)
    with path.open("wb") as file:
        file.write(pcap_header())
        for cell in range(cells):
            frames, exact, bins = _cell(chance)
            for name, count in exact.items():
                counts[name][cell] = count
            stays[cell // CELLS_A_DAY] += bins
            at_us = (start_s + cell * _CELL_S) * 10**6
            for at_s, frame in sorted(frames):
                file.write(pcap_record(at_us + round(at_s * 1e6), frame))
    path.chmod(0o644)
    return Street(counts, stays)


def _cell(chance: random.Random) -> tuple[list[tuple[float, bytes]], dict[str, int], Integers]:
    """Return one quarter hour: its frames, its exact counts, its stays by bin."""
    frames = [(float(at_s), heartbeat(at_s)) for at_s in range(0, _CELL_S, 100)]
    arrivals, long, passers = (chance.choice(some) for some in ((0, 0, 2, 7), (0, 1), (0, 0, 2, 6)))
    scans = fingerprints = 0
    for window in range(3):
        seconds = [10 + 20 * n for n in range(chance.choice((0, 0, 1, 4)))]
        frames += [
            (window * _WINDOW_S + at_s + 0.5, probe(b"\x02" + chance.randbytes(5)))
            for at_s in seconds
        ]
        scans += len(seconds)
        fingerprints += len({at_s // 60 for at_s in seconds})
    for n in range(arrivals):
        address, times = b"\x5c" + chance.randbytes(5), (60, 260, 460) if n < long else (60, 135)
        frames += [(at_s + n / 100, data(address)) for at_s in times]
    for n in range(passers):
        frames.append((100 + n / 100, data(b"\x5c" + chance.randbytes(5), rssi_dbm=OUTSIDE_DBM)))
    bins = np.zeros(6, np.int64)
    bins[1] = min(long, arrivals)
    bins[0] = arrivals - bins[1]
    exact = {"fingerprints": fingerprints, "scans": scans, "arrivals": arrivals,
             "passers_by": passers}  # fmt: skip
    return frames, exact, bins


# The sensors -----------------------------------------------------------------------------------


def _pair(town: Town, mode: Mode) -> tuple[Box, Box]:
    """Return a box and its copy, which can reach no hub: same state, same street."""
    box = town.enrol(0)
    town.sign_charter(box)
    box.configure(box.config() | {"mode": mode})
    twin = box.copy(f"twin-{mode}")
    for each in (box, twin):
        each.configure(each.config() | {"hub": _NOBODY})
    return box, twin


def _read_at_once(boxes: Sequence[Box], capture: Path) -> None:
    """Start both in the same moment, so that a seed made of the time is the same in both."""
    runs: list[Run] = [box.run(str(capture)) for box in boxes]
    for run in runs:
        if run.close(240) != 0:
            raise BrokenFinal(f"a sensor did not read a street: {run.said()[-300:]}")


def _spooled(box: Box) -> list[Summary]:
    """Return what waits in a box's spool, in order."""
    return [decode(path.read_bytes()) for path in sorted((box.state / "spool/queue").iterdir())]


def _in_order(spooled: Sequence[Summary], start_s: int, days: int) -> list[CellCounts]:
    cells = [each.cell for each in spooled]
    wanted = [start_s + n * _CELL_S for n in range(days * CELLS_A_DAY)]
    if [int(cell.start.timestamp()) for cell in cells] != wanted:
        raise BrokenFinal(f"of {len(wanted)} quarter hours {len(cells)} were released")
    return cells


def _noise(cells: Sequence[CellCounts], street: Street, mode: Mode) -> dict[str, Integers]:
    return {
        name: np.array([cell.counts[name].value for cell in cells], np.int64) - street.counts[name]
        for name in PROMISED[mode]
    }


def _dwell_noise(cells: Sequence[CellCounts], street: Street) -> Integers:
    """Return what was added to each day's stays, shape (days, 6)."""
    found = [cell.dwell for cell in cells if cell.dwell is not None]
    if len(found) != len(street.stays):
        raise BrokenFinal(f"of {len(street.stays)} days {len(found)} have a dwell")
    return np.array([dwell.counts for dwell in found], np.int64) - street.stays


# Judging ---------------------------------------------------------------------------------------


def _judge_mode(
    outcome: Outcome, mode: Mode, pair: Sequence[Mapping[str, Integers]], street: Street
) -> None:
    for name, (bound, epsilon) in PROMISED[mode].items():
        scale = float(Noised(bound, epsilon).scale)
        label = f"{name} of a real sensor ({mode} mode)"
        noises = [noise[name] for noise in pair]
        off = statistics.misfit(np.concatenate(noises), scale)
        outcome.require(
            off <= statistics.deviate(_CHANCE),
            f"the noise of {label} is no discrete Laplace of scale {scale:.3g}",
        )
        _groups(outcome, label, noises, street.counts[name], scale)
        for one, other in ((noises[0], noises[0]), (noises[1], noises[1]), tuple(noises)):
            _unlike(outcome, label, one, other)
    names = list(PROMISED[mode])
    for first, second in product(names, names):
        if first < second:
            what = f"{first} and {second} of a real sensor ({mode} mode)"
            _unlike(outcome, what, pair[0][first], pair[0][second])


def _groups(
    outcome: Outcome, label: str, noises: Sequence[Integers], exact: Integers, scale: float
) -> None:
    """No hour, day, quarter or height of the truth has less noise than another, or more."""
    index = np.arange(exact.size)
    groups = {
        "hour": index % CELLS_A_DAY // 4,
        "day": index // CELLS_A_DAY,
        "quarter": index % 4,
        "truth": exact,
    }
    mean, deviation = _size_of(scale)
    for what, group in groups.items():
        for value in np.unique(group):
            sizes = np.concatenate([np.abs(noise[group == value]) for noise in noises])
            if sizes.size < _FEW:
                continue
            off = (float(sizes.mean()) - mean) * np.sqrt(sizes.size) / deviation
            outcome.require(
                -_TOO_QUIET <= off <= _TOO_LOUD,
                f"the noise of {label} is another where the {what} is {value}",
            )


def _size_of(scale: float) -> tuple[float, float]:
    """Return mean and standard deviation of |X| for discrete Laplace noise of a scale."""
    values = np.arange(-60 * int(scale + 1), 60 * int(scale + 1) + 1)
    masses = statistics.laplace_masses(scale, values)
    mean = float((masses * np.abs(values)).sum())
    return mean, float(np.sqrt((masses * values**2).sum() - mean**2))


def _unlike(outcome: Outcome, label: str, one: Integers, other: Integers) -> None:
    """At no distance does a run of noise repeat another (or, later, itself)."""
    found = statistics.repeats(one, other)
    limit = statistics.deviate(_CHANCE / (2 * one.size) / 10)
    outcome.require(found <= limit, f"the noise of {label} repeats itself")


def _judge_dwell(outcome: Outcome, noise: Integers) -> None:
    mean, deviation = _size_of(float(Noised(*PROMISED_DWELL).scale))
    off = (float(np.abs(noise).mean()) - mean) * np.sqrt(noise.size) / deviation
    outcome.measure("dwell bins of real processes, released minus exact", noise.size)
    outcome.require(
        -_TOO_QUIET <= off <= _TOO_LOUD and abs(float(noise.mean())) < mean,
        f"the dwell of real sensors is off the truth by {np.abs(noise).mean():.2f}, not {mean:.2f}",
    )


# Sending ---------------------------------------------------------------------------------------


def _sent_as_spooled(outcome: Outcome, town: Town, box: Box, spooled: Sequence[Summary]) -> None:
    """What leaves is what the day's process released: nothing is added, drawn anew or left out."""
    box.configure(box.config() | {"hub": town.hub_address})
    moment = box.folder / "moment.pcap"
    moment.write_bytes(pcap_header() + pcap_record(town.today_at(5) * 10**6, heartbeat(1)))
    moment.chmod(0o644)
    box.run(str(moment)).close(120)
    sent = egress.summaries(town.post, box.sensor)
    known = {each.sequence: each for each in spooled}
    differing = [each.sequence for each in sent if known.get(each.sequence) != each]
    outcome.measure("summaries sent, each as it was spooled", len(sent), "> 50")
    outcome.require(len(sent) > 50, "what was spooled is not sent")
    outcome.require(not differing, f"{len(differing)} summaries left otherwise than released")
    stored = town.inside("stored", sensor=box.sensor)["cells"]
    wanted = {
        each.cell.start.isoformat(): {name: c.value for name, c in each.cell.counts.items()}
        for each in sent
    }
    outcome.require(
        stored and stored.items() <= wanted.items(), "the hub stores other values than were sent"
    )
