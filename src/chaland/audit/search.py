"""Find many byte patterns in files, in what was sent, and in the memory of other processes."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHORTEST, LONGEST = 6, 64
_CHUNK = 4 << 20
_WORD = 8


class Needles:
    """Patterns of 6 to 64 bytes, each with the name that a finding calls it by.

    Time per megabyte hardly depends on their number: a table of three-byte starts sorts out nearly
    all places, a sorted table of their first eight bytes (or all, if they are shorter) the rest.
    """

    def __init__(self, patterns: Mapping[bytes, str]) -> None:
        self._patterns = patterns
        self._starts: NDArray[np.bool_] = np.zeros(1 << 24, np.bool_)
        by_size: dict[int, dict[int, list[bytes]]] = {6: {}, 7: {}, 8: {}}
        for pattern in patterns:
            if not SHORTEST <= len(pattern) <= LONGEST:
                raise ValueError(f"a pattern of {len(pattern)} bytes can't be searched for")
            self._starts[int.from_bytes(pattern[:3], "little")] = True
            size = min(len(pattern), _WORD)
            head = int.from_bytes(pattern[:size], "little")
            by_size[size].setdefault(head, []).append(pattern)
        self._heads = [
            (np.uint64(2 ** (8 * size) - 1), np.array(sorted(heads), np.uint64), heads)
            for size, heads in by_size.items()
            if heads
        ]

    @property
    def size(self) -> int:
        """How many patterns there are."""
        return len(self._patterns)

    def find(self, data: bytes) -> Counter[bytes]:
        """Count the places at which each pattern stands in ``data``."""
        found: Counter[bytes] = Counter()
        if len(data) < SHORTEST or not data.strip(b"\0"):
            return found
        padded = np.frombuffer(data + bytes(_WORD), np.uint8)
        low = padded[: len(data)].astype(np.uint32)
        threes = low[:-2] | low[1:-1] << 8 | low[2:] << 16
        at = np.flatnonzero(self._starts[threes])
        if not at.size:
            return found
        words = np.zeros(at.size, np.uint64)
        for i in range(_WORD):
            words |= padded[at + i].astype(np.uint64) << np.uint64(8 * i)
        for mask, sorted_heads, heads in self._heads:
            masked = words & mask
            places = np.searchsorted(sorted_heads, masked)
            hits = sorted_heads[np.minimum(places, sorted_heads.size - 1)] == masked
            for where, head in zip(at[hits].tolist(), masked[hits].tolist(), strict=True):
                for pattern in heads[head]:
                    if data.startswith(pattern, where):
                        found[pattern] += 1
        return found

    def names(self, found: Iterable[bytes]) -> list[str]:
        """Return what was found, by name, each once."""
        return sorted({self._patterns[pattern] for pattern in found})


def in_memory(pid: int, needles: Needles) -> Counter[bytes]:
    """Search all readable memory of a (stopped) process. Raises PermissionError without root."""
    found: Counter[bytes] = Counter()
    for piece in _memory(pid):
        found.update(needles.find(piece))
    return found


def in_file(path: Path, needles: Needles) -> Counter[bytes]:
    """Search a file, and its name."""
    found = needles.find(str(path).encode())
    with path.open("rb") as file:
        rest = b""
        while piece := file.read(_CHUNK):
            found.update(needles.find(rest + piece))
            rest = piece[-LONGEST:]
    return found


def locked_pages(pid: int) -> list[bytes]:
    """Return the first 32 bytes of each locked page of a process's memory: where its keys are."""
    starts: list[int] = []
    start = size = 0
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        bounds = re.match(r"([0-9a-f]+)-[0-9a-f]+ ", line)
        if bounds:
            start = int(bounds[1], 16)
            size = int(line.split()[0].split("-")[1], 16) - start
        elif line.startswith("VmFlags:") and " lo" in line:
            starts += range(start, start + size, 4096)
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        found = []
        for at in starts:
            memory.seek(at)
            found.append(memory.read(32))
    return found


def _memory(pid: int) -> Iterator[bytes]:
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            bounds, rights, *rest = line.split()
            if "r" not in rights or rest[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            if "w" not in rights and rest[-1].startswith("/"):  # a program's own text
                continue
            start, end = (int(bound, 16) for bound in bounds.split("-"))
            for at in range(start, end, _CHUNK):
                memory.seek(at)
                try:
                    yield memory.read(min(_CHUNK + LONGEST, end - at))
                except OSError:  # a file's page beyond its end: nothing is there
                    continue
