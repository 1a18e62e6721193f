"""The spool keeps what it accepted, once, through crashes, full disks and spoilt files."""

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaland.sensor.uplink import spool as spool_module
from chaland.sensor.uplink.durable import write_whole
from chaland.sensor.uplink.reasons import UplinkDrop
from chaland.sensor.uplink.spool import Spool, SpoolErrorFinal
from chaland.wire.summary import CellCounts, Count, DwellCounts, Mode, State, decode

SENSOR = "kzdvvj2umnduyauf"
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def cell(number: int, dwell: DwellCounts | None = None) -> CellCounts:
    start = NOON + timedelta(minutes=15 * number)
    counts = {"scans": Count(number, 3, "0.15"), "arrivals": Count(-number, 1, "0.5")}
    return CellCounts(start, 3, State.OK, Mode.DEFAULT, counts, dwell)


def append(spool: Spool, number: int, dwell: DwellCounts | None = None) -> int | None:
    return spool.append(cell(number, dwell), NOON)


OPENED: list[Spool] = []


def open_spool(directory: Path, **limits: int) -> Spool:
    OPENED.append(Spool(directory, SENSOR, **limits))
    return OPENED[-1]


@pytest.fixture(autouse=True)
def _close_spools() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def test_what_is_accepted_is_a_file_with_the_summary_and_nothing_else(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    assert [append(spool, n) for n in range(3)] == [1, 2, 3]
    assert spool.pending() == [1, 2, 3]
    for path in (tmp_path / "queue").iterdir():
        summary = decode(path.read_bytes())
        assert summary.sensor == SENSOR
        assert summary.cell == cell(summary.sequence - 1)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"queue", "parked", "lock", "ledger.json"}
    assert set(json.loads((tmp_path / "ledger.json").read_bytes())) == {
        "format", "sequence", "drops", "days", "cells",
    }  # fmt: skip


def test_the_sensors_side_of_the_golden_bytes(tmp_path: Path) -> None:
    golden = (Path(__file__).parents[2] / "golden" / "summary-1.json").read_bytes()
    spool = open_spool(tmp_path)
    spool.renumber(1206)
    assert spool.append(decode(golden).cell, NOON + timedelta(seconds=59)) == 1207
    assert (tmp_path / "queue" / "0000000000001207.json").read_bytes() == golden


