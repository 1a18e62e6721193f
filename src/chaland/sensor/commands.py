"""``chaland sensor``: enrol a box, run it, and ask how it is."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click
from nacl.signing import SigningKey

from chaland.sensor import config as box
from chaland.sensor.button import ButtonErrorFinal, press
from chaland.sensor.charter import WHAT_TO_DO, Refusal
from chaland.sensor.config import ConfigErrorFinal, SensorConfig
from chaland.sensor.hardening import forbid_dumps
from chaland.sensor.orders import DayOrders
from chaland.sensor.status import STALE_S, Status, read_status
from chaland.sensor.supervise import Supervisor
from chaland.sensor.uplink.asking import hub_client
from chaland.sensor.uplink.charters import CHARTER_NAME, CharterStore
from chaland.sensor.uplink.enrol import EnrolErrorFinal, EnrolErrorTemporary, enrol
from chaland.sensor.uplink.exchanging import Exchanger
from chaland.sensor.uplink.reasons import UplinkDrop
from chaland.sensor.uplink.spool import Spool, SpoolErrorFinal
from chaland.sensor.uplink.upload import SKEW_AT_MOST_S, Uploader
from chaland.wire.answers import Code, Meaning, meaning_of
from chaland.wire.errors import WireErrorFinal
from chaland.wire.mechanism import DEFAULT_MECHANISM

TOOLS = ("chaland", "tcpdump", "dumpcap")


@click.group()
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="CHALAND_SENSOR_STATE",
    default=box.DEFAULT_STATE_DIR,
    show_default=True,
    help="Folder of this box's key, configuration and waiting summaries.",
)
@click.pass_context
def sensor(context: click.Context, state: Path) -> None:
    """The box in the shop: listens, counts, forgets, and sends noised summaries."""
    context.obj = state


@sensor.command()
@click.option("--hub", required=True, help="Address of the association's hub, https://….")
@click.option(
    "--code",
    prompt="One-time code",  # on the command line, every user of the box could read it
    help="One-time code that the hub shows, ABCD-EFGH-JKLM; asked for if not given.",
)
@click.option(
    "--town-key", default="", help="Fingerprint on the poster: obey charters of this key only."
)
@click.option("--replace", "anew", is_flag=True, help="Enrol this box anew, with a new key.")
@click.option("--allow-http", is_flag=True, help="Allow a hub without TLS on another machine.")
@click.pass_obj
def enroll(  # noqa: PLR0917 (click passes the options by name)
    state: Path, hub: str, code: str, town_key: str, anew: bool, allow_http: bool
) -> None:
    """Make this box the sensor of a shop. Its key is made here and never leaves."""
    _check_hub(hub, allow_http)
    _make_state_dir(state)
    try:
        town_key = town_key and box.normal_fingerprint(town_key)
        key_path = _key_to_enrol(state, anew)
        key = box.read_key(key_path) or box.make_key(key_path)
        old = _old_name(state)
        with hub_client() as client:
            enrolled = enrol(hub, code, key, client)
        box.known_timezone(enrolled.timezone)
    except (ConfigErrorFinal, EnrolErrorFinal, EnrolErrorTemporary, WireErrorFinal) as error:
        raise click.ClickException(str(error)) from None
    _put_old_spool_aside(state, old, enrolled.sensor)
    if key_path.name == box.NEW_KEY_NAME:
        key_path.replace(state / box.KEY_NAME)
    config = SensorConfig(
        hub,
        enrolled.sensor,
        enrolled.shop,
        enrolled.timezone,
        enrolled.simulated,
        town_key=town_key,
    )
    (state / CHARTER_NAME).unlink(missing_ok=True)  # of another sensor, or of another town
    box.save_config(state, config)
    click.echo(f"This box is now sensor {enrolled.sensor} of {enrolled.shop}.")
    click.echo("Is this the right shop? If not, revoke it on the hub and enrol with another code.")
    click.echo(
        f"It obeys charters of the town key {town_key} only."
        if town_key
        else "It will trust the town key of the first charter that names it (--town-key not given)."
    )
    click.echo("It listens once the director has signed a charter that names it.")


@sensor.command()
@click.option("--interface", default="", help="Monitor-mode interface to listen on, mon0 say.")
@click.option("--stdin", is_flag=True, help="Read a capture from standard input.")
@click.option("--wait", is_flag=True, help="Only wait until the charter permits to listen.")
@click.option(
    "--tool",
    type=click.Choice(TOOLS),
    default="chaland",
    show_default=True,
    help="Program that captures on --interface; chaland's own forgets frames soonest.",
)
@click.argument("files", nargs=-1, type=click.Path(path_type=str))
@click.pass_obj
def run(  # noqa: PLR0917 (click passes the options by name)
    state: Path, interface: str, stdin: bool, wait: bool, tool: str, files: tuple[str, ...]
) -> None:
    """Listen on an interface, or read captures; count, and send summaries to the hub."""
    if sum((bool(interface), stdin, wait, bool(files))) != 1:
        raise click.UsageError("give one of --interface, --stdin, --wait, or files")
    forbid_dumps()
    try:
        settings = box.load_config(state)
        key = box.load_key(state, settings.sensor)
    except ConfigErrorFinal as error:
        raise click.ClickException(str(error)) from None
    orders = DayOrders(
        interface=interface,
        tool=tool,
        files=("-",) if stdin else files,
        timezone=settings.timezone,
        mode=settings.mode,
        rssi_visitor_dbm=settings.rssi_visitor_dbm,
        rssi_passer_by_dbm=settings.rssi_passer_by_dbm,
        objection_ssid="",  # the charter's
        sensor=settings.sensor,
    )
    sys.exit(_supervise(state, settings, key, orders))


@sensor.command()
@click.option("--json", "as_json", is_flag=True, help="Print for machines.")
@click.pass_obj
def status(state: Path, as_json: bool) -> None:
    """Say how the sensor is. Exit code 0: all is well; 1: something needs a look."""
    try:
        settings = box.load_config(state)
    except ConfigErrorFinal as error:
        raise click.ClickException(str(error)) from None
    found = read_status(state / box.STATUS_NAME)
    problems = _problems(found)
    if as_json:
        members = {"sensor": settings.sensor, "shop": settings.shop, "problems": problems}
        click.echo(json.dumps(members | {"status": asdict(found) if found else None}))
    else:
        _print_status(settings, found, problems)
    sys.exit(1 if problems else 0)


@sensor.command()
@click.pass_obj
def forget(state: Path) -> None:
    """The button: for one minute, forget and bar the first devices that are very near."""
    limits = DEFAULT_MECHANISM.objection
    try:
        press(state)
    except ButtonErrorFinal as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        "For one minute, hold phones (Wi-Fi on) within a hand's breadth of the sensor: the first "
        f"{limits.button_addresses} addresses heard are forgotten now, and barred from now on; a "
        f"day takes {limits.presses_in_a_day} presses. Phones that change their address need the "
        "objection network's name as well: see the notice."
    )


def _check_hub(hub: str, allow_http: bool) -> None:
    parts = urlsplit(hub)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise click.BadParameter("must be a URL like https://hub.example.org", param_hint="--hub")
    here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme == "http" and not here and not allow_http:
        raise click.BadParameter(
            "is not https: the code could be read on the way; --allow-http takes that risk",
            param_hint="--hub",
        )


def _make_state_dir(state: Path) -> None:
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise click.ClickException(
            f"{state}: {error.strerror}: run as the sensor's user, or choose another --state"
        ) from None
    if not os.access(state, os.W_OK):
        raise click.ClickException(
            f"{state}: not writable: run as the sensor's user, or choose another --state"
        )


def _key_to_enrol(state: Path, anew: bool) -> Path:
    """Return where the key to enrol is, or will be; an interrupted enrolment keeps its own."""
    if not (state / box.CONFIG_NAME).exists():
        return state / box.KEY_NAME
    if not anew:
        raise ConfigErrorFinal(
            f"{state / box.CONFIG_NAME}: this box is enrolled already; --replace enrols it anew"
        )
    return state / box.NEW_KEY_NAME


def _old_name(state: Path) -> str:
    """Return the name under which this box was enrolled; a damaged file may be enrolled over."""
    try:
        return box.load_config(state).sensor
    except ConfigErrorFinal:
        return "unknown"


def _put_old_spool_aside(state: Path, old: str, enrolled: str) -> None:
    """Keep what another sensor's name had not sent where a technician finds it."""
    if (state / box.SPOOL_NAME).exists() and old != enrolled:
        aside = state / f"{box.SPOOL_NAME}-{old}"
        (state / box.SPOOL_NAME).rename(aside)
        click.echo(f"What sensor {old} had not sent is kept in {aside}.")


