"""The label under which a probe request is counted, made ready for hashing in one scratch buffer.

Default mode: the *stable fingerprint*, the ordered list of (tag, length, value) without tag 0 (the
network's name) and tag 3 (the channel), without the value of extension 255/2 (FILS), and of vendor
elements (221) only maker and type, because the rest may name the very device (WPS carries a UUID).
All phones of one model and system share it. Strict mode: the signal's strength in steps.
"""

import numpy as np
from nacl._sodium import ffi
from numpy.typing import NDArray

from chaland.sensor.decode import Observation, elements
from chaland.sensor.privacy.keys import Pointer, pointer_to, zero

_SSID, _CHANNEL, _VENDOR, _EXTENSION = 0, 3, 221, 255
_FILS = 2
_VENDOR_KEPT = 4
SCRATCH_SIZE = 4096
"""Longer than any management frame; of a longer fabricated one, what fits is hashed."""
_LARGEST_ELEMENT = 2 + 255
_SUFFIX_SIZE = 3
ROOM = SCRATCH_SIZE - _LARGEST_ELEMENT - _SUFFIX_SIZE


class Label:
    """A label of ``size`` bytes at ``at``; ``tag`` appends what is counted under it."""

    def __init__(self) -> None:
        self._bytes: NDArray[np.uint8] = np.zeros(SCRATCH_SIZE, np.uint8)
        self._view = self._bytes.data
        self.at: Pointer = pointer_to(self._bytes)
        self.size = 0

    def set_fingerprint(self, buffer: bytearray, frame: Pointer, observation: Observation) -> None:
        """Write the stable fingerprint of the frame in ``buffer``, to which ``frame`` points."""
        view, size = self._view, 0
        for tag, at, length in elements(buffer, observation.body_at, observation.end):
            if tag in (_SSID, _CHANNEL) or size > ROOM:
                continue
            kept = length
            if tag == _VENDOR and length > _VENDOR_KEPT:
                kept = _VENDOR_KEPT
            elif tag == _EXTENSION and length and buffer[at] == _FILS:
                kept = 1
            view[size], view[size + 1] = tag, kept
            ffi.memmove(self.at + size + 2, frame + at, kept)
            size += 2 + kept
        self.size = size

    def set_signal(self, rssi_dbm: int, step_db: int) -> None:
        """Write the signal's strength in steps of ``step_db``."""
        self._view[0] = rssi_dbm // step_db & 0xFF
        self.size = 1

    def tag(self, purpose: int, slot: int) -> int:
        """Append purpose and time slot (0 to 65,535) to be hashed too; return the whole size."""
        size, view = self.size, self._view
        view[size], view[size + 1], view[size + 2] = purpose, slot & 0xFF, slot >> 8
        return size + _SUFFIX_SIZE

    def zero(self) -> None:
        """Overwrite the label."""
        zero(self.at, self.size + _SUFFIX_SIZE)
        self.size = 0
