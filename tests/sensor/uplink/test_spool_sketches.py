"""A day's sketch in the spool: drawn once, never parked, never kept longer than a day."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from chaland.sensor.uplink.reasons import UplinkDrop
from chaland.wire.sketch import DaySketch
from chaland.wire.summary import CellCounts, DwellCounts, decode
from tests.sensor.uplink.test_spool import NOON, OPENED, cell, open_spool


@pytest.fixture(autouse=True)
def _close_spools() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


@pytest.mark.parametrize("first_has_dwell", [True, False])
def test_a_days_sketch_is_drawn_once(tmp_path: Path, first_has_dwell: bool) -> None:
    """Also after a restart: a second sketch of a day would spend its budget twice."""
    dwell = DwellCounts(date(2026, 3, 14), (0, 300, 7200), (5, 4), 1, "0.25")
    sketch = DaySketch(date(2026, 3, 14), cell(0).start, "0f" * 8, b"\0\1", b"\2", "2")
    spool = open_spool(tmp_path)
    last = replace(cell(0), dwell=dwell if first_has_dwell else None, sketch=sketch)
    spool.append(last, cell(0).start)
    spool.close()
    spool = open_spool(tmp_path)
    second = spool.append(replace(cell(1), sketch=sketch), cell(1).start)
    assert second is not None
    body = spool.read(second)
    assert body is not None
    assert decode(body).cell == cell(1)
    assert spool.drops == {UplinkDrop.SKETCH_REPEATED: 1}


def with_sketch(number: int) -> CellCounts:
    day = date(2026, 3, 14) + timedelta(days=number)
    sketch = DaySketch(day, cell(96 * number).start, "0f" * 8, b"\0\1", b"\2", "2")
    return replace(cell(96 * number), sketch=sketch)


def on_disk(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


@pytest.mark.parametrize("reason", ["over-budget", "unreadable"])
def test_what_is_parked_has_no_sketch(tmp_path: Path, reason: str) -> None:
    """Nobody would ever delete it there."""
    spool = open_spool(tmp_path)
    sequence = spool.append(with_sketch(0), NOON)
    assert sequence
    waits = tmp_path / "queue" / f"{sequence:016d}.json"
    if reason == "unreadable":
        waits.write_bytes(waits.read_bytes()[:-1] + b"?")
        assert spool.read(sequence) is None
    else:
        spool.park(sequence, reason)
        assert decode(spool.parked()[0].read_bytes()).cell == cell(0)
    assert [path.name for path in spool.parked()] == [f"0000000000000001.{reason}.json"]
    assert spool.pending() == []
    assert b"sketch" not in on_disk(tmp_path / "parked") + on_disk(tmp_path / "queue")
    assert spool.drops[UplinkDrop.SKETCH_PARKED] == 1


@pytest.mark.parametrize("restarted", [False, True])
def test_a_sketch_does_not_wait_longer_than_a_day(tmp_path: Path, restarted: bool) -> None:
    spool = open_spool(tmp_path)
    for day in range(2):
        spool.append(with_sketch(day), NOON)
    if restarted:
        spool.close()
        spool = open_spool(tmp_path)
    day_ended = NOON + timedelta(minutes=15)
    spool.forget_late_sketches(day_ended + timedelta(hours=24, seconds=-1))
    assert spool.drops == {}
    spool.forget_late_sketches(day_ended + timedelta(hours=24))
    bodies = [spool.read(sequence) or b"" for sequence in spool.pending()]
    assert [decode(body).cell for body in bodies] == [cell(0), with_sketch(1)], "the rest stays"
    assert spool.drops == {UplinkDrop.SKETCH_LATE: 1}
    spool.renumber(7)
    spool.forget_late_sketches(day_ended + timedelta(hours=48))
    assert spool.drops == {UplinkDrop.SKETCH_LATE: 2}
    assert len(spool.pending()) == 2
    assert b'sketch"' not in on_disk(tmp_path / "queue")
