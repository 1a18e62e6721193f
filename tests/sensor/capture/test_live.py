"""Live capture with real children on a real interface of this machine.

A TAP device whose link type is set to radiotap is to the kernel, tcpdump and us what a radio in
monitor mode is: frames written into it arrive as if heard.
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from struct import pack

import pytest

from chaland.sensor.capture import Fault, LiveSource, Tool
from chaland.sensor.capture.tools import find_fault
from chaland.wire.summary import State

TUNSETIFF, TUNSETLINK = 0x400454CA, 0x400454CD
IFF_TAP, IFF_NO_PI = 2, 0x1000
RADIOTAP_HARDWARE, PRISM_HARDWARE, ETHERNET_HARDWARE = 803, 802, 1
RADIOTAP = pack("<BxHIb", 0, 9, 1 << 5, -60)
PLANTED = b"\x02\xc0\xfe"
"""How the addresses start that are searched for in memory."""

needs_interface = [
    pytest.mark.privileged,
    pytest.mark.xdist_group("live"),
    pytest.mark.skipif(
        os.geteuid() != 0 or not Path("/dev/net/tun").exists(),
        reason="needs root and /dev/net/tun to make an interface",
    ),
]
on_an_interface = [
    pytest.param(tool, marks=pytest.mark.skipif(
        tool is not Tool.CHALAND and shutil.which(tool) is None, reason=f"{tool} is not installed"
    ))
    for tool in Tool
]  # fmt: skip


class Radio:
    """A TAP device in the guise of a monitor-mode interface."""

    def __init__(self, name: str, hardware: int = RADIOTAP_HARDWARE) -> None:
        self.name = name
        self._fd = os.open("/dev/net/tun", os.O_RDWR)
        request = pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI)
        fcntl.ioctl(self._fd, TUNSETIFF, request)
        fcntl.ioctl(self._fd, TUNSETLINK, hardware)
        self.switch("up")

    def switch(self, state: str) -> None:
        subprocess.run(["ip", "link", "set", self.name, state], check=True)

    def hears(self, frame: bytes) -> None:
        os.write(self._fd, RADIOTAP + frame)

    def unplug(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def probe(address: bytes) -> bytes:
    return b"\x40\0\0\0" + b"\xff" * 6 + address + b"\xff" * 6 + b"\x10\0" + b"\0\0" + bytes(60)


def beacon(number: int) -> bytes:
    access_point = bytes.fromhex("0011223344aa")
    head = b"\x80\0\0\0" + b"\xff" * 6 + access_point * 2 + pack("<H", number << 4 & 0xFFFF)
    return head + bytes(12) + b"\0\4shop"


class Listener:
    """Runs a source in a thread, and waits for what should happen."""

    def __init__(self, source: LiveSource) -> None:
        self.source = source
        self.frames: list[bytes] = []
        self.ticks: list[float] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for _, start, end, _ in self.source:
            if end:
                self.frames.append(bytes(self.source.buffer[start:end]))
            else:
                self.ticks.append(time.monotonic())

    def until(self, condition: Callable[[], object], timeout_s: float = 60.0) -> None:
        """Wait for ``condition``, or fail with what the source says of itself."""
        end_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end_s, (self.source.health.message, len(self.frames))
            time.sleep(0.01)

    def until_ready(self, radio: Radio) -> int:
        """Wait until the child hears the radio; return its process id."""

        def heard() -> bool:
            radio.hears(probe(b"\x02ready"))
            time.sleep(0.05)
            return bool(self.frames)

        self.until(heard)
        last = probe(b"\x02last!")
        radio.hears(last)
        self.until(lambda: RADIOTAP + last in self.frames)
        self.frames.clear()
        return self.source.child_pids()[0]

    def close(self) -> None:
        self.source.close()
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert self.source.child_pids() == []


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaland.sensor.capture.live._PAUSE_FIRST_S", 0.1)


@pytest.fixture
def radio() -> Iterator[Radio]:
    made = Radio(f"chal{os.getpid() % 10_000}")
    yield made
    made.unplug()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    listeners: list[Listener] = []

    def start(interface: str, tool: Tool = Tool.CHALAND) -> Listener:
        listeners.append(Listener(LiveSource(interface, tool)))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


def addresses(count: int, seed: int = 1) -> list[bytes]:
    random = Random(seed)
    return [PLANTED + random.randbytes(3) for _ in range(count)]


class TestOnAnInterface:
    pytestmark = needs_interface

    @pytest.mark.parametrize("tool", on_an_interface)
    def test_hears_what_it_should_and_nothing_else(self, radio: Radio, listen, tool: Tool) -> None:
        listener = listen(radio.name, tool)
        listener.until_ready(radio)
        phone = b"\x02phone"
        rest = phone + b"\xff" * 6 + b"\x10\0" + bytes(400)
        wanted = [
            probe(phone),
            b"\x00\0\0\0" + b"\xff" * 6 + rest,
            b"\x20\0\0\0" + b"\xff" * 6 + rest,
            b"\xb0\0\0\0" + b"\xff" * 6 + rest,
            b"\x88\1\0\0" + b"\xff" * 6 + rest + bytes(300),
            beacon(16),
        ]
        others = [
            b"\x50\0\0\0" + rest * 2,
            b"\x88\2\0\0" + rest * 2,
            b"\xd4\0\0\0" + phone,
            beacon(3),
        ]
        for frame in others + wanted:
            radio.hears(frame)
        listener.until(lambda: len(listener.frames) >= len(wanted))
        assert listener.frames == [(RADIOTAP + frame)[:512] for frame in wanted]
        assert listener.source.link_type == 127
        assert listener.source.health.state is State.OK
        assert listener.source.health.message.endswith("beacons are heard")

    @pytest.mark.parametrize("tool", on_an_interface[:2])
    def test_a_killed_child_is_started_again_and_frames_flow_on(
        self,
        radio: Radio,
        listen,
        tool: Tool,
    ) -> None:
        listener = listen(radio.name, tool)
        first = listener.until_ready(radio)
        os.kill(first, signal.SIGKILL)
        listener.until(lambda: listener.source.health.state is State.CAPTURE_DIED)
        assert listener.source.failure.fault is Fault.CHILD_DIED
        assert "killed by signal 9" in listener.source.health.message
        second = listener.until_ready(radio)
        assert second != first
        assert listener.source.health.restarts == 1
        assert listener.source.failure is None
        radio.hears(probe(b"\x02again"))
        listener.until(lambda: listener.frames)

    def test_ticks_come_each_second_while_nothing_is_heard(self, radio: Radio, listen) -> None:
        listener = listen(radio.name)
        listener.until_ready(radio)
        listener.ticks.clear()
        listener.until(lambda: len(listener.ticks) >= 3)
        gaps = [b - a for a, b in zip(listener.ticks, listener.ticks[1:], strict=False)]
        assert min(gaps) < 1.3  # a busy machine makes one late

    def test_no_address_stays_in_the_child_or_the_buffer(self, radio: Radio, listen) -> None:
        listener = listen(radio.name)
        child = listener.until_ready(radio)
        planted = addresses(200)
        for address in planted:
            radio.hears(probe(address))
        listener.until(lambda: len(listener.frames) == 200)
        # The child forgets within the frame; the parent before it waits.
        assert found_in(child, planted) == 0
        listener.until(lambda: not any(listener.source.buffer.count(a) for a in planted), 5.0)

    @pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
    def test_the_memory_scan_finds_what_tcpdump_keeps(self, radio: Radio, listen) -> None:
        """So that a scan which finds nothing means something; and why tcpdump isn't the default."""
        listener = listen(radio.name, Tool.TCPDUMP)
        child = listener.until_ready(radio)
        planted = addresses(200)
        for address in planted:
            radio.hears(probe(address))
            time.sleep(0.001)
        time.sleep(1.5)
        assert found_in(child, planted) > 50

    def test_an_unplugged_radio_is_told_and_found_again(self, radio: Radio, listen) -> None:
        listener = listen(radio.name)
        listener.until_ready(radio)
        radio.unplug()
        listener.until(lambda: listener.source.health.state is State.NO_INTERFACE)
        again = Radio(radio.name)
        try:
            listener.until_ready(again)
        finally:
            again.unplug()

    def test_an_interface_that_is_down_is_told(self, radio: Radio, listen) -> None:
        radio.switch("down")
        listener = listen(radio.name)
        listener.until(lambda: listener.source.failure)
        assert listener.source.failure.fault is Fault.INTERFACE_DOWN
        assert f"ip link set {radio.name} up" in listener.source.health.message

    def test_an_interface_that_is_no_radio_is_told(self, listen) -> None:
        radio = Radio(f"chae{os.getpid() % 10_000}", ETHERNET_HARDWARE)
        try:
            listener = listen(radio.name)
            listener.until(lambda: listener.source.failure)
            assert listener.source.failure.fault is Fault.NO_RADIO
            assert listener.source.health.state is State.NO_MONITOR_MODE
            assert "leave it as it is" in listener.source.health.message
        finally:
            radio.unplug()

    def test_prism_headers_are_told_from_a_missing_monitor_mode(self) -> None:
        radio = Radio(f"chap{os.getpid() % 10_000}", PRISM_HARDWARE)
        try:
            told = find_fault(Tool.CHALAND, radio.name)
            assert told is not None
            assert told.fault is Fault.PRISM_HEADERS
            assert "--tool tcpdump" in told.message
            if shutil.which("tcpdump"):
                assert find_fault(Tool.TCPDUMP, radio.name) is None
        finally:
            radio.unplug()

    def test_the_childs_memory_is_closed_to_its_user(self, radio: Radio, listen) -> None:
        """The kernel gives the /proc files of a process that is not dumpable to root."""
        code = (
            "import os\nfrom chaland.sensor.capture.child import _forbid_dumps\n"
            "import ctypes; os.setuid(65534); ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n"
            "owner = lambda: os.stat('/proc/self/mem').st_uid\n"
            "before = owner(); _forbid_dumps(); print(before, owner())\n"
        )
        assert subprocess.check_output([sys.executable, "-c", code], text=True) == "65534 0\n"
        pid = listen(radio.name).until_ready(radio)
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits)

    @pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
    def test_a_missing_right_is_told(self, radio: Radio) -> None:
        code = (
            "from chaland.sensor.capture import LiveSource\n"
            f"source = LiveSource({radio.name!r})\n"
            "for _ in source:\n"
            "    if source.failure: print(source.failure.fault, source.failure.message); break\n"
        )
        command = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
        command += [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("no-permission"), done.stderr
        assert "CAP_NET_RAW" in done.stdout

    def test_the_child_ends_with_its_parent(self, radio: Radio) -> None:
        code = (
            "import os, signal; from chaland.sensor.capture import LiveSource\n"
            f"source = LiveSource({radio.name!r})\n"
            "for _ in source:\n"
            "    print(source.child_pids()[0], flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        child = int(done.stdout)
        end_s = time.monotonic() + 60
        while Path(f"/proc/{child}/mem").exists() and "Z" not in status(child):
            assert time.monotonic() < end_s
            time.sleep(0.02)


def status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "Z"


def found_in(pid: int, needles: list[bytes]) -> int:
    """Count the needles that any readable memory of a process holds, its packet ring included."""
    found: set[bytes] = set()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            region = re.match(r"([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+\s*(\[v\S+)?", line)
            if not region or region[3]:
                continue
            start, end = int(region[1], 16), int(region[2], 16)
            memory.seek(start)
            content = memory.read(end - start)
            for hit in re.finditer(re.escape(PLANTED), content):
                found.add(content[hit.start() : hit.start() + 6])
    return len(found & set(needles))


@pytest.mark.parametrize("name", ["nothere0", "", "..", "../../etc", "a/b"])
def test_an_interface_that_is_not_there_is_told(name: str) -> None:
    source = LiveSource(name)
    records = iter(source)
    _, start, end, _ = next(records)
    assert (start, end) == (0, 0)
    assert source.failure is not None
    assert source.failure.fault is Fault.INTERFACE_MISSING
    assert source.health.state is State.NO_INTERFACE
    source.close()
    assert list(records) == []


def test_a_missing_program_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for tool in (Tool.TCPDUMP, Tool.DUMPCAP):
        source = LiveSource("lo", tool)
        next(iter(source))
        assert source.failure is not None
        assert source.failure.fault is Fault.CHILD_MISSING
        assert f"{tool} is not installed" in source.health.message
        source.close()
