"""Where randomness comes from: the operating system, or (in a simulation) a seed.

The two are different types on purpose. What runs in a shop asks for ``OperatingSystemBits`` by
name; code that may be handed a ``SeededBits`` must say so in its signature and marks what it
makes as simulated (see ``Pipeline.simulated``).
"""

import os
from typing import Protocol, final

import numpy as np
from nacl._sodium import ffi, lib
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_POOL_WORDS = 512
"""Words asked of the operating system at a time, so that a single draw costs no system call."""


class RandomBits(Protocol):
    """A source of independent, uniform random bits."""

    def words(self, count: int) -> Words:
        """Return ``count`` words of 64 random bits each, shape (count,)."""
        ...

    def word(self) -> int:
        """Return one word of 64 random bits."""
        ...

    def apart(self) -> "RandomBits":
        """Return another source of the same kind, whose bits are independent of these."""
        ...


@final
class OperatingSystemBits:
    """Bits of the operating system's generator (getrandom); the only source for a live sensor."""

    def __init__(self) -> None:
        self._pool = np.zeros(_POOL_WORDS, np.uint64)
        self._pool_at = ffi.from_buffer("unsigned char[]", self._pool)
        self._used = _POOL_WORDS

    def words(self, count: int) -> Words:
        """Return ``count`` words, shape (count,)."""
        return np.frombuffer(os.urandom(8 * count), np.uint64)

    def word(self) -> int:
        """Return one word, and overwrite it in the pool: memory must not tell noise of the past."""
        if self._used == _POOL_WORDS:
            lib.randombytes(self._pool_at, self._pool.nbytes)
            self._used = 0
        value = int(self._pool[self._used])
        self._pool[self._used] = 0
        self._used += 1
        return value

    def apart(self) -> "OperatingSystemBits":
        """Return a source with a pool of its own."""
        return OperatingSystemBits()


@final
class SeededBits:
    """Repeatable bits for tests and simulations; anybody who knows the seed knows the noise."""

    def __init__(self, seed: int) -> None:
        """Start the stream that belongs to ``seed`` (>= 0)."""
        self._generator = np.random.PCG64(seed)

    def words(self, count: int) -> Words:
        """Return the next ``count`` words, shape (count,)."""
        return self._generator.random_raw(count)

    def word(self) -> int:
        """Return the next word."""
        return int(self._generator.random_raw())

    def apart(self) -> "SeededBits":
        """Return the stream that lies 2^127 words further; repeatable as this one is."""
        other = SeededBits(0)
        other._generator = self._generator.jumped()
        return other
