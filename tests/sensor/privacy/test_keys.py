"""Keys and tokens: written between arrays, orphaned by a new key, gone when zeroed."""

import hashlib
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
from nacl._sodium import ffi

from chaland.sensor.privacy.keys import KEY_SIZE, Key, Token, pointer_to

ADDRESS = bytearray(bytes.fromhex("02a1b2c3d4e5"))


def key_bytes(key: Key) -> bytes:
    return bytes(key._page[:KEY_SIZE])


def test_a_token_is_keyed_blake2b() -> None:
    key, token = Key(), Token()
    token.hash(key, pointer_to(ADDRESS))
    expected = hashlib.blake2b(ADDRESS, digest_size=8, key=key_bytes(key)).digest()
    assert token.value.tobytes() == expected
    token.zero()
    assert not token.value.any()


def test_a_new_key_orphans_old_tokens() -> None:
    key, token = Key(), Token()
    token.hash(key, pointer_to(ADDRESS))
    before = token.value.copy()
    key.renew()
    token.hash(key, pointer_to(ADDRESS))
    assert (token.value != before).all()


def test_two_sensors_share_no_token() -> None:
    one, other = Token(), Token()
    one.hash(Key(), pointer_to(ADDRESS))
    other.hash(Key(), pointer_to(ADDRESS))
    assert not np.array_equal(one.value, other.value)


def test_a_zeroed_key_is_zeros() -> None:
    key = Key()
    assert any(key_bytes(key))
    key.zero()
    assert not any(key_bytes(key))


def test_a_key_lies_in_locked_memory_that_no_core_dump_and_no_child_has() -> None:
    key = Key()
    place = int(ffi.cast("uintptr_t", key.at))
    flags: list[str] = []
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            start, end = (int(bound, 16) for bound in words[0].split("-"))
            inside = start <= place < end
        elif inside and words[0] == "VmFlags:":
            flags = words[1:]
    assert {"lo", "dd", "dc"} <= set(flags)  # locked, left out of dumps and of forks


def test_without_the_right_to_lock_memory_there_is_no_key() -> None:
    script = (
        "from chaland.sensor.privacy.keys import Key, MemoryNotLockedFinal\n"
        "try:\n    Key()\nexcept MemoryNotLockedFinal as error:\n    print(error)\n"
    )
    code = subprocess.run(
        [sys.executable, "-c", script],
        preexec_fn=_no_locking,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "LimitMEMLOCK" in code.stdout, code.stderr


def _no_locking() -> None:
    """No locked byte allowed; as root the limit counts only without CAP_IPC_LOCK."""
    import ctypes

    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    pr_capbset_drop, cap_ipc_lock = 24, 14
    ctypes.CDLL(None).prctl(pr_capbset_drop, cap_ipc_lock, 0, 0, 0)
