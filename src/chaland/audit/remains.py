"""F1 and F3: what is left when sensors have ended: their files, the hub's, and what was sent."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaland.audit import egress, search, spellings
from chaland.audit.report import Outcome
from chaland.audit.search import Needles
from chaland.audit.town import NOBODY, Box, Town

_PLACES_TO_WRITE = (
    "/tmp", "/var/tmp", "/dev/shm", "/run", "/var/log", "/var/lib", "/var/cache",  # noqa: S108
)  # fmt: skip
_BODIES = {
    b'"format":"chaland.summary': "a sensor's message",
    b'"format": "chaland.summary': "a sensor's message",
    b'"format":"chaland.exchange/': "a sensor's exchange",
    b'"format": "chaland.exchange/': "a sensor's exchange",
}
"""What was sent is taken apart, not kept; a sensor's own spool and logs of the courier aside."""


@dataclass(frozen=True)
class Left:
    """What is looked for: addresses, all keys of days that were seen, tokens under them."""

    addresses: Sequence[bytes]
    keys: Sequence[bytes]
    tokens: Sequence[bytes]


def judge(
    town: Town,
    boxes: Sequence[Box],
    left: Left,
    outcomes: Mapping[str, Outcome],
    *,
    since_s: float,
    quick: bool,
) -> None:
    """Search all files of the town, and those that the sensors' user wrote elsewhere."""
    identity = [bytes.fromhex((box.state / "key").read_text().strip()) for box in boxes]
    secret = (town.hub / "secret_key").read_bytes()
    keys = [*left.keys[: 5 if quick else len(left.keys)], *identity, town.key, secret]
    whole = Needles(
        merged(spellings.of_secret(a, f"address {i}") for i, a in enumerate(left.addresses))
        | spellings.derived(left.addresses, keys)
        | merged(spellings.of_secret(token, "a token") for token in left.tokens)
    )
    days_keys = Needles(merged(of_key(key) for key in left.keys))
    messages = Needles(_BODIES)
    files = [*_files(town.folder), *_changed_since(since_s)]
    size = 0
    for path in files:
        try:
            leaked, secrets = search.in_file(path, whole), search.in_file(path, days_keys)
            bodies = search.in_file(path, messages) if _is_hubs(path, town) else {}
            size += path.stat().st_size
        except OSError:  # gone meanwhile: of another program
            continue
        found, where = whole.names(leaked), _place(path, town)
        outcomes["F1"].require(not found, f"{where} holds {', '.join(found[:3])}")
        outcomes["F1"].require(not bodies, f"{where} keeps whole messages of sensors")
        outcomes["F3"].require(not secrets, f"{where} holds a day's key")
    outcomes["F1"].measure("canary addresses", len(left.addresses), ">= 500")
    outcomes["F1"].measure("forms searched for", whole.size)
    outcomes["F1"].measure("files searched", len(files))
    outcomes["F1"].measure("bytes searched", size)
    outcomes["F3"].measure("keys searched for on disk", len(left.keys))
    egress.judge(town.post, outcomes["F1"], left.addresses)
    strays = (town.post / "strays").read_bytes()
    outcomes["F1"].measure("bytes sent anywhere but to the hub", len(strays), 0)
    outcomes["F1"].require(not strays, "something was sent to another place than the hub")


def of_key(key: bytes) -> dict[bytes, str]:
    """Return what betrays a key: any quarter of it raw, and its spellings."""
    quarters = {key[at : at + 8]: "a part of a key" for at in range(0, 32, 8)}
    texts = spellings.of_secret(key, "a key")
    texts.pop(key, None)
    return quarters | {form: name for form, name in texts.items() if form != key}


def merged(parts: Iterable[dict[bytes, str]]) -> dict[bytes, str]:
    """Return all patterns of several tables in one."""
    whole: dict[bytes, str] = {}
    for part in parts:
        whole |= part
    return whole


def role(pid: int) -> str:
    """Say which of a sensor's processes this is."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return "a process that has ended"
    if b"chaland.sensor.day" in words:
        return "the day's process"
    return "the supervisor" if b"chaland.cli" in words else "a child process"


def _is_hubs(path: Path, town: Town) -> bool:
    return path.is_relative_to(town.hub)


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _changed_since(since_s: float) -> Iterable[Path]:
    """Yield files that changed during the story where programs like to write."""
    for place in _PLACES_TO_WRITE:
        for folder, _, names in os.walk(place, onerror=None):
            for name in names:
                path = Path(folder, name)
                try:
                    status = path.lstat()
                except OSError:
                    continue
                if status.st_uid == NOBODY and status.st_mtime >= since_s and path.is_file():
                    yield path


def _place(path: Path, town: Town) -> str:
    return str(path.relative_to(town.folder)) if path.is_relative_to(town.folder) else str(path)
