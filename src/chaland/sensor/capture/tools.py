"""The programs that can do the capturing, how they are called, and what their failures mean."""

import re
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from chaland.sensor.capture import child
from chaland.wire.summary import State

FILTER = (
    "type mgt subtype probe-req or type mgt subtype assoc-req or type mgt subtype reassoc-req "
    "or type mgt subtype auth or (type data and dir tods) "
    "or (type mgt subtype beacon and wlan[22] & 0xf0 = 0)"
)
"""What is captured: frames from phones, and one beacon in sixteen for the health check."""


class Tool(StrEnum):
    """A program that captures."""

    CHALAND = "chaland"
    """Our own child: forgets each frame as soon as it is passed on. The default."""
    TCPDUMP = "tcpdump"
    """Its packet ring keeps about a hundred frames readable until others overwrite them."""
    DUMPCAP = "dumpcap"
    """The same, with some thousands of frames."""


class Fault(StrEnum):
    """Why a capture child can't work."""

    CHILD_MISSING = "child-missing"
    NO_PERMISSION = "no-permission"
    INTERFACE_MISSING = "interface-missing"
    INTERFACE_DOWN = "interface-down"
    NO_RADIO = "no-radio"
    NO_MONITOR_MODE = "no-monitor-mode"
    PRISM_HEADERS = "prism-headers"
    CHILD_DIED = "child-died"


@dataclass(frozen=True, slots=True)
class Failure:
    """One fault as it is told: to the hub by its state, to the technician by its text."""

    fault: Fault
    state: State
    message: str


_STATES = {
    Fault.INTERFACE_MISSING: State.NO_INTERFACE,
    Fault.INTERFACE_DOWN: State.NO_INTERFACE,
    Fault.NO_RADIO: State.NO_MONITOR_MODE,
    Fault.NO_MONITOR_MODE: State.NO_MONITOR_MODE,
}

_MESSAGES = {
    Fault.CHILD_MISSING: "{tool} is not installed: install it, or leave the tool to Chaland",
    Fault.NO_PERMISSION: (
        "{tool} may not listen on {interface}: give the service the right CAP_NET_RAW "
        "(systemd: AmbientCapabilities=CAP_NET_RAW), or run it as root"
    ),
    Fault.INTERFACE_MISSING: (
        "there is no interface {interface}: plug the radio in, or create it "
        "(iw phy phy0 interface add {interface} type monitor); `iw dev` lists those there are"
    ),
    Fault.INTERFACE_DOWN: "interface {interface} is down: ip link set {interface} up",
    Fault.NO_RADIO: (
        "interface {interface} is no Wi-Fi radio, so it can't listen: leave it as it is, and give "
        "the name of a radio's interface (`iw dev` lists them)"
    ),
    Fault.NO_MONITOR_MODE: (
        "interface {interface} is not in monitor mode, so it delivers no probe requests: "
        "ip link set {interface} down; iw dev {interface} set type monitor; "
        "ip link set {interface} up"
    ),
    Fault.PRISM_HEADERS: (
        "interface {interface} puts Prism headers before its frames, which {tool}'s own child "
        "does not capture: run with --tool tcpdump, or let the driver deliver radiotap"
    ),
    Fault.CHILD_DIED: "the capture child {tool} ended ({detail}); it is started again",
}

# What the programs say on standard error, in lower case, first match wins.
_COMPLAINTS = (
    ("permission", Fault.NO_PERMISSION),
    ("not permitted", Fault.NO_PERMISSION),
    ("not in monitor mode", Fault.NO_MONITOR_MODE),
    ("only on 802.11", Fault.NO_MONITOR_MODE),
    ("is not one of the dlts", Fault.NO_MONITOR_MODE),
    ("isn't one of the dlts", Fault.NO_MONITOR_MODE),
    ("no such device", Fault.INTERFACE_MISSING),
    ("interface disappeared", Fault.INTERFACE_MISSING),
    ("network is down", Fault.INTERFACE_DOWN),
    ("device is not up", Fault.INTERFACE_DOWN),
    ("went down", Fault.INTERFACE_DOWN),
)