def test_numbers_go_on_after_everything_was_sent_and_the_box_restarted(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    for n in range(3):
        spool.delete(append(spool, n) or 0)
    spool.close()
    assert append(open_spool(tmp_path), 3) == 4


def test_a_cell_is_released_once_even_after_a_restart(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    spool.delete(append(spool, 0) or 0)
    assert append(spool, 0) is None
    spool.close()
    spool = open_spool(tmp_path)
    assert append(spool, 0) is None
    assert spool.drops == {UplinkDrop.CELL_REPEATED: 2}


def test_a_day_is_released_once_and_its_second_histogram_taken_off(tmp_path: Path) -> None:
    dwell = DwellCounts(date(2026, 3, 14), (0, 300, 7200), (5, 4), 1, "0.25")
    spool = open_spool(tmp_path)
    append(spool, 0, dwell)
    second = append(spool, 1, dwell)
    assert second is not None
    body = spool.read(second)
    assert body is not None
    assert decode(body).cell == cell(1)
    assert spool.drops == {UplinkDrop.DWELL_REPEATED: 1}


def test_two_processes_never_share_a_spool(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    with pytest.raises(SpoolErrorFinal, match="another sensor process"):
        open_spool(tmp_path)
    spool.close()
    open_spool(tmp_path).close()


@pytest.mark.parametrize("left", [b"", b'{"format": "chaland.su'])
def test_a_half_written_file_is_recognised_and_counted(tmp_path: Path, left: bytes) -> None:
    spool = open_spool(tmp_path)
    append(spool, 0)
    spool.close()
    (tmp_path / "queue" / "0000000000000002.json.half").write_bytes(left)
    spool = open_spool(tmp_path)
    assert spool.pending() == [1]
    assert spool.drops == {UplinkDrop.HALF_WRITTEN: 1}
    assert append(spool, 1) == 2


def test_a_file_that_the_disk_spoilt_is_parked_and_counted(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    append(spool, 0)
    append(spool, 1)
    path = tmp_path / "queue" / "0000000000000001.json"
    path.write_bytes(b"\0" * path.stat().st_size)
    assert spool.read(1) is None
    assert spool.pending() == [2]
    assert [path.name for path in spool.parked()] == ["0000000000000001.unreadable.json"]
    assert spool.drops == {UplinkDrop.UNREADABLE: 1}


@pytest.mark.parametrize("spoilt", [b"", b"\0\0\0", b'{"format": "chaland.ledger/1"}', b"[1]"])
def test_a_lost_ledger_starts_above_what_the_files_know(tmp_path: Path, spoilt: bytes) -> None:
    spool = open_spool(tmp_path)
    for n in range(5):
        append(spool, n)
    spool.park(5, "malformed")
    spool.close()
    (tmp_path / "ledger.json").write_bytes(spoilt)
    spool = open_spool(tmp_path)
    assert spool.drops == {UplinkDrop.LEDGER_UNREADABLE: 1}
    assert append(spool, 9) == 6
    assert append(spool, 0) is None, "cells that wait in files are remembered"


def test_a_ledger_behind_the_files_catches_up(tmp_path: Path) -> None:
    """Power cut between the file and the ledger."""
    spool = open_spool(tmp_path)
    append(spool, 0)
    before = (tmp_path / "ledger.json").read_bytes()
    append(spool, 1)
    spool.close()
    (tmp_path / "ledger.json").write_bytes(before)
    spool = open_spool(tmp_path)
    assert append(spool, 1) is None
    assert append(spool, 2) == 3


def test_the_queue_is_bounded_and_what_made_room_is_counted(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, queued_at_most=3)
    for n in range(5):
        append(spool, n)
    assert spool.pending() == [3, 4, 5]
    assert spool.drops == {UplinkDrop.SPOOL_FULL: 2}


def test_the_parked_files_are_bounded(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, parked_at_most=2)
    for n in range(4):
        spool.park(append(spool, n) or 0, "future-dated")
    assert [path.name[12:] for path in spool.parked()] == [
        "0003.future-dated.json", "0004.future-dated.json",
    ]  # fmt: skip
    assert spool.drops == {UplinkDrop.PARKED_FULL: 2}


def test_renumbering_goes_past_the_hub_and_keeps_the_order(tmp_path: Path) -> None:
    """A box restored from an old image gives numbers that the hub has seen."""
    spool = open_spool(tmp_path)
    for n in range(3):
        append(spool, n)
    spool.renumber(50)
    assert spool.pending() == [51, 52, 53]
    bodies = [spool.read(sequence) for sequence in spool.pending()]
    assert [decode(body).cell.start for body in bodies if body] == [cell(n).start for n in range(3)]
    spool.close()
    assert append(open_spool(tmp_path), 3) == 54


@pytest.mark.parametrize("failing", ["queue", "ledger"])
def test_a_full_disk_refuses_and_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    spool = open_spool(tmp_path)
    append(spool, 0)

    def full(path: Path, content: bytes) -> None:
        if failing in str(path.relative_to(tmp_path)):
            raise OSError(28, "No space left on device")
        write_whole(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(spool_module, "write_whole", full)
        patch.setattr("chaland.sensor.uplink.ledger.write_whole", full)
        with pytest.raises(OSError, match="No space"):
            append(spool, 1)
        spool.count(UplinkDrop.DISK_ERROR)
    assert spool.pending() == [1]
    assert append(spool, 1) == 2
    assert spool.drops == {UplinkDrop.DISK_ERROR: 1}


def test_write_whole_leaves_the_old_content_when_the_disk_refuses(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    (tmp_path / "file.half").mkdir()  # opening it for writing fails, like a failing disk
    with pytest.raises(OSError, match=r"file\.half"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("adprc"), st.integers(0, 30)), max_size=25))
def test_whatever_happens_numbers_never_repeat_and_cells_stay_single(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    directory = tmp_path_factory.mktemp("spool")
    spool, given_numbers = open_spool(directory), list[int]()
    for step, number in steps:
        waiting = spool.pending()
        if step == "a" and (sequence := append(spool, number)) is not None:
            given_numbers.append(sequence)
        elif step == "d" and waiting:
            spool.delete(waiting[0])
        elif step == "p" and waiting:
            spool.park(waiting[0], "malformed")
        elif step == "r":
            spool.renumber(number)
            given_numbers += [n for n in spool.pending() if n not in waiting]
        else:
            spool.close()
            spool = open_spool(directory)
    assert len(given_numbers) == len(set(given_numbers))
    bodies = [spool.read(n) for n in spool.pending()] + [p.read_bytes() for p in spool.parked()]
    starts = [decode(body).cell.start for body in bodies if body]
    assert len(starts) == len(set(starts))
    spool.close()


WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from chaland.sensor.uplink.spool import Spool
from chaland.wire.summary import CellCounts, Count, Mode, State
spool = Spool(Path(sys.argv[1]), "kzdvvj2umnduyauf")
first = int(sys.argv[2])
for number in range(first, first + 100_000):
    start = datetime(2026, 3, 14, 12, tzinfo=UTC) + timedelta(minutes=15 * number)
    cell = CellCounts(start, 3, State.OK, Mode.DEFAULT, {"scans": Count(number, 3, "0.15")})
    sequence = spool.append(cell, start)
    print(number, sequence, flush=True)
    waiting = spool.pending()
    if len(waiting) > 5:  # as if the hub had taken the oldest
        spool.delete(waiting[0])
        print("sent", waiting[0], flush=True)
"""


def kill_a_writer(directory: Path, first: int, after_s: float) -> tuple[dict[int, int], set[int]]:
    """Run a writer, kill -9 it; return what it said it accepted ({cell: number}) and sent."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory), str(first)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        said = child.stdout.readline()  # it writes now
        time.sleep(after_s)
        os.kill(child.pid, signal.SIGKILL)
        said += child.stdout.read()
    lines = [line.split() for line in said.decode().splitlines(keepends=False) if line]
    whole = [line for line in lines if len(line) == 2]
    accepted = {int(a): int(b) for a, b in whole if a != "sent"}
    return accepted, {int(b) for a, b in whole if a == "sent"}


def crash(directory: Path, times: int, seed: int) -> None:
    chance = random.Random(seed)
    accepted: dict[int, int] = {}
    sent: set[int] = set()
    for round_ in range(times):
        newly, gone = kill_a_writer(directory, 10_000 * round_, chance.uniform(0, 0.12))
        assert not set(newly.values()) & set(accepted.values()), "a number was given twice"
        accepted |= newly
        sent |= gone
        check_after_crash(directory, accepted, sent)


def check_after_crash(directory: Path, accepted: dict[int, int], sent: set[int]) -> None:
    spool = open_spool(directory)
    waiting = set(spool.pending())
    lost = set(accepted.values()) - sent - waiting
    # The kill may fall between a deletion and the line that tells of it.
    assert len(lost) <= 1
    assert lost <= {min(set(accepted.values()) - sent, default=0)}
    sent |= lost
    assert not waiting & sent
    for sequence in waiting:
        body = spool.read(sequence)
        assert body is not None, "a half file was read"
        number = decode(body).cell.counts["scans"].value
        assert accepted.setdefault(number, sequence) == sequence, "a cell is there twice"
    assert UplinkDrop.UNREADABLE not in spool.drops
    spool.close()


def test_kill_9_in_the_middle_of_many_writes(tmp_path: Path) -> None:
    crash(tmp_path, times=6, seed=1)


@pytest.mark.campaign
def test_kill_9_in_the_middle_of_very_many_writes(tmp_path: Path) -> None:
    crash(tmp_path, times=300, seed=2)


def test_content_is_synced_before_its_name_and_the_name_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 keeps what the kernel has; a power cut keeps only what was synced, in this order."""
    steps: list[str] = []
    real_fsync, real_rename = os.fsync, Path.rename

    def fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("sync folder" if is_folder else "sync content")
        real_fsync(descriptor)

    def rename(self: Path, target: Path) -> Path:
        steps.append(f"name {target.name}")
        return real_rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    spool = open_spool(tmp_path)
    steps.clear()
    append(spool, 0)
    assert steps == [
        "sync content", "name 0000000000000001.json", "sync folder",
        "sync content", "name ledger.json", "sync folder",
    ]  # fmt: skip
