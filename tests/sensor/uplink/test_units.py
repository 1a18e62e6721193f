"""The systemd units are valid, and keep what the privacy page promises of them."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[3] / "ops" / "systemd"
SENSORS = ["chaland-sensor.service", "chaland-sensor-ssh.service"]


@pytest.mark.parametrize("name", SENSORS)
@pytest.mark.parametrize(
    "line",
    ["MemorySwapMax=0", "LimitCORE=0", "NoNewPrivileges=yes", "ProtectSystem=strict",
     "User=chaland-sensor", "StateDirectoryMode=0700", "Restart=always"],
)  # fmt: skip
def test_a_sensors_unit_keeps_memory_off_the_disk_and_rights_small(name: str, line: str) -> None:
    assert line in (UNITS / name).read_text().splitlines()


def test_only_the_unit_that_listens_may_open_raw_sockets() -> None:
    assert "CapabilityBoundingSet=CAP_NET_RAW\n" in (UNITS / SENSORS[0]).read_text()
    assert "CapabilityBoundingSet=\n" in (UNITS / SENSORS[1]).read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze not installed")
def test_systemd_finds_no_fault(tmp_path: Path) -> None:
    for path in UNITS.iterdir():
        text = path.read_text()
        for program in ("/opt/chaland/bin/chaland", "/usr/sbin/ip", "/usr/sbin/iw"):
            text = text.replace(program, "/bin/true")  # verify wants the programs to be there
        (tmp_path / path.name.replace("@", "@mon0")).write_text(text)
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    result = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
