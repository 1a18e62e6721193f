"""Columns of this plane: what is encrypted at rest, what is found by prefix, ids in order of time.

Contacts are sealed with XSalsa20-Poly1305 (libsodium's secretbox) under a key that lies apart from
the database (``settings.CONTACT_KEYS``: the first seals, all open, so that a key can be replaced).
"""

import os
import time
import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox


class SealedErrorFinal(Exception):
    """A sealed column opens with none of the keys."""


class SealedTextField(models.BinaryField):  # type: ignore[type-arg]  # as below
    """Text that is encrypted in the database, and plain in Python. It can't be searched."""

    def get_prep_value(self, value: Any) -> Any:
        if value is None:
            return None
        return SecretBox(settings.CONTACT_KEYS[0]).encrypt(str(value).encode())

    def from_db_value(self, value: Any, *_: Any) -> str | None:
        return None if value is None else _opened(bytes(value))

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        raise NotImplementedError("sealed columns are never serialised")


def _opened(sealed: bytes) -> str:
    for key in settings.CONTACT_KEYS:
        try:
            return SecretBox(key).decrypt(sealed).decode()
        except CryptoError:
            continue
    raise SealedErrorFinal("no key of CHALAND_CONTACT_KEY opens this column")


class KeyField(models.CharField):  # type: ignore[type-arg]  # Django has no such argument
    """Text in byte order on both engines, so that ``>= prefix`` and ``<`` use its index."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


def uuid7() -> uuid.UUID:
    """Make an id in order of time (RFC 9562, version 7), so that an index grows at its end."""
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    number = number & ~(0xF << 76) | 7 << 76
    return uuid.UUID(int=number & ~(0x3 << 62) | 2 << 62)
