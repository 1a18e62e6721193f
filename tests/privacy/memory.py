"""Find many byte patterns anywhere in the memory of another process."""

import mmap
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

CHUNK = 4 << 20
LONGEST = 32


def pieces(pid: int) -> Iterator[bytes]:
    """Yield all readable memory of a (stopped) process, in overlapping pieces."""
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            bounds, rights, *rest = line.split()
            if "r" not in rights or rest[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            start, end = (int(bound, 16) for bound in bounds.split("-"))
            for at in range(start, end, CHUNK):
                memory.seek(at)
                yield memory.read(min(CHUNK + LONGEST, end - at))


def find(pid: int, patterns: Iterable[bytes]) -> dict[bytes, int]:
    """Count the places where each pattern (3 to 32 bytes) stands in the process's memory."""
    by_start: defaultdict[int, list[bytes]] = defaultdict(list)
    for pattern in patterns:
        assert 3 <= len(pattern) <= LONGEST
        by_start[int.from_bytes(pattern[:3], "little")].append(pattern)
    starts = np.zeros(1 << 24, np.bool_)
    starts[list(by_start)] = True
    found: defaultdict[bytes, int] = defaultdict(int)
    for piece in pieces(pid):
        raw = np.frombuffer(piece, np.uint8).astype(np.uint32)
        if raw.size < 3:
            continue
        threes = raw[:-2] | raw[1:-1] << 8 | raw[2:] << 16
        for at in np.flatnonzero(starts[threes]):
            for pattern in by_start[int(threes[at])]:
                if piece.startswith(pattern, at):
                    found[pattern] += 1
    return dict(found)


def locked(pid: int) -> list[bytes]:
    """Return what each locked page holds at its start (32 bytes): the process's keys."""
    keys, pages_at = [], range(0)
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
            words = line.split()
            if not words[0].endswith(":"):
                start, end = (int(bound, 16) for bound in words[0].split("-"))
                pages_at = range(start, end, mmap.PAGESIZE)
            elif words[0] == "VmFlags:" and "lo" in words:
                for at in pages_at:
                    memory.seek(at)
                    keys.append(memory.read(LONGEST))
    return keys


def python_int(value: int) -> bytes:
    """Return how CPython stores a large integer: digits of 30 bits, the low one first."""
    digits = []
    while value:
        digits.append((value & (1 << 30) - 1).to_bytes(4, "little"))
        value >>= 30
    return b"".join(digits)


def forms(secret: bytes) -> set[bytes]:
    """Return the secret raw, reversed, as a Python integer, and in hexadecimal spellings."""
    plain = secret.hex()
    spaced = re.findall("..", plain)
    texts = [plain, ":".join(spaced), "-".join(spaced), secret[::-1].hex()]
    texts += [text.upper() for text in texts]
    integers = {python_int(int.from_bytes(secret, order)) for order in ("big", "little")}
    return {secret, secret[::-1], *integers, *(text.encode() for text in texts)}
