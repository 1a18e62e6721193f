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
from tests.migrated import put_tables

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
    result = chaland("replay", cut, "--shop", "lab", state=put_tables(tmp_path / "state"))
    assert result.returncode == 0
    assert rows(result.stdout)
    assert "cut.pcap" in result.stderr


def test_what_is_wrong_is_said(capture: tuple[Path, Path], tmp_path: Path) -> None:
    put_tables(tmp_path)
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


HUB_WITH_A_REAL_SENSOR = """
import django; django.setup()
from datetime import UTC, datetime
from chaland.hub.association.models import Shop
from chaland.hub.footfall import services
from chaland.hub.footfall.models import Cell, DayFigure, Mechanism, Sensor
from chaland.wire.signature import sensor_identifier
shop = Shop.objects.get(slug="lab")
real = Sensor.objects.create(identifier=sensor_identifier(b"1" * 32), shop_id=shop.pk,
                             public_key=b"1" * 32, enrolled_at=datetime.now(UTC))
start = datetime(2026, 3, 10, 10, tzinfo=UTC)
Cell.objects.create(sensor=real, start=start, shop_id=shop.pk, windows=3, state="ok",
                    mechanism=Mechanism.objects.first(), fingerprints=30, scans=40)
services.refresh_figures(shop.pk, {start})
"""
STORED = """
import django; django.setup()
from chaland.hub.footfall.models import Agreement, Charter, DayFigure, Measurement, Sensor
print(*sorted(DayFigure.objects.values_list("day", flat=True)))
for model in (Agreement, Charter, Measurement, Sensor):
    print(*model.objects.order_by("pk").values_list())
"""


def hub(script: str, state: Path) -> str:
    planes = ("CHALAND_ASSOCIATION_DATABASE_URL", "CHALAND_FOOTFALL_DATABASE_URL")
    environment = {k: v for k, v in os.environ.items() if k not in planes} | {
        "CHALAND_STATE_DIR": str(state),
        "DJANGO_SETTINGS_MODULE": "chaland.hub.site.settings",
    }
    return subprocess.check_output([sys.executable, "-c", script], env=environment, text=True)


def test_a_shop_with_a_real_sensor_is_refused_and_left_as_it_was(
    capture: tuple[Path, Path], tmp_path: Path
) -> None:
    put_tables(tmp_path)
    assert chaland("replay", capture[0], "--shop", "lab", state=tmp_path).returncode == 0
    hub(HUB_WITH_A_REAL_SENSOR, tmp_path)
    before = hub(STORED, tmp_path)
    assert "2026-03-10 2026-05-19" in before
    again = chaland("replay", capture[0], "--shop", "lab", "--again", state=tmp_path)
    assert again.returncode == 1
    assert "a town that measures" in again.stderr
    assert hub(STORED, tmp_path) == before


def test_a_short_name_that_is_none_makes_nothing(
    capture: tuple[Path, Path], tmp_path: Path
) -> None:
    bad = chaland("replay", capture[0], "--shop", "a/../b c", state=tmp_path)
    assert bad.returncode == 1
    assert "is no short name" in bad.stderr
    assert "Traceback" not in bad.stderr
    good = chaland("replay", capture[0], "--shop", "lab", state=tmp_path)
    assert good.returncode == 0, "nothing was made of the bad name"
    assert {p.name for p in (tmp_path / "replay").iterdir()} == {"shop-1.key", "town.key"}


def test_a_capture_that_can_not_be_read_at_all_is_a_failure_after_the_table(
    capture: tuple[Path, Path], tmp_path: Path
) -> None:
    none = tmp_path / "none.pcap"
    none.write_bytes(b"no capture at all")
    result = chaland(
        "replay", none, capture[0], "--shop", "lab", state=put_tables(tmp_path / "state")
    )
    assert result.returncode == 1
    assert rows(result.stdout)
    assert f"could not be read at all: {none}." in result.stderr


def test_a_simulated_capture_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    for arguments in ([missing / "x.pcap"], [tmp_path / "x.pcap", "--people", missing / "p.csv"]):
        result = chaland("simulate", "capture", *arguments, "--to", "10:05", state=tmp_path)
        assert result.returncode == 1
        assert f"{arguments[-1]}: can't be written (No such file" in result.stderr
        assert "Traceback" not in result.stderr
    assert not (tmp_path / "x.pcap").exists(), "told before the long work"


def test_the_hour_that_the_clocks_going_back_repeats(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "time_local,people\n2025-10-26 01:45:00,1\n2025-10-26 02:00:00,2\n"
        "2025-10-26 02:45:00,3\n2025-10-26 02:00:00,4\n2025-10-26 02:30:00,5\n"
        "2025-10-26 03:00:00,6\n2025-10-26 03:15:00,0\n",
        encoding="utf-8",
    )
    got = [(row.start.strftime("%H:%M"), row.people) for row in read_people(file, PARIS)]
    assert got == [
        ("23:45", 1), ("00:00", 2), ("00:15", 2), ("00:30", 2), ("00:45", 3),
        ("01:00", 4), ("01:15", 4), ("01:30", 5), ("01:45", 5), ("02:00", 6),
    ]  # fmt: skip


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
        (f"time_local,people\n2026-03-14 10:00:00,{'9' * 5000}\n", "row 2, people"),
        ("time_local,people\n0001-01-01 00:00:00,1\n", "row 2, time_local: .* no capture"),
        ("time_local,people\n2026-01-01 00:00:00,1\n9999-12-31 23:59:59,1\n", "row 3, time_local"),
        ("time_local,people\n2026-01-01 00:00:00,1\n2027-02-06 00:00:00,1\n", "row 3.* 400 days"),
        ("time_local,people\n2026-03-29 03:10:00,1\n2026-03-29 02:00:00,1\n", "row 3, time_local"),
        ("time_local,people\n" + "x" * 200_000 + ",1\n", "as CSV"),
        ("time_local,people\n2026-03-14 10:00:00,1\n2026-03-14 09:00:00,1\n", "row 3, time_local"),
    ],
)
def test_a_bad_head_count_names_row_and_field(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "people.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PeopleFileErrorFinal, match=named):
        read_people(file, PARIS)
