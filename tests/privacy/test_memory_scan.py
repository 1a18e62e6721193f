"""F2 and F3: a raw address lives a second at most, a token no longer than the visit and five
minutes, and the keys of the day lie in locked pages until the day's release, and nowhere else.

A real sensor process reads a capture from standard input (its clock is the capture's, so five
minutes pass in a moment); the harness stops it and searches all of its memory. Needs the right to
read another process's memory (root, or the same user where the kernel allows it).
"""

import fcntl
import hashlib
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import memory
import pytest

from chaland.simulate.frames import (
    association_request,
    beacon,
    data_to_access_point,
    probe_request,
    radiotap_frame,
)
from chaland.wire.mechanism import DEFAULT_MECHANISM

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.skipif(os.geteuid() != 0, reason="reads another process's memory: needs root"),
]

START_S = 1_700_049_600
ACCESS_POINT = bytes.fromhex("3c37865aa1b0")
OBJECTION = b"\x00\x0echaland-optout"
RATES = b"\x00\x00\x01\x04\x02\x04\x0b\x16"
CANARIES = [
    bytes([0x02 if i < 200 else 0x5C]) + hashlib.sha256(b"canary%d" % i).digest()[:5]
    for i in range(500)
]
RANDOM, FOLLOWABLE, OBJECTING = CANARIES[:200], CANARIES[200:400], CANARIES[400:]


