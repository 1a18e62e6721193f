"""Keys that exist in locked memory only, and hashing from the capture buffer into arrays.

Nothing here returns a key, an address or a token: they are written from one preallocated piece of
memory into another, because a Python ``bytes``, ``str`` or ``int`` can't be erased (after
``del`` and a collection, its bytes are still there to be read).
"""

import mmap
from collections.abc import Callable
from typing import Any

import numpy as np
from nacl._sodium import ffi, lib
from numpy.typing import NDArray

KEY_SIZE = 32
ADDRESS_SIZE = 6
TOKEN_SIZE = 8

Pointer = Any
"""A C pointer (cffi); cffi has no type for it."""

lib.sodium_init()

_keyed_hash: Callable[..., int] = lib.crypto_generichash_blake2b_salt_personal


class MemoryNotLockedFinal(Exception):
    """The kernel refused to keep a key's memory out of swap; without that no sensor may run."""


def pointer_to(memory: object) -> Pointer:
    """Return a pointer to the first byte of a writable buffer, which must outlive it."""
    return ffi.from_buffer("unsigned char[]", memory, require_writable=True)


def zero(pointer: Pointer, size: int) -> None:
    """Overwrite ``size`` bytes with zeros, in a way that no compiler leaves out."""
    lib.sodium_memzero(pointer, size)


_nothing = pointer_to(bytearray(KEY_SIZE + ADDRESS_SIZE + TOKEN_SIZE))


def overwrite_stack() -> None:
    """Hash zeros under a zero key, so that the last address hashed leaves the C stack.

    The compiled BLAKE2b spills message words there and does not erase them: the memory scan found
    the last address of a quiet street in them. Zeros land in the same places when this is called
    from the same depth of the interpreter as the hash was (the scan would say if not).
    """
    key, out = _nothing + ADDRESS_SIZE, _nothing + ADDRESS_SIZE + KEY_SIZE
    _keyed_hash(out, TOKEN_SIZE, _nothing, ADDRESS_SIZE, key, KEY_SIZE, ffi.NULL, ffi.NULL)


class Token:
    """One reused place for a 64-bit BLAKE2b hash, and the only way to make one.

    ``value`` has shape (1,), so that it is compared and copied as an array.
    """

    def __init__(self) -> None:
        self.value: NDArray[np.uint64] = np.zeros(1, np.uint64)
        self._at = pointer_to(self.value)

    def hash(self, key: "Key", start: Pointer, size: int = ADDRESS_SIZE) -> None:
        """Write BLAKE2b-64 of ``size`` bytes from ``start``, keyed, into ``value``."""
        _keyed_hash(self._at, TOKEN_SIZE, start, size, key.at, KEY_SIZE, ffi.NULL, ffi.NULL)

    def store(self, column: NDArray[np.uint64], row: int) -> None:
        """Copy the hash into a table, array to array: ``value[0]`` would be an object to forget."""
        column[row : row + 1] = self.value

    def zero(self) -> None:
        """Forget the hash."""
        self.value[0] = 0


class Key:
    """32 random bytes on a page of their own: not swapped, not in a core dump, zeroed at the end.

    Raises MemoryNotLockedFinal when the process may not lock a page.
    """

    def __init__(self) -> None:
        # Private and not passed on: a process started from this one never has the page.
        self._page = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._page.madvise(mmap.MADV_DONTFORK)
        self.at: Pointer = pointer_to(self._page)
        if lib.sodium_mlock(self.at, mmap.PAGESIZE) != 0:
            raise MemoryNotLockedFinal(
                "the kernel refused to lock one page of memory for a key; raise the limit "
                "(LimitMEMLOCK= in the systemd unit, ulimit -l in a shell) and start again"
            )
        self.renew()

    def renew(self) -> None:
        """Overwrite the key with a fresh one; what was hashed under the old one is orphaned."""
        lib.randombytes(self.at, KEY_SIZE)

    def copy_from(self, other: "Key") -> None:
        """Overwrite the key with another one, page to page."""
        ffi.memmove(self.at, other.at, KEY_SIZE)

    def zero(self) -> None:
        """Overwrite the key with zeros."""
        zero(self.at, KEY_SIZE)
