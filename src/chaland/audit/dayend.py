"""Row E5 on real processes: the town's key goes from one sensor to another, and the day ends.

Two sensors of a charter listen. One makes the key of the day, the other opens the copy that the
first one sealed for it and the hub passed on. Canaries by the thousand visit; the capture's clock
runs to four o'clock, the processes end, and their sketches leave. The harness has read the key from
its locked page: of each place of the sketches it knows who is in it, and so what its answers tell.
"""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chaland.audit import covisits, egress, search, spellings
from chaland.audit.bench import Bench
from chaland.audit.covisits import Tally, places_of
from chaland.audit.listening import SEALED_WITHIN_S, await_key, begin, wait
from chaland.audit.promises import SKETCH_EPSILON
from chaland.audit.radio import data, heartbeat
from chaland.audit.report import Outcome
from chaland.audit.search import Needles
from chaland.audit.town import Box, BrokenFinal, Run, Town, until
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.sketch import DaySketch
from chaland.wire.summary import decode

AT_ONCE = 1_000
"""Canaries in the visit table at a time: far below its flood level."""
_TABLE_FORGETS_S = 310
_HOUR_S = 3600

Visits = list[tuple[bytes, bool]]
"""Who arrived at a sensor, in order, and whether after 14:00."""


def tell(bench: Bench) -> Outcome:
    """Live through the day, and judge it."""
    outcome, town = Outcome(), bench.town
    boxes = [town.enrol(0), town.enrol(1)]
    town.sign_charter(*boxes)
    runs = [box.run() for box in boxes]
    for run in runs:
        begin(run, town.today_at(10))
    key = await_key(runs, SEALED_WITHIN_S)
    _is_random(outcome, key)
    people = [b"\x5c" + os.urandom(5) for _ in range(4 * AT_ONCE)]
    visits = [_visits(run, people[n * AT_ONCE : (n + 3) * AT_ONCE]) for n, run in enumerate(runs)]
    for run in runs:
        _end_day(run)
    tally = Tally()
    sketches = [_sketch(town, box) for box in boxes]
    for sketch, seen in zip(sketches, visits, strict=True):
        _count(tally, sketch, seen, key)
    outcome.measure("places of real sketches", int(tally.bits.sum() + tally.symbols.sum()))
    outcome.require(sketches[0].key == sketches[1].key, "two sensors count under two keys")
    covisits.judge_tally(outcome, "of real sensors", tally, float(SKETCH_EPSILON))
    _coins_differ(outcome, sketches, visits, key)
    _nowhere(outcome, town, key)
    return outcome


def _is_random(outcome: Outcome, key: bytes) -> None:
    """32 random bytes have 30 different values, 22 at least (fewer: once in 10^9)."""
    outcome.require(len(set(key)) >= 22, "the town's key has fewer than 32 random bytes")


def _visits(run: Run, people: Sequence[bytes]) -> Visits:
    """Let a thousand arrive before 14:00 and a thousand after it; a third of these come again."""
    morning, later = people[:AT_ONCE], people[2 * AT_ONCE :]
    _arrive(run, morning)
    run.radio.hear(run.radio.now_s + 4 * _HOUR_S, [heartbeat(0)])
    wait(run, run.radio.now_s + 60)
    back = [*later, *morning[: AT_ONCE // 3]]
    _arrive(run, back)
    return [(each, False) for each in morning] + [(each, True) for each in back]


def _arrive(run: Run, people: Sequence[bytes]) -> None:
    for _ in range(2):
        for at in range(0, len(people), 100):
            run.radio.hear(run.radio.now_s + 0.05, [data(each) for each in people[at : at + 100]])
            run.radio.wait_until_read()
        wait(run, run.radio.now_s + 65)
    wait(run, run.radio.now_s + _TABLE_FORGETS_S)


def _end_day(run: Run) -> None:
    """Let the capture's clock pass four o'clock: the day's process must end by itself."""
    run.radio.hear((24 + 3.8 - 10) * _HOUR_S, [heartbeat(0)])
    with contextlib.suppress(BrokenPipeError):  # it has no reader: the process ended, as it must
        run.radio.quiet((24 + 4 - 10) * _HOUR_S + 15)
    until(run.has_ended, "the day's process ends with its day", 30)


def _sketch(town: Town, box: Box) -> DaySketch:
    """Return the sketch that left a box, or waits there to leave."""
    waiting = sorted((box.state / "spool").rglob("*[0-9].json"))
    found = [*egress.summaries(town.post, box.sensor), *(decode(p.read_bytes()) for p in waiting)]
    sketches = [each.cell.sketch for each in found if each.cell.sketch is not None]
    if not sketches:
        raise BrokenFinal("a day under the town's key ended, and no sketch was released")
    return sketches[0]


def _truth(visits: Visits, key: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    truth = np.zeros(DEFAULT_MECHANISM.sketch.places, np.uint8)
    places = places_of([address for address, _ in visits], key)
    for place, (_, is_after) in zip(places, visits, strict=True):
        truth[place] = 2 if is_after else 1
    return truth


def _state(sketch: DaySketch) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(sketch.bits + sketch.symbols, np.uint8)


def _count(tally: Tally, sketch: DaySketch, visits: Visits, key: bytes) -> None:
    covisits.count(tally, _truth(visits, key), _state(sketch))


def _coins_differ(
    outcome: Outcome, sketches: Sequence[DaySketch], visits: Sequence[Visits], key: bytes
) -> None:
    """Two sensors never lie in the same places: their wrong answers meet as chance has it."""
    size = DEFAULT_MECHANISM.sketch.bits
    lies = [
        (np.minimum(_truth(seen, key)[:size], 1) != _state(sketch)[:size])
        for sketch, seen in zip(sketches, visits, strict=True)
    ]
    share = [float(each.mean()) for each in lies]
    both, expected = float((lies[0] & lies[1]).sum()), share[0] * share[1] * size
    outcome.require(
        both <= expected + 6 * expected**0.5 + 6, "the coins of two sensors' sketches are the same"
    )


def _nowhere(outcome: Outcome, town: Town, key: bytes) -> None:
    """The key of a day that is over is in no file, of sensors or hub, and was never sent."""
    parts: dict[bytes, str] = {key[at : at + 8]: "a part" for at in range(0, 32, 8)}
    needles = Needles(parts | spellings.of_secret(key, "the town's key"))
    for path in town.folder.rglob("*"):
        if path.is_file() and search.in_file(path, needles):
            outcome.require(False, f"{_place(path, town)} holds the town's key of the day")


def _place(path: Path, town: Town) -> str:
    return str(path.relative_to(town.folder))