_PRISM_HARDWARE = 802
_WIFI_HARDWARE = {*child.LINK_TYPES, _PRISM_HARDWARE}
"""The kernel's hardware types of monitor mode."""
_STATISTICS = re.compile(r"\d.*\b(packet|frame)s?\b|\b(packet|frame)s?\b.*\d", re.IGNORECASE)
"""tcpdump and dumpcap end with how many frames they captured: a number that derives from phones,
which must reach neither the log nor the status."""
_ANNOUNCEMENT = re.compile(r"listening on |Capturing on |File: ", re.IGNORECASE)
_INTERFACES = Path("/sys/class/net")
_UP = 1


def failure(fault: Fault, tool: Tool, interface: str, detail: str = "") -> Failure:
    """Return the failure of ``fault`` with its state and its text."""
    text = _MESSAGES[fault].format(tool=tool.value, interface=interface, detail=detail)
    return Failure(fault, _STATES.get(fault, State.CAPTURE_DIED), text)


def find_fault(tool: Tool, interface: str) -> Failure | None:
    """Look at the machine before a child is started; return what is plainly wrong."""
    if tool is not Tool.CHALAND and shutil.which(tool.value) is None:
        return failure(Fault.CHILD_MISSING, tool, interface)
    # A name with a slash would look elsewhere; the kernel allows none in interface names.
    directory = _INTERFACES / interface
    if "/" in interface or interface in {"", ".", ".."} or not directory.is_dir():
        return failure(Fault.INTERFACE_MISSING, tool, interface)
    try:
        hardware = int((directory / "type").read_text())
        flags = int((directory / "flags").read_text(), 16)
    except OSError:  # unplugged just now
        return failure(Fault.INTERFACE_MISSING, tool, interface)
    if hardware not in _WIFI_HARDWARE:
        fault = Fault.NO_MONITOR_MODE if (directory / "phy80211").exists() else Fault.NO_RADIO
    elif tool is Tool.CHALAND and hardware not in child.LINK_TYPES:
        fault = Fault.PRISM_HEADERS
    elif not flags & _UP:
        fault = Fault.INTERFACE_DOWN
    else:
        return None
    return failure(fault, tool, interface)


def explain_end(tool: Tool, interface: str, code: int, complaints: str) -> Failure:
    """Return why a child ended, from its exit code and what it wrote on standard error."""
    lowered = complaints.lower()
    for words, fault in _COMPLAINTS:
        if words in lowered:
            return failure(fault, tool, interface)
    lines = [line for line in complaints.splitlines() if _is_complaint(line)]
    how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    said = f': "{lines[-1].strip()[:200]}"' if lines and code >= 0 else ""
    return failure(Fault.CHILD_DIED, tool, interface, how + said)


def _is_complaint(line: str) -> bool:
    """Tell a line that says what went wrong from statistics and from announcements."""
    return bool(line.strip()) and not _STATISTICS.search(line) and not _ANNOUNCEMENT.search(line)


def command(tool: Tool, interface: str, snap_length: int) -> list[str]:
    """Return the command line that writes a capture of ``interface`` to standard output."""
    size = str(snap_length)
    if tool is Tool.TCPDUMP:
        # The smallest ring that rides out a burst: what is in it stays readable for long.
        ring = ["--immediate-mode", "-B", "64"]
        return ["tcpdump", "-i", interface, "-w", "-", "-U", *ring, "-s", size, FILTER]
    if tool is Tool.DUMPCAP:
        return ["dumpcap", "-i", interface, "-w", "-", "-q", "-B", "1", "-s", size, "-f", FILTER]
    return [sys.executable, "-I", "-S", child.__file__, interface, size]
