"""What the capturing programs say, as the technician is told it."""

import re
from pathlib import Path

import pytest

from chaland.sensor.capture import Fault, Tool
from chaland.sensor.capture.tools import explain_end, find_fault
from chaland.wire.summary import State


@pytest.mark.parametrize(
    ("complaint", "fault"),
    [
        ("tcpdump: m: You don't have permission to capture on that device", Fault.NO_PERMISSION),
        ("Operation not permitted", Fault.NO_PERMISSION),
        ("tcpdump: m: No such device exists", Fault.INTERFACE_MISSING),
        ("tcpdump: pcap_loop: The interface disappeared", Fault.INTERFACE_MISSING),
        ("tcpdump: m: That device is not up", Fault.INTERFACE_DOWN),
        ("tcpdump: pcap_loop: The interface went down", Fault.INTERFACE_DOWN),
        ("tcpdump: 802.11 link-layer types supported only on 802.11", Fault.NO_MONITOR_MODE),
        ("tcpdump: IEEE802_11_RADIO is not one of the DLTs supported", Fault.NO_MONITOR_MODE),
        ("Segmentation fault", Fault.CHILD_DIED),
        ("", Fault.CHILD_DIED),
    ],
)
def test_complaints_are_understood(complaint: str, fault: Fault) -> None:
    told = explain_end(Tool.TCPDUMP, "m", 1, complaint)
    assert told.fault is fault
    assert told.message


@pytest.mark.parametrize(
    "statistics",
    [
        "1 packet captured",
        "23 packets captured\n25 packets received by filter\n0 packets dropped by kernel",
        "tcpdump: pcap_loop: 17 packets seen",
        "Packets captured: 23",
        "Packets received/dropped on interface 'm': 23/0 (pcap:0/dumpcap:0/flushed:0) (100.0%)",
        "\r23 frames written",
    ],
)
def test_a_note_never_tells_how_many_frames_there_were(statistics: str) -> None:
    said = f"tcpdump: listening on m, link-type IEEE802_11_RADIO, snapshot length 512\n{statistics}"
    assert explain_end(Tool.TCPDUMP, "m", 1, said).message.count("exit code 1)") == 1
    told = explain_end(Tool.TCPDUMP, "m", 1, f"tcpdump: cannot allocate\n{statistics}").message
    assert '"tcpdump: cannot allocate"' in told
    assert not re.search(r"\d.*packet|17|2[35]", told)


@pytest.mark.parametrize(
    ("is_radio", "fault", "said"),
    [(True, Fault.NO_MONITOR_MODE, "set type monitor"), (False, Fault.NO_RADIO, "leave it as it")],
)
def test_only_a_radio_is_to_be_put_into_monitor_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_radio: bool, fault: Fault, said: str
) -> None:
    """The advice for a radio would cut the machine's own network off."""
    (tmp_path / "lan0").mkdir()
    (tmp_path / "lan0" / "type").write_text("1\n")
    (tmp_path / "lan0" / "flags").write_text("0x1003\n")
    if is_radio:
        (tmp_path / "lan0" / "phy80211").mkdir()
    monkeypatch.setattr("chaland.sensor.capture.tools._INTERFACES", tmp_path)
    found = find_fault(Tool.CHALAND, "lan0")
    assert found is not None
    assert (found.fault, found.state) == (fault, State.NO_MONITOR_MODE)
    assert said in found.message
