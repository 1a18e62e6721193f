"""``chaland charter``: make the town key, sign what a sensor may listen under, and read it.

Run on a machine of the association, never on the hub: whoever has the town key can allow a sensor
to listen, and let a sensor of its own into the town's comparisons.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
from nacl.signing import SigningKey

from chaland.wire.charter import (
    MAX_BYTES,
    Charter,
    CharterSensor,
    decode,
    encode,
    fingerprint,
    is_signed,
    sign,
)
from chaland.wire.errors import WireErrorFinal
from chaland.wire.mechanism import annex_digest

YEARS_AT_MOST = 2
"""A measurement that goes on must be asked for, and explained, again."""

_KEY = re.compile(r"[0-9a-f]{64}\n?")
_FILE = click.Path(dir_okay=False, path_type=Path)
_TEXTS = {
    "town": "town",
    "controller": "responsible",
    "contact": "contact",
    "purpose": "purpose",
    "public_page": "public page",
    "objection_network": "objection network",
}


@click.group()
def charter() -> None:
    """What must be signed before a sensor may listen; not to be run on the hub."""


@charter.command("key")
@click.argument("file", type=_FILE)
def make_key(file: Path) -> None:
    """Make the town key in FILE, once for a town."""
    key = SigningKey.generate()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(
            f"{file}: exists already, and is not overwritten: choose another name"
        ) from None
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(bytes(key).hex() + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    click.echo(f"The town key is in {file}. Its fingerprint, for the poster and the installer:\n")
    click.echo(f"    {fingerprint(bytes(key.verify_key))}\n")
    click.echo(
        "Keep this file off the hub: a hub that had it could let a sensor of its own into the "
        "town.\nKeep two copies offline (USB sticks in two safes): if it is lost, each sensor must "
        "be enrolled anew."
    )


@charter.command("sign")
@click.argument("draft", type=_FILE)
@click.option("--key", "key_file", type=_FILE, required=True, help="File of the town key.")
@click.option("--previous", type=_FILE, help="The charter in force: says what changes.")
@click.option("-o", "--output", type=_FILE, help="Signed charter; DRAFT-signed.json by default.")
@click.option("--yes", is_flag=True, help="Sign without asking.")
def sign_draft(
    draft: Path, key_file: Path, previous: Path | None, output: Path | None, yes: bool
) -> None:
    """Show in plain words what DRAFT (from the hub) would allow, ask, and sign it."""
    key, read = _read_key(key_file), replace(_read(draft), signed_on=_today())
    before = _read(previous) if previous else None
    refuse(read, before, _today())
    output = output or draft.with_name(f"{draft.stem}-signed.json")
    signed = sign(read, key)
    for line in describe(signed):
        click.echo(line)
    for line in changes(before, signed) if before else ():
        click.echo(f"changes: {line}")
    if not yes:
        click.confirm("Sign this?", abort=True)
    try:
        with output.open("xb") as stream:
            stream.write(encode(signed))
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror}: choose another -o") from None
    click.echo(f"Signed: {output}. Give it to the hub (page Measurement); the sensors fetch it.")


@charter.command("show")
@click.argument("file", type=_FILE)
def show(file: Path) -> None:
    """Say what FILE allows. Exit code 0: it is signed, and not past its end."""
    read = _read(file)
    for line in describe(read):
        click.echo(line)
    problem = ""
    if not read.signature:
        problem = "this is a draft: nobody has signed it"
    elif not is_signed(read):
        problem = "the signature is wrong: it was changed after it was signed"
    elif read.ends_on < _today():
        problem = f"it ended on {read.ends_on}"
    if problem:
        raise click.ClickException(problem)
    click.echo("the signature is right; compare the town key's fingerprint with the poster's")


def refuse(draft: Charter, before: Charter | None, today: date) -> None:
    """Raise ClickException where a draft must not be signed, saying why and what to do."""
    latest = today + timedelta(days=366 * YEARS_AT_MOST)
    future = [each.shop for each in draft.sensors if each.agreed_on > today]
    problem = ""
    if draft.ends_on < today:
        problem = f"its end, {draft.ends_on}, is past: no sensor would listen under it"
    elif draft.ends_on > latest:
        problem = (
            f"its end, {draft.ends_on}, is more than {YEARS_AT_MOST} years ahead: a measurement "
            "that goes on must be explained again"
        )
    elif future:
        problem = f"the agreement of {', '.join(future)} is dated after today"
    elif before is not None and not is_signed(before):
        problem = "the charter given as --previous is not signed as it stands"
    elif before is not None and draft.version <= before.version:
        problem = (
            f"its version, {draft.version}, is not above {before.version}, which is in force: "
            "sensors would refuse it; take a new draft from the hub"
        )
    if problem:
        raise click.ClickException(f"this draft can't be signed: {problem}")


def describe(charter: Charter) -> Iterator[str]:
    """Yield the charter in plain words, a line each."""
    for member, word in _TEXTS.items():
        yield f"{word}: {getattr(charter, member)}"
    yield f"version: {charter.version}, signed on {charter.signed_on}"
    yield f"measured until: {charter.ends_on} included"
    same = charter.annex_sha256 == annex_digest()
    yield f"mechanism: {'that of this software' if same else 'NOT that of this software'}"
    yield f"notice: {charter.notice_sha256}"
    yield f"town key: {charter.fingerprint if any(charter.town_key) else 'none yet'}"
    yield f"sensors: {len(charter.sensors) or 'none: no sensor may listen any more'}"
    for each in charter.sensors:
        yield f"  {_name(each)}, agreed on {each.agreed_on}"


def changes(before: Charter, after: Charter) -> Iterator[str]:
    """Yield what a charter changes, in plain words, a line each."""
    words = _TEXTS | {
        "ends_on": "end",
        "annex_sha256": "mechanism (read the impact assessment again)",
        "notice_sha256": "notice (print and hang it again)",
        "fingerprint": "TOWN KEY (each sensor must be enrolled anew)",
    }
    for member, word in words.items():
        old, new = getattr(before, member), getattr(after, member)
        if old != new:
            yield f"{word}: {old} → {new}"
    for each in after.sensors:
        old_entry = before.sensor(each.sensor)
        if old_entry is None:
            yield f"new sensor {_name(each)}"
        elif old_entry != each:
            yield f"sensor {each.sensor}: {_entry(old_entry)} → {_entry(each)}"
    for each in before.sensors:
        if after.sensor(each.sensor) is None:
            yield f"no longer: sensor {_name(each)}"


def _today() -> date:
    return datetime.now(UTC).astimezone().date()


def _name(sensor: CharterSensor) -> str:
    return f"{sensor.sensor} of {sensor.shop}"


def _entry(sensor: CharterSensor) -> str:
    return f"{sensor.shop}, agreed on {sensor.agreed_on}"


def _read(file: Path) -> Charter:
    try:
        with file.open("rb") as stream:
            return decode(stream.read(MAX_BYTES + 2).rstrip(b"\r\n"))
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
    except WireErrorFinal as error:
        raise click.ClickException(f"{file}: is no charter: {error}") from None


def _read_key(file: Path) -> SigningKey:
    try:
        text = file.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
    if not _KEY.fullmatch(text):
        raise click.ClickException(f"{file}: is no town key (chaland charter key FILE makes one)")
    if file.stat().st_mode & 0o077:
        raise click.ClickException(
            f"{file}: others may read this key: if nobody did, chmod 600 {file}"
        )
    return SigningKey(bytes.fromhex(text.strip()))
