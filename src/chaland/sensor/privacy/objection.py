"""Who objects, and how: by looking for (or joining) the network with the published name, or by the
button beside the sensor, which forgets and bars what is heard strongest for a minute.

The name is compared in the capture buffer, in every mode. An objecting address sets one bit of
2^16, found by an unkeyed hash so that all sensors can share the filter: each bit stands for 2^32
addresses, so the filter is no register of people. The price: an address is left out by mistake
with probability (bits set) / 65,536, which ``share_excluded`` gives for correcting estimates.

The filter lies outside the privacy claim (whoever objects asks to be treated differently). It is
the union of what was asked for here and of what the town shares. Within a process (a day) no bit is
ever cleared: else whoever hands out the town's filter could bar an address and let it in again, and
make each stay count as many times as he likes. Forged objections can't blind a shop: few bits are
set here in a window, and in a day.
"""

from collections import deque

import numpy as np
from nacl._sodium import ffi, lib
from numpy.typing import NDArray

from chaland.sensor.decode import Kind, Observation, ssid_ends_with, ssid_equals
from chaland.sensor.privacy.keys import ADDRESS_SIZE, Pointer, pointer_to
from chaland.wire.exchange import FILTER_BITS, FILTER_BYTES
from chaland.wire.mechanism import DEFAULT_MECHANISM, ObjectionMechanism

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
    """2^16 bits; ``add`` sets the address's bit, ``holds`` reads it. Never more than one hash.

    ``share`` and ``forget_near`` may be called from another thread than the pipeline's, which
    notices them at its next second. All else belongs to the pipeline's thread.
    """

    def __init__(self, mechanism: ObjectionMechanism = DEFAULT_MECHANISM.objection) -> None:
        self._mechanism = mechanism
        self._bytes: NDArray[np.uint8] = np.zeros(FILTER_BYTES, np.uint8)
        """What bars: the town's bits and those of this sensor."""
        self._known: NDArray[np.uint8] = np.zeros(FILTER_BYTES, np.uint8)
        """What need not be told: the town's bits, and what was told."""
        self._bits = self._bytes.data
        self._digest: NDArray[np.uint8] = np.zeros(_DIGEST_SIZE, np.uint8)
        self._digest_at = pointer_to(self._digest)
        self._two_bytes = self._digest.data
        self._personal = ffi.new("unsigned char[16]", _PERSONAL)
        self._empty = True
        self._new_in_window = self._new_in_day = 0
        self._shared: deque[bytes] = deque(maxlen=1)
        self._pressed: deque[bool] = deque(maxlen=1)
        self._forgets_until_us = 0
        self._near_at_most = 0
        """How many more addresses the button's press bars."""

    def share(self, town: bytes) -> None:
        """Bar also what the town bars (FILTER_BYTES bytes, bit i in byte i // 8, lowest bit first).

        What the town bars no more stays barred in this process. ValueError for another size.
        """
        if len(town) != FILTER_BYTES:
            raise ValueError(f"a filter has {FILTER_BYTES} bytes, not {len(town)}")
        self._shared.append(town)

    def forget_near(self) -> None:
        """The button: from the next second on, for ``button_s``, devices heard at
        ``button_rssi_dbm`` or stronger object, the first ``button_addresses`` of them."""
        self._pressed.append(True)

    def notice(self, now_us: int) -> None:
        """Take up what other threads asked for. ``now_us``: the receiver's time, microseconds."""
        if self._pressed:
            self._pressed.clear()
            self._forgets_until_us = now_us + self._mechanism.button_s * 1_000_000
            self._near_at_most = self._mechanism.button_addresses
        elif now_us >= self._forgets_until_us:
            self._forgets_until_us = 0
        if self._shared:
            town = np.frombuffer(self._shared.popleft(), np.uint8)
            self._bytes |= town
            self._known |= town
            self._empty = not self._bytes.any()

    def begin_window(self) -> None:
        """Allow the new bits of a window again."""
        self._new_in_window = 0

    def begin_day(self) -> None:
        """Allow the new bits of a day again; those that are set stay."""
        self._new_in_window = self._new_in_day = 0

    def take_new(self) -> tuple[int, ...]:
        """Return the numbers of the bits that were asked for here since last taken, ascending.

        Only those that the town has not: else each visit of one who objects would be told. To be
        taken at a cell's end, so that neither moment nor order tells more than the cell.
        """
        new = self._bytes & ~self._known
        self._known |= new
        return tuple(np.flatnonzero(np.unpackbits(new, bitorder="little")).tolist())

    @property
    def share_excluded(self) -> float:
        """The share of all addresses that the filter excludes, objecting or not."""
        return float(np.bitwise_count(self._bytes).sum(dtype=np.int64)) / FILTER_BITS

    def is_near(self, rssi_dbm: int | None) -> bool:
        """Tell whether the button bars a device heard so strongly now."""
        if not self._forgets_until_us or rssi_dbm is None:
            return False
        return self._near_at_most > 0 and rssi_dbm >= self._mechanism.button_rssi_dbm

    def add(self, address: Pointer, *, by_button: bool = False) -> bool:
        """Mark the address at ``address`` as objecting; tell whether that set a bit now.

        It does not where the bit is set, nor beyond the limits of the window and the day.
        """
        index = self._index(address)
        at, bit = index >> 3, 1 << (index & 7)
        limits = self._mechanism
        if (
            self._bits[at] & bit
            or self._new_in_window >= limits.new_in_a_window
            or self._new_in_day >= limits.new_in_a_day
        ):
            return False
        self._bits[at] |= bit
        self._new_in_window += 1
        self._new_in_day += 1
        self._near_at_most -= by_button
        self._empty = False
        return True

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
