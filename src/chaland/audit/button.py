"""F9: the button. What is very near is forgotten at once, and counted no more."""

import hashlib
import time
from collections.abc import Sequence

from chaland.audit import search
from chaland.audit.bench import Bench
from chaland.audit.listening import begin, wait
from chaland.audit.radio import Canaries, data, heartbeat
from chaland.audit.report import Outcome
from chaland.audit.search import Needles
from chaland.audit.town import Run

NEAR, NEAR_DBM, FAR_DBM = 8, -40, -60
"""One press bars so many devices at most, and those that are heard so strongly."""


def judge(bench: Bench, outcome: Outcome) -> None:
    """Eight devices lie beside the sensor, others further away; somebody presses."""
    town = bench.town
    box = town.enrol(1)
    town.sign_charter(box)
    run = box.run()
    begin(run, town.today_at(11))
    people = Canaries.draw().staying
    near, far = people[:NEAR], people[NEAR : NEAR + 20]
    _hear(run, near, far)
    before = _known(run, [*near, *far])
    outcome.require(
        len(before) == NEAR + 20, "the search is blind: who is present has no token in memory"
    )
    began_s = time.monotonic()
    box.call("forget")
    ran_on_s = time.monotonic() - began_s  # in a silence the sensor's clock goes on by itself
    run.radio.hear(run.radio.now_s + ran_on_s + 10, [heartbeat(0)])
    for _ in range(2):
        _hear(run, near, far)
    after = _known(run, [*near, *far])
    run.close()
    outcome.measure("devices beside the sensor known after the button", len(after & set(near)), 0)
    outcome.require(not after & set(near), "the button forgets nothing: tokens are in memory")
    outcome.require(after >= set(far), "the button forgets devices that are far from it")


def _hear(run: Run, near: Sequence[bytes], far: Sequence[bytes]) -> None:
    frames = [data(each, rssi_dbm=NEAR_DBM) for each in near]
    run.radio.hear(run.radio.now_s + 1, frames + [data(each, rssi_dbm=FAR_DBM) for each in far])
    wait(run, run.radio.now_s + 6)


def _known(run: Run, people: Sequence[bytes]) -> set[bytes]:
    """Return who has a token in the day's process, under any key of it."""
    found: set[bytes] = set()
    with run.frozen():
        for key in search.locked_pages(run.day_pid):
            tokens = {hashlib.blake2b(a, digest_size=8, key=key).digest(): a for a in people}
            seen = search.in_memory(run.day_pid, Needles(dict.fromkeys(tokens, "token")))
            found |= {tokens[token] for token in seen}
    return found
