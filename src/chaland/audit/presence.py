"""F9 and F14 on real sensors, and F9 to the bit: who objects leaves no trace, who stays no dwell.

A street of a day is read by ``chaland sensor run FILE`` in both modes. Its groups are so large that
they stand out of the noise: if any of them were counted, the released figures would say so.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from chaland.audit import egress, statistics, streams
from chaland.audit.bench import Bench
from chaland.audit.radio import (
    OBJECTION_NETWORK,
    Canaries,
    data,
    heartbeat,
    joining,
    pcap_header,
    pcap_record,
    probe,
)
from chaland.audit.report import FALSE_ALARM, Outcome
from chaland.audit.streams import VICTIM, Air, Frames
from chaland.audit.town import NOBODY, BrokenFinal
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.privacy import SeededBits
from chaland.wire.summary import CellCounts, Mode

HOURS = 9
_STAY_S = 8 * 3600
_OBJECTORS_COME_S = 3 * 3600
_OBJECTORS_STAY_S = 1500
_ARRIVAL_SD, _DWELL_SD = 3.1, 5.7  # of one released number: discrete Laplace of eps 0.46 and 0.25
_DEVIATE = statistics.deviate(FALSE_ALARM / 100)


def judge_stay(bench: Bench) -> Outcome:
    """F14: an eight-hour canary adds no dwell, and one arrival in two hours at most."""
    outcome = Outcome()
    _one_stays(outcome)
    for mode in Mode:
        cells, staying = _street(bench, mode), len(Canaries.draw().staying)
        arrivals = sum(cell.counts["arrivals"].value for cell in cells)
        margin = _DEVIATE * _ARRIVAL_SD * len(cells) ** 0.5
        most = staying * _STAY_S / 7200
        outcome.measure(f"arrivals of {staying} canaries over 8 h ({mode} mode)", arrivals, most)
        outcome.require(
            arrivals <= most + margin, f"{staying} devices that stay arrive {arrivals} times"
        )
        late = [cell.counts["arrivals"].value for cell in cells[9 : 4 * 8]]
        again = sum(late) - margin
        outcome.require(again <= most - staying, "devices that stay arrive again and again")
        dwell = sum(sum(cell.dwell.counts) for cell in cells if cell.dwell)
        outcome.measure(f"stays that they add ({mode} mode)", dwell, "0, noise aside")
        outcome.require(any(cell.dwell for cell in cells), "the day's dwell was not released")
        outcome.require(
            abs(dwell) <= _DEVIATE * _DWELL_SD * 6**0.5, f"devices that stay add {dwell} stays"
        )
    return outcome


def _one_stays(outcome: Outcome) -> None:
    """The exact counts behind the noise, for frames often and seldom."""
    for every_s in (20, 100, 240):
        frames = [(10.0 + at_s, data(VICTIM)) for at_s in range(0, _STAY_S, every_s)]
        cells = streams.exact(streams.quiet(HOURS) + frames)
        arrivals = [cell.arrivals for cell in cells]
        most = max(sum(arrivals[at : at + 8]) for at in range(len(arrivals)))
        outcome.require(most <= 1, f"a device that stays arrives {most} times in two hours")
        outcome.require(not sum(cells[-1].dwell), "a device that stays eight hours adds dwell")


def judge_objection(bench: Bench) -> Outcome:
    """F9: prior objection works with Wi-Fi on, in both modes, by name and by joining."""
    outcome = Outcome()
    compared = 0
    for mode in Mode:
        for suffix in (False, True):
            for make in (probe, joining):
                for before_s in (0.0, 20.0):
                    _identical(outcome, mode, suffix, make is probe, before_s)
                    compared += 1
    outcome.measure("objecting canaries, output to the bit that of their absence", compared)
    for mode in Mode:
        cells = _street(bench, mode)
        first = _OBJECTORS_COME_S // 900
        heard = sum(cell.counts["arrivals"].value for cell in cells[first : first + 2])
        outcome.measure(f"arrivals of 60 who object ({mode} mode)", heard, "0, noise aside")
        outcome.require(
            heard <= _DEVIATE * _ARRIVAL_SD * 2**0.5,
            f"devices that object are counted: {heard} arrivals of 60 ({mode} mode)",
        )
    return outcome


def _identical(outcome: Outcome, mode: Mode, suffix: bool, by_probe: bool, before_s: float) -> None:
    name = b"my-home" + OBJECTION_NETWORK[-7:] if suffix else OBJECTION_NETWORK
    naming = probe(VICTIM, name) if by_probe else joining(VICTIM, name)
    objects: Frames = [(1000.0 - before_s * i, (data, probe)[i % 2](VICTIM)) for i in (1, 2)]
    objects += [(1000.5, naming)]
    objects += [(1001.0 + 30 * i, (data, probe)[i % 2](VICTIM)) for i in range(100)]
    if not before_s:
        objects = objects[2:]
    others = streams.quiet() + streams.crowd(30, 5)
    one, other = (_released(frames, mode, suffix) for frames in (others + objects, others))
    how = "looks for" if by_probe else "joins"
    outcome.require(
        one == other, f"a device that {how} the objection network changes the output ({mode} mode)"
    )


def _released(frames: Frames, mode: Mode, suffix: bool) -> list[CellCounts]:
    config = PipelineConfig(
        ZoneInfo("Europe/Paris"),
        mode=mode,
        recorded=True,
        objection_ssid=(OBJECTION_NETWORK[-7:] if suffix else OBJECTION_NETWORK).decode(),
        objection_is_suffix=suffix,
    )
    air = Air(sorted(frames, key=lambda each: each[0]))
    return list(Pipeline.simulated(config, air, SeededBits(7)).run())


# The street --------------------------------------------------------------------------------------


def _street(bench: Bench, mode: Mode) -> Sequence[CellCounts]:
    """Return what a real sensor sent of the street, one run for each mode."""
    return bench.once(f"street, {mode}", lambda bench: _run_street(bench, mode))


def _run_street(bench: Bench, mode: Mode) -> Sequence[CellCounts]:
    town = bench.town
    box = town.enrol(1)
    town.sign_charter(box)
    box.configure(box.config() | {"mode": mode})
    capture = box.folder / "street.pcap"
    start_s = town.today_at(8)
    _write_street(capture, start_s)
    run = box.run(str(capture))
    run.close()
    cells = [sent.cell for sent in egress.summaries(town.post, box.sensor)]
    cells = [cell for cell in cells if cell.counts]
    if len(cells) < 4 * HOURS - 2:
        raise BrokenFinal(f"of {4 * HOURS} cells {len(cells)} came ({mode} mode): {run.said()}")
    return sorted(cells, key=lambda cell: cell.start)


def _write_street(path: Path, start_s: int) -> None:
    """Write nine hours: beacons, canaries that stay for eight, and others that object."""
    canaries = Canaries.draw()
    half = len(canaries.objecting) // 2
    with path.open("wb") as file:
        file.write(pcap_header())
        for at_s in range(0, HOURS * 3600, 20):
            frames = [heartbeat(at_s)]
            if at_s < _STAY_S and at_s % 120 == 0:
                frames += [data(address) for address in canaries.staying]
            since_s = at_s - _OBJECTORS_COME_S - 20
            if 0 <= since_s < _OBJECTORS_STAY_S:
                objecting = canaries.objecting
                if since_s % 300 == 0:
                    frames += [probe(address, OBJECTION_NETWORK) for address in objecting[:half]]
                    frames += [joining(address, OBJECTION_NETWORK) for address in objecting[half:]]
                frames += [data(address) for address in objecting]
                frames += [probe(address) for address in objecting]
            for i, frame in enumerate(frames):
                file.write(pcap_record((start_s + at_s) * 10**6 + i, frame))
    os.chown(path, NOBODY, NOBODY)
