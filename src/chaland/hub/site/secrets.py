"""Secrets from the environment, or made once in the state folder, mode 0600."""

import base64
import os
from collections.abc import Callable
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

_env = environ.FileAwareEnv()


def secret(name: str, path: Path, make: Callable[[], str]) -> str:
    """Return the value of a variable, else of the file, which is made where it is missing."""
    given = str(_env(name, default=""))
    if given:
        return given
    if not path.exists():
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process of this set-up was faster
            return path.read_text()
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
    return path.read_text()


def binary_keys(name: str, path: Path) -> list[bytes]:
    """Return keys of 32 bytes, given in base64, one a word; ImproperlyConfigured if they aren't."""
    words = secret(name, path, lambda: base64.b64encode(os.urandom(32)).decode()).split()
    try:
        keys = [base64.b64decode(word, validate=True) for word in words]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: not base64") from error
    if not keys or any(len(key) != 32 for key in keys):
        raise ImproperlyConfigured(f"{name}: each key is 32 bytes in base64")
    return keys
