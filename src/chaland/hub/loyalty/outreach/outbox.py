"""Messages into files instead of to people: the demo's gateway, and a peer that can be counted.

Each message is one file, named by its key, in ``outbox`` of the state folder, in a folder for each
association. A key that comes twice is a fault of ours: the second file says so by its name, and
nothing is overwritten.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from uuid import UUID

from django.conf import settings

from chaland.hub.loyalty.models import Gateway
from chaland.hub.loyalty.outreach.shapes import (
    Capabilities,
    Heard,
    Hook,
    Kind,
    Mail,
    Outcome,
    Result,
    Sms,
    Status,
)

_LEFT_S = 3_600
_TEST = "7e577e577e577e57"
"""How the keys of test messages begin: they belong to no delivery."""


def test_key() -> str:
    """Return the key of a test message: it names nobody, and the outbox's page finds it."""
    return _TEST + token_hex(8)


def tests_of(association_id: int) -> list[Path]:
    """List the test messages that lie here, the newest first."""
    found = folder_of(association_id).glob(f"{_TEST}*")
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def open_driver(gateway: Gateway) -> "Outbox":
    """Make the driver for a gateway's row."""
    return Outbox(folder_of(gateway.association_id))


def folder_of(association_id: int) -> Path:
    """Return where an association's messages lie."""
    return Path(settings.STATE_DIR) / "outbox" / str(association_id)


def forget(association_id: int, keys: Iterable[UUID]) -> None:
    """Delete the files of some deliveries: they name a member who is being forgotten."""
    folder, names = folder_of(association_id), {key.hex for key in keys}
    for path in folder.iterdir() if names and folder.exists() else ():
        if path.name.lstrip(".").partition(".")[0] in names:  # also what a killed writer left
            path.unlink(missing_ok=True)


class Outbox:
    """Writes messages to files: mails as ``KEY.eml``, text messages as ``KEY.json``."""

    capabilities = Capabilities(idempotent=False, looks_up=True, reports=False, batch=500)

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        for left in folder.glob(".*"):  # by a writer that was killed; others write for milliseconds
            with suppress(FileNotFoundError):  # it has its name, or is gone
                if left.stat().st_mtime < time.time() - _LEFT_S:
                    left.unlink()

    def send(self, batch: Iterable[Sms] | Iterable[Mail]) -> Iterator[Outcome]:
        """Write one file for each message, whole or not at all."""
        for message in batch:
            if isinstance(message, Mail):
                self._write(message.key, "eml", message.data)
            else:
                told = {"to": message.to, "sender": message.sender, "text": message.text}
                self._write(message.key, "json", json.dumps(told, ensure_ascii=False).encode())
            yield Outcome(message.key, Result.ACCEPTED, provider_id=message.key)

    def look_up(self, key: str, provider_id: str) -> Status | None:  # noqa: ARG002
        """A message is delivered when its file is there."""
        for path in self._folder.glob(f"{key}.*"):
            return Status(Kind.DELIVERED, datetime.fromtimestamp(path.stat().st_mtime, UTC), key)
        return None

    def read(self, hook: Hook) -> list[Status | Heard]:  # noqa: ARG002
        """Nobody calls for an outbox."""
        raise ValueError("an outbox has no provider")

    def close(self) -> None:
        """Nothing is held."""

    def _write(self, key: str, ending: str, data: bytes) -> None:
        begun = self._folder / f".{key}.{token_hex(4)}"
        begun.write_bytes(data)
        number = 1
        while True:
            name = f"{key}.{ending}" if number == 1 else f"{key}.{number}.{ending}"
            try:
                os.link(begun, self._folder / name)
                break
            except FileExistsError:
                number += 1
        begun.unlink()