class Sensor:
    """A running sensor process and the pipe that is its radio."""

    def __init__(self, fault: str) -> None:
        keys_from, keys_to = os.pipe()
        script = Path(__file__).with_name("sensor_process.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), fault, str(keys_to)],
            stdin=subprocess.PIPE,
            pass_fds=[keys_to],
        )
        os.close(keys_to)
        self._keys_from = keys_from
        self._write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 512, 127))
        os.read(keys_from, 32)  # the window table's before the first frame
        self.visit_key = os.read(keys_from, 32)
        os.read(keys_from, 32)  # what the sketch's page held before the town's key came

    def hear(self, at_s: float, *frames: bytes) -> None:
        """Deliver frames that are ``at_s`` seconds after the start, all in one write."""
        seconds, micros = START_S + int(at_s), int(at_s % 1 * 1e6)
        records = [radiotap_frame(frame, -55, 6) for frame in frames]
        self._write(
            b"".join(struct.pack("<IIII", seconds, micros, len(r), len(r)) + r for r in records)
        )

    def next_window_key(self) -> bytes:
        """Return the key of the next window that began."""
        return os.read(self._keys_from, 32)

    def _write(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def wait_until_read(self) -> None:
        """Return when the process has taken all frames out of the pipe, and waits for more."""
        assert self.process.stdin
        unread = bytearray(4)
        while True:
            fcntl.ioctl(self.process.stdin, termios.FIONREAD, unread)
            if not any(unread) and self._waits():
                return
            time.sleep(0.01)

    def _waits(self) -> bool:
        """Whether it sleeps for a tenth of a second: with work left it would be runnable."""
        for _ in range(10):
            stat = Path(f"/proc/{self.process.pid}/stat").read_text()
            if stat.rsplit(")", 1)[1].split()[0] != "S":
                return False
            time.sleep(0.01)
        return True

    @contextmanager
    def frozen(self) -> Iterator[int]:
        """Stop the process as it is, for as long as the search takes."""
        self.process.send_signal(signal.SIGSTOP)
        yield self.process.pid
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End the capture; the process must end well."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(60) == 0

    def kill(self) -> None:
        """End whatever is left."""
        self.process.kill()
        self.process.communicate()
        os.close(self._keys_from)


@contextmanager
def sensor(fault: str = "none") -> Iterator[Sensor]:
    running = Sensor(fault)
    try:
        yield running
        running.close()
    finally:
        running.kill()


def canaries_pass(sensor: Sensor) -> None:
    """All 500 are heard within a second: probing, sending data, objecting."""
    sensor.hear(1.0, beacon(ACCESS_POINT, 1, b"cafe", 6))
    sensor.hear(1.2, *(probe_request(address, 5, RATES) for address in RANDOM))
    sensor.hear(1.4, *(data_to_access_point(a, ACCESS_POINT, 5, False) for a in FOLLOWABLE))
    sensor.hear(1.6, *(probe_request(a, 5, RATES) for a in FOLLOWABLE[:50]))
    sensor.hear(1.7, *(data_to_access_point(a, ACCESS_POINT, 5, False) for a in OBJECTING))
    sensor.hear(1.8, *(probe_request(a, 5, OBJECTION) for a in OBJECTING[:50]))
    sensor.hear(1.9, *(association_request(a, ACCESS_POINT, 5, OBJECTION) for a in OBJECTING[50:]))


def five_minutes_pass(sensor: Sensor) -> None:
    for at_s in range(5, 310, 5):
        sensor.hear(at_s, beacon(ACCESS_POINT, at_s, b"cafe", 6))
    sensor.wait_until_read()
    time.sleep(1.0)


def town_key_in(pid: int) -> bytes:
    """Return the town's key: the one that two locked pages hold (the exchange's, the sketch's)."""
    keys = [key for key in memory.locked(pid) if any(key)]
    (town_key,) = {key for key in keys if keys.count(key) == 2}
    return town_key


def parts(key: bytes) -> list[bytes]:
    """Return the quarters of a key: libsodium may hold it in registers of eight bytes."""
    return [key[at : at + 8] for at in range(0, 32, 8)]


def the_shop_fills(sensor: Sensor) -> None:
    """The followable canaries stay for more than a minute: they arrive, and are sketched."""
    canaries_pass(sensor)
    sensor.hear(63.0, *(data_to_access_point(a, ACCESS_POINT, 5, False) for a in FOLLOWABLE))
    sensor.wait_until_read()
    time.sleep(1.0)


def token(address: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(address, digest_size=8, key=key).digest()


def all_forms(secrets: list[bytes]) -> set[bytes]:
    return set().union(*(memory.forms(secret) for secret in secrets))


def test_addresses_are_gone_in_a_second_and_tokens_in_five_minutes() -> None:
    with sensor() as running:
        canaries_pass(running)
        running.wait_until_read()
        time.sleep(1.0)
        visit_tokens = {a: token(a, running.visit_key) for a in CANARIES}
        window_key = running.next_window_key()
        window_tokens = [token(a, window_key) for a in CANARIES]
        with running.frozen() as pid:
            assert memory.find(pid, all_forms(CANARIES)) == {}
            present = [visit_tokens[a] for a in FOLLOWABLE]
            found = memory.find(pid, [*present, *window_tokens[:250]])
            assert set(found) == {*present, *window_tokens[:250]}  # the search does see memory
            barred = OBJECTING[: DEFAULT_MECHANISM.objection.new_in_a_window]
            assert memory.find(pid, all_forms([visit_tokens[a] for a in barred])) == {}
        five_minutes_pass(running)
        with running.frozen() as pid:
            assert memory.find(pid, all_forms(CANARIES)) == {}
            assert memory.find(pid, all_forms([*visit_tokens.values(), *window_tokens])) == {}
            quarters = parts(running.visit_key)
            assert memory.find(pid, quarters) == dict.fromkeys(quarters, 1)  # its page, no other
            assert memory.find(pid, [window_key]) == {}


def test_the_keys_of_the_day_lie_in_locked_pages_until_its_release() -> None:
    """The window's, the visit table's, the town's (twice), the X25519 secret, a spare one."""
    with sensor() as running:
        the_shop_fills(running)
        with running.frozen() as pid:
            keys = [key for key in memory.locked(pid) if any(key)]
            assert len(keys) == 6
            town_key = town_key_in(pid)
            tokens = all_forms([token(a, town_key) for a in FOLLOWABLE[:50]])
            quarters = {part: keys.count(key) for key in keys for part in parts(key)}
            assert memory.find(pid, {*tokens, *quarters}) == quarters
        day_ends_s = 16 * 3600
        running.hear(day_ends_s, beacon(ACCESS_POINT, 9, b"cafe", 6))
        running.wait_until_read()
        time.sleep(1.0)
        with running.frozen() as pid:
            left = [key for key in memory.locked(pid) if any(key)]
            assert len(left) == 2  # the window's and the visit table's, of the next day
            gone = set(keys) - set(left)
            assert memory.find(pid, [part for key in gone for part in parts(key)]) == {}


def test_the_scan_finds_a_token_of_the_day_and_a_key_kept_in_python() -> None:
    with sensor("day") as running:
        the_shop_fills(running)
        with running.frozen() as pid:
            town_key = town_key_in(pid)
            tokens = [token(a, town_key) for a in FOLLOWABLE]
            found = memory.find(pid, [town_key, *all_forms(tokens)])
            assert found.pop(town_key) > 2
            assert found


def test_the_scan_finds_one_address_kept_in_a_dict() -> None:
    with sensor("address") as running:
        canaries_pass(running)
        five_minutes_pass(running)
        with running.frozen() as pid:
            assert RANDOM[0] in memory.find(pid, all_forms(CANARIES))


def test_the_scan_finds_one_token_kept_as_an_integer() -> None:
    with sensor("token") as running:
        canaries_pass(running)
        five_minutes_pass(running)
        tokens = [token(a, running.visit_key) for a in FOLLOWABLE]
        with running.frozen() as pid:
            assert memory.find(pid, all_forms(tokens))
