"""Workers die in the middle of batches: nothing is lost, nothing leaves twice, what is unknown is
listed. Real processes, killed by SIGKILL; the count is taken at the other side."""

import random
from pathlib import Path

import pytest

from tests.hub.loyalty.outreach.engine.receiving import receiving
from tests.hub.loyalty.outreach.engine.site import Site


@pytest.mark.parametrize(
    ("deliveries", "kills"),
    [(400, 3), pytest.param(10_000, 40, marks=pytest.mark.campaign)],
    ids=["short", "campaign"],
)
def test_kill_9_loses_nothing_and_doubles_nothing(
    tmp_path: Path, own_database: str, deliveries: int, kills: int
) -> None:
    chance = random.Random(5)
    share = deliveries // (kills + 1)
    with receiving() as receiver:
        site = Site(tmp_path, own_database)
        told = {"host": "127.0.0.1", "port": receiver.port, "tls": "none", "offline": True}
        site.prepare("email", "smtp", told, deliveries, rate=0)

        def some_more() -> None:
            more = receiver.taken.total() + chance.randint(1, share // 2)
            assert receiver.wait_for(more, 60), "a worker that was to die had nothing to do"

        site.kill([some_more] * kills)
        site.run()
        states = site.states()
    assert receiver.taken.total() == len(receiver.taken), "a mail came twice"
    unknown = states.pop("unknown", set())
    assert set(states) == {"accepted"}
    assert states["accepted"] | unknown == set(receiver.taken) | unknown
    assert states["accepted"] <= set(receiver.taken), "a mail was lost"
    assert len(states["accepted"]) + len(unknown) == deliveries
    assert len(unknown) <= kills, "one connection leaves one unknown mail"
    came = len(receiver.taken)
    print(f"{deliveries} deliveries, {kills} kills; {came} came, {len(unknown)} unknown")  # noqa: T201
