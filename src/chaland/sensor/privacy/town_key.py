"""The town's key of the day (K_day) and the key pair with which a sensor receives it.

Both secrets exist on locked pages only, from their making to their overwriting: libsodium writes
them there, opens sealed boxes from ciphertext straight into a page, and seals straight from one.
No Python object ever holds them. What leaves are the public key, sealed boxes, and the key's name.

A ``TownKey`` serves one local day of one process. One thread exchanges keys; the pipeline's thread
looks at ``held`` once a second, and takes the key into a page of its own.
"""

import threading

from nacl._sodium import ffi, lib

from chaland.sensor.privacy.keys import KEY_SIZE, Key, pointer_to
from chaland.wire.exchange import SEALED_BYTES

_PUBLIC_SIZE = 32
_NAME_SIZE = 8
_NAME_OF = b"name"
_PERSONAL = b"chaland-townkey1"
"""BLAKE2b personalisation (16 bytes): a key's name is no place in a sketch."""


class TownKey:
    """The sensor's X25519 pair of the day, the town's key once it has one, and one of its own.

    Safe to use from two threads. Raises MemoryNotLockedFinal when memory can't be locked.
    """

    def __init__(self) -> None:
        """Draw the pair, and a town key to offer."""
        self._lock = threading.Lock()
        self._secret, self._key, self._offer, self._spare = Key(), Key(), Key(), Key()
        self._waste = Key()
        self._held = ""
        self._over = False
        public = bytearray(_PUBLIC_SIZE)
        lib.crypto_box_keypair(pointer_to(public), self._secret.at)
        # The multiplication leaves the secret's digits on the C stack; another's overwrite them.
        lib.crypto_box_keypair(pointer_to(bytearray(_PUBLIC_SIZE)), self._waste.at)
        self._public_key = bytes(public)
        self._key.zero()
        self._spare.zero()
        self._offered = _name(self._offer)

    @property
    def public_key(self) -> bytes:
        """The X25519 public key (32 bytes) for which others seal the town's key."""
        return self._public_key

    @property
    def held(self) -> str:
        """The public name (16 hexadecimal digits) of the town's key in use; "" without one."""
        return self._held

    @property
    def offered(self) -> str:
        """The name of a key drawn here, ready to become the town's; "" while a key is held."""
        return self._offered

    def adopt(self) -> bool:
        """Take the offered key as the town's, which the hub made current. False without one."""
        with self._lock:
            return bool(self._offered) and self._hold(self._offer)

    def open(self, box: bytes, name: str) -> bool:
        """Take the town's key ``name`` out of a sealed box; False, and nothing changes, if it is
        not for us, damaged, another key, or the day is over."""
        with self._lock:
            if self._over or len(box) != SEALED_BYTES:
                return False
            opened = self._open(box, self._secret) and _name(self._spare) == name
            taken = opened and self._hold(self._spare)
            self._open(box, self._waste)  # overwrites what the first left on the C stack
            self._spare.zero()
            return taken

    def seal(self, public_key: bytes) -> bytes:
        """Return the town's key sealed (80 bytes) for the holder of an X25519 key; b"" without one.

        ValueError if ``public_key`` is no 32 bytes, or a weak key for which nothing can be sealed.
        """
        if len(public_key) != _PUBLIC_SIZE:
            raise ValueError(f"a public key has {_PUBLIC_SIZE} bytes, not {len(public_key)}")
        box = bytearray(SEALED_BYTES)
        with self._lock:
            if not self._held:
                return b""
            if lib.crypto_box_seal(pointer_to(box), self._key.at, KEY_SIZE, public_key) != 0:
                raise ValueError(f"nothing can be sealed for the weak key {public_key.hex()}")
        return bytes(box)

    def copy_to(self, key: Key) -> str:
        """Copy the town's key, page to page; return its name. Without one ``key`` is zeros."""
        with self._lock:
            key.copy_from(self._key)
            return self._held

    def drop(self) -> None:
        """Forget the town's key, which is no longer current, and draw another one to offer."""
        with self._lock:
            self._held = ""
            self._key.zero()
            if not self._over:
                self._offer.renew()
                self._offered = _name(self._offer)

    def zero(self) -> None:
        """End the day: all secrets are overwritten, and none is taken any more."""
        with self._lock:
            self._over = True
            self._held = self._offered = ""
            for key in (self._secret, self._key, self._offer, self._spare, self._waste):
                key.zero()

    def _hold(self, key: Key) -> bool:
        self._key.copy_from(key)
        self._held = _name(key)
        self._offer.zero()
        self._offered = ""
        return True

    def _open(self, box: bytes, secret: Key) -> bool:
        """Open a box for our public key into the spare page."""
        result = lib.crypto_box_seal_open(
            self._spare.at, box, len(box), self._public_key, secret.at
        )
        return bool(result == 0)


def _name(key: Key) -> str:
    """Return the public name of a town key: a keyed hash, from which nothing is learnt of it."""
    name = bytearray(_NAME_SIZE)
    lib.crypto_generichash_blake2b_salt_personal(
        pointer_to(name), _NAME_SIZE, _NAME_OF, len(_NAME_OF), key.at, KEY_SIZE, ffi.NULL,
        _PERSONAL,
    )  # fmt: skip
    return name.hex()
