"""``chaland replay`` as its user runs it: a process, files on disk, a fresh installation."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from chaland.replay.people import PeopleFileErrorFinal, read_people

PARIS = ZoneInfo("Europe/Paris")


def chaland(*arguments: object, state: Path) -> subprocess.CompletedProcess[str]:
    """Run the command on SQLite in a state folder of its own."""
    planes = ("CHALAND_ASSOCIATION_DATABASE_URL", "CHALAND_FOOTFALL_DATABASE_URL")
    environment = {k: v for k, v in os.environ.items() if k not in planes}
    return subprocess.run(
        [sys.executable, "-m", "chaland.cli", *map(str, arguments)],
        env={**environment, "CHALAND_STATE_DIR": str(state)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A simulated capture of two hours, and its ground truth."""
    folder = tmp_path_factory.mktemp("capture")
    pcap, people = folder / "shop.pcap", folder / "people.csv"
    result = chaland("simulate", "capture", pcap, "--people", people, "--seed", "5", state=folder)
    assert result.returncode == 0, result.stderr
    return pcap, people


def rows(output: str) -> list[str]:
    return re.findall(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d .*$", output)


def test_a_capture_becomes_a_table_and_is_drawn_once(
    capture: tuple[Path, Path], tmp_path: Path
) -> None:
    pcap, people = capture
    first = chaland("replay", pcap, "--shop", "lab", "--people", people, state=tmp_path)
    assert first.returncode == 0, first.stderr
    assert len(rows(first.stdout)) >= 8
    assert "Mean absolute error" in first.stdout

    again = chaland("replay", pcap, "--shop", "lab", state=tmp_path)
    assert "cell-repeated" in again.stdout
    released = [line.split()[3:7] for line in rows(first.stdout)]
    assert [line.split()[3:7] for line in rows(again.stdout)] == released

    anew = chaland("replay", pcap, "--shop", "lab", "--again", state=tmp_path)
    assert "cell-repeated" not in anew.stdout
    assert [line.split()[3:7] for line in rows(anew.stdout)] != released


def test_a_cut_capture_yields_what_was_readable(capture: tuple[Path, Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    data = capture[0].read_bytes()
    cut.write_bytes(data[: len(data) * 3 // 4])
    result = chaland("replay", cut, "--shop", "lab", state=tmp_path / "state")
    assert result.returncode == 0
    assert rows(result.stdout)
    assert "cut.pcap" in result.stderr


def test_what_is_wrong_is_said(capture: tuple[Path, Path], tmp_path: Path) -> None:
    missing = chaland("replay", tmp_path / "no.pcap", "--shop", "lab", state=tmp_path)
    assert missing.returncode == 1
    assert "no.pcap" in missing.stderr

    unknown = chaland("replay", capture[0], "--shop", "bar", state=tmp_path)
    assert unknown.returncode == 1
    assert "no shop bar" in unknown.stderr
    assert "lab" in unknown.stderr

    gates = chaland(
        "replay", capture[0], "--shop", "lab", "--rssi-passer-by-dbm", "-60", state=tmp_path
    )
    assert gates.returncode == 1
    assert "--rssi-passer-by-dbm" in gates.stderr
    assert "Traceback" not in missing.stderr + unknown.stderr + gates.stderr


def test_head_counts_are_averaged_over_whole_quarter_hours(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "time_local,people\n2026-03-14 09:50:00,2\n2026-03-14 10:05:00,5\n2026-03-14 10:20:00,0\n"
        "2026-03-14 10:40:00,1\n",
        encoding="utf-8",
    )
    got = [(row.start, row.people) for row in read_people(file, PARIS)]
    nine, quarter = (datetime(2026, 3, 14, 9, m, tzinfo=UTC) for m in (0, 15))
    assert got == [
        (nine, pytest.approx((5 * 2 + 10 * 5) / 15)),
        (quarter, pytest.approx(5 * 5 / 15)),
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("when,people\n", "row 1"),
        ("time_local,people\nyesterday,3\n", "row 2, time_local"),
        ("time_local,people\n2026-03-14 10:00:00,many\n", "row 2, people"),
        ("time_local,people\n2026-03-14 10:00:00,-1\n", "row 2, people"),
        ("time_local,people\n2026-03-14 10:00:00\n", "row 2: 1 values"),
        ("time_local,people\n2026-03-14 10:00:00,1\n2026-03-14 09:00:00,1\n", "row 3, time_local"),
    ],
)
def test_a_bad_head_count_names_row_and_field(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "people.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PeopleFileErrorFinal, match=named):
        read_people(file, PARIS)