def _supervise(state: Path, settings: SensorConfig, key: SigningKey, orders: DayOrders) -> int:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # the button, before the supervisor knows it
    try:
        spool = Spool(state / box.SPOOL_NAME, settings.sensor, simulated=settings.simulated)
        store = CharterStore(
            state, settings.sensor, settings.town_key, lambda found: _pin(state, settings, found)
        )
    except (SpoolErrorFinal, OSError) as error:
        raise click.ClickException(str(error)) from None
    with hub_client() as client:
        uploader = Uploader(spool, key, settings.hub, client)
        exchanger = Exchanger(store, state, key, settings.hub, client)
        code = Supervisor(orders, spool, uploader, exchanger, state / box.STATUS_NAME).run()
    for line in _leftovers(spool, uploader):
        click.echo(line, err=True)
    spool.close()
    return code


def _pin(state: Path, settings: SensorConfig, town_key: str) -> None:
    """Trust the key of the first charter from now on, and say so."""
    try:
        settings = box.load_config(state)
    except ConfigErrorFinal as error:  # damaged while we ran: what was read at the start is good
        click.echo(f"{error}; it is written anew", err=True)
    box.save_config(state, replace(settings, town_key=town_key))
    click.echo(
        f"The first charter is signed by the town key {town_key}: it is trusted from now on. "
        "COMPARE it with the fingerprint on the poster; if they differ, stop this sensor and call "
        "the association.",
        err=True,
    )


