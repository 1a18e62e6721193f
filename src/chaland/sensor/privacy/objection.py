"""Who objects, and how: a device that looks for (or joins) the network with the published name.

The name is compared in the capture buffer, in every mode. An objecting address sets one bit of
2^16, found by an unkeyed hash so that all sensors can share the filter: each bit stands for 2^32
addresses, so the filter is no register of people. The price: an address is left out by mistake
with probability (bits set) / 65,536, which ``share_excluded`` gives for correcting estimates.

The filter lies outside the privacy claim (whoever objects asks to be treated differently). Here it
lives in memory for the process's day; sharing and expiry are separate. At most
``NEW_BITS_PER_WINDOW`` bits are set in a window, so that forged objections can't blind a shop.
"""

import numpy as np
from nacl._sodium import ffi, lib
from numpy.typing import NDArray

from chaland.sensor.decode import Kind, Observation, ssid_ends_with, ssid_equals
from chaland.sensor.privacy.keys import ADDRESS_SIZE, Pointer, pointer_to

FILTER_BITS = 2**16
NEW_BITS_PER_WINDOW = 64
"""A dozen phones that object under an address of each scan; 28 % of the filter after a day."""
_DIGEST_SIZE = 16
_PERSONAL = b"chaland-object-1"
"""BLAKE2b personalisation (16 bytes): part of the shared format of the filter."""

_NAMING_KINDS = (Kind.PROBE_REQUEST, Kind.ASSOCIATION_REQUEST)
"""The kinds that carry a network's name; authentication does not, the association after it does."""


class NetworkName:
    """The published name, compared in place; as a suffix, or as the whole name."""

    def __init__(self, name: str, as_suffix: bool) -> None:
        self._name = name.encode()
        self._as_suffix = as_suffix
        self._size = len(self._name)
        if not 1 <= self._size <= 32:
            raise ValueError(f"the objection network's name {name!r} must be 1 to 32 bytes long")

    def is_named_by(self, buffer: bytearray, observation: Observation) -> bool:
        """Tell whether the frame looks for or joins the network."""
        if observation.kind not in _NAMING_KINDS:
            return False
        at = observation.body_at
        if at + 1 < observation.end and buffer[at] == 0 and buffer[at + 1] < self._size:
            return False  # nearly every probe: no name, or one too short
        compare = ssid_ends_with if self._as_suffix else ssid_equals
        return compare(buffer, observation, self._name)


class ObjectionFilter:
    """2^16 bits; ``add`` sets the address's bit, ``holds`` reads it. Never more than one hash."""

    def __init__(self) -> None:
        self._bytes: NDArray[np.uint8] = np.zeros(FILTER_BITS // 8, np.uint8)
        self._bits = self._bytes.data
        self._digest: NDArray[np.uint8] = np.zeros(_DIGEST_SIZE, np.uint8)
        self._digest_at = pointer_to(self._digest)
        self._two_bytes = self._digest.data
        self._personal = ffi.new("unsigned char[16]", _PERSONAL)
        self._empty = True
        self._new_bits = 0

    def begin_window(self) -> None:
        """Allow new bits again."""
        self._new_bits = 0

    @property
    def share_excluded(self) -> float:
        """The share of all addresses that the filter excludes, objecting or not."""
        return float(np.bitwise_count(self._bytes).sum(dtype=np.int64)) / FILTER_BITS

    def add(self, address: Pointer) -> None:
        """Mark the address at ``address`` as objecting, unless too many were in this window."""
        index = self._index(address)
        bit = 1 << (index & 7)
        if self._bits[index >> 3] & bit or self._new_bits == NEW_BITS_PER_WINDOW:
            return
        self._bits[index >> 3] |= bit
        self._new_bits += 1
        self._empty = False

    def holds(self, address: Pointer) -> bool:
        """Tell whether the address's bit is set."""
        if self._empty:
            return False
        index = self._index(address)
        return bool(self._bits[index >> 3] >> (index & 7) & 1)

    def _index(self, address: Pointer) -> int:
        """Return the first 16 bits of the address's hash; the rest is overwritten at once."""
        lib.crypto_generichash_blake2b_salt_personal(
            self._digest_at, _DIGEST_SIZE, address, ADDRESS_SIZE, ffi.NULL, 0, ffi.NULL,
            self._personal,
        )  # fmt: skip
        index = self._two_bytes[0] | self._two_bytes[1] << 8
        lib.sodium_memzero(self._digest_at, _DIGEST_SIZE)
        return index