def _leftovers(spool: Spool, uploader: Uploader) -> Iterator[str]:
    """Yield what became of the summaries that the hub does not have, a line each."""
    if waiting := len(spool.pending()):
        yield f"{waiting} summaries wait in the spool; the next run sends them."
    for code, count in sorted(uploader.health.answers.items()):
        if meaning_of(Code(code)) is Meaning.PARK:
            yield f"{count} summaries were refused for good: {code} (see spool/parked)."
    if uploader.health.last_problem:
        yield f"The hub's last word: {uploader.health.last_problem}"


def _problems(found: Status | None) -> list[str]:
    if found is None:
        return [
            "it has not run yet, or wrote no status that can be read: systemctl start "
            "chaland-sensor; if it runs, check the disk"
        ]
    problems = [f"{found.refusal}: {WHAT_TO_DO[Refusal(found.refusal)]}"] if found.refusal else []
    age_s = (datetime.now(UTC) - datetime.fromisoformat(found.at)).total_seconds()
    if age_s > STALE_S:
        problems.append(f"it does not run (last sign {found.at}): journalctl -u chaland-sensor")
    if found.state != "ok":
        problems.append(f"{found.state}: {found.message}")
    skew_s = found.clock_skew_s
    if skew_s is not None and abs(skew_s) > SKEW_AT_MOST_S:
        dropped = found.drops.get(UplinkDrop.CLOCK_WRONG, 0)
        problems.append(
            f"clock: this box's and the hub's differ by {skew_s:.0f} s, so cells are not kept "
            f"({dropped} so far): timedatectl set-ntp true"
        )
    if found.upload_problem:
        problems.append(f"upload: {found.upload_problem}")
    if found.exchange_problem:
        problems.append(f"exchange: {found.exchange_problem}")
    if found.charter_problem:
        problems.append(f"charter: {found.charter_problem}")
    if found.parked:
        problems.append(f"{found.parked} summaries were refused for good: see spool/parked")
    return problems


def _print_status(settings: SensorConfig, found: Status | None, problems: list[str]) -> None:
    click.echo(f"sensor {settings.sensor} of {settings.shop}, hub {settings.hub}")
    if found is not None:
        click.echo(f"state {found.state}: {found.message}")
        if found.charter_version:
            click.echo(
                f"charter {found.charter_version} until {found.ends_on}, town key {found.town_key}"
            )
        click.echo(f"town's key of the day {found.town_key_held or 'none yet'}")
        if found.button_at:
            said = f"refused: {found.button_refusal}" if found.button_refusal else "obeyed"
            click.echo(f"button pressed last {found.button_at}, {said}")
        click.echo(f"last cell {found.last_cell or 'none yet'}")
        click.echo(f"accepted by the hub last {found.last_accepted_at or 'never'}")
        click.echo(f"waiting {found.queued}, parked {found.parked}, restarts {found.restarts}")
        for reason, count in sorted(found.drops.items()):
            click.echo(f"dropped {reason}: {count}")
    for problem in problems:
        click.echo(f"LOOK: {problem}")
    if not problems:
        click.echo("all is well")
