"""``chaland hub …``: prepare, serve and tend the hub."""

import atexit
import json
import os
import subprocess
import sys
import time
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from chaland.hub.site.tending import keep_running, tend, told_to_end

_CALL = "from chaland.hub.site.commands import {0}; {0}({1})"


_DUE = {"footfall": "services.due", "loyalty": "due"}


def _footfall(name: str) -> Any:
    """Import a module of the plane; the site names planes by string."""
    return _of("footfall", name)


def _of(plane: str, name: str) -> Any:
    """Import a module of a plane. Raises ClickException where this process does not serve it."""
    from django.conf import settings

    if plane not in settings.PLANES:
        raise click.ClickException(f"CHALAND_PLANES: this process does not serve {plane}.")
    return import_module(f"chaland.hub.{plane}.{name}")


def _django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chaland.hub.site.settings")
    django.setup()


@click.group()
def hub() -> None:
    """Run the association's server: pages, intake of summaries, API."""


@hub.command()
@click.option("--verbose", is_flag=True, help="Name each step.")
def migrate(verbose: bool) -> None:
    """Prepare or bring up to date: databases of the planes served here, cache table, static files.

    Ends by saying what keeps the planes apart on this machine.
    """
    _django()
    prepare(1 if verbose else 0)
    click.echo("The databases and static files are ready.")
    _say_outdated()
    _say_wall()


def prepare(verbosity: int = 0) -> None:
    """Migrate each database of this process, and collect the static files (hashed, compressed)."""
    from django.conf import settings
    from django.core.management import call_command

    from chaland.hub.site.wall import alone

    with alone("default"):  # the other plane's process may start in the same second
        for alias in settings.DATABASES:
            call_command("migrate", database=alias, verbosity=verbosity, interactive=False)
        call_command("createcachetable", database="default", verbosity=verbosity)
    call_command("collectstatic", verbosity=verbosity, interactive=False, clear=True)


def _say_wall() -> int:
    """Say what keeps the planes apart here; return how many faults it has."""
    from chaland.hub.site.wall import standing

    found = standing()
    click.echo(found.rests_on)
    for fault in found.faults:
        click.secho(fault, fg="red", err=True)
    return len(found.faults)


@hub.command()
def wall() -> None:
    """Say what keeps the planes apart here; exit code 1 where a role of PostgreSQL may too much."""
    _django()
    sys.exit(1 if _say_wall() else 0)


def _say_outdated() -> None:
    """Compare the mechanism with the one that each charter, and so the assessment, describes."""
    from django.conf import settings

    if "footfall" not in settings.PLANES:
        return
    for town in _footfall("charters").outdated_towns():
        click.secho(
            f"Town {town}: this software's mechanism is not the one of its charter. Nothing that "
            "its sensors send is taken until a new charter is signed (page Measurement).",
            fg="red",
            err=True,
        )


@hub.command()
def rebuild() -> None:
    """Make all figures anew out of the stored cells: after a fault, or a change of time zone.

    Also counts the privacy account anew, and says where it differs from what was entered.
    """
    _django()
    click.echo(f"{_footfall('services').rebuild_figures()} days of figures were made anew.")
    differences = _footfall("services.account").differences()
    for line in differences:
        click.secho(f"The privacy account differs: {line}.", fg="red", err=True)
    if differences:
        raise click.ClickException("the privacy account differs from the stored releases.")
    click.echo("The privacy account agrees with the stored releases.")


@hub.command("verify-ledger")
def verify_ledger() -> None:
    """Check the chains of accounts and consents, and what is kept of them; change nothing.

    Exit code 1 where something doesn't hold, and a line says what.
    """
    _django()
    found = 0
    for line in _of("loyalty", "proving").faults():
        found += 1
        click.secho(line, fg="red", err=True)
    if found:
        raise click.ClickException(f"{found} things are not as they were written.")
    click.echo("Ledger and consents are as they were written.")


@hub.command()
@click.option("--once", is_flag=True, help="Do what is due now, and end.")
def worker(once: bool) -> None:
    """Do each minute what is due in the planes served here: flows, what lapses, erasure."""
    _one_thread()
    _django()
    if not once:
        _until_migrated()
    tend(_run_due, once=once)


@click.command()
@click.option("--once", is_flag=True, help="Send what is due now, and end.")
@click.option("--trust", is_flag=True, help="Nothing left that the database doesn't know: go on.")
@click.option("--restored", is_flag=True, help="A back-up was put back: hold what was due before.")
def outreach(once: bool, trust: bool, restored: bool) -> None:
    """Send messages to members: campaigns that are due, by the gateways of the associations.

    Any number of these may run at once. Ends on SIGTERM when the batch that goes is written down.
    """
    from chaland.hub.common import clock

    _django()
    loop = _of("loyalty", "outreach.engine.loop")
    if not (once or trust or restored):
        _until_migrated()
    with loop.open_worker(clock.now()) as worker:
        if restored:
            worker.suspect(clock.now())
            click.echo("What was due before now is held, until `chaland outreach --trust`.")
        elif trust:
            worker.trust(clock.now())
            click.echo("What waits is sent, whenever it was due.")
        elif once:
            click.echo(str(loop.run_once(clock.now(), worker)) or "Nothing was due.")
        else:
            worker.ending = told_to_end()
            loop.serve(worker)


def _until_migrated() -> None:
    """Wait for the server that starts beside this worker to have made the tables."""
    from django.conf import settings
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    said = False
    for alias in settings.DATABASES:
        while (executor := MigrationExecutor(connections[alias])).migration_plan(
            executor.loader.graph.leaf_nodes()
        ):
            if not said:
                click.echo("Waiting for `chaland hub serve` or `migrate` to make the tables.")
                said = True
            time.sleep(2)


def _run_due(now: datetime) -> None:
    """Do what is due in each plane that this process serves."""
    from django.conf import settings

    for plane in settings.PLANES:
        _of(plane, _DUE[plane]).run_due(now)


def _one_thread() -> None:
    """Let NumPy compute in one thread, if it is not loaded yet: the town's matrices are small."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def tend_for(parent: int) -> None:
    """Do the worker's tasks as a descendant of the server, until its parent ends."""
    _one_thread()
    _django()
    tend(_run_due, parent=parent)


def send_for(parent: int) -> None:
    """Send messages to members as a descendant of the server, until its parent ends."""
    from chaland.hub.common import clock

    _django()
    loop = _of("loyalty", "outreach.engine.loop")
    with loop.open_worker(clock.now()) as worker:
        worker.ending = told_to_end()
        loop.serve(worker, parent)


def guard_worker(parent: int) -> None:
    """Run the worker as a child, again if it dies, until the server ends, however it does."""
    keep_running([sys.executable, "-c", _CALL.format("tend_for", os.getpid())], parent)


def guard_sending(parent: int) -> None:
    """Run what sends as a child, again if it dies, until the server ends, however it does."""
    keep_running([sys.executable, "-c", _CALL.format("send_for", os.getpid())], parent)


def _start_workers() -> None:
    """Start what tends and, where loyalty is served, what sends: the whole of a small hub."""
    from django.conf import settings

    _start("guard_worker")
    if "loyalty" in settings.PLANES:
        _start("guard_sending")


def _start(guard: str) -> None:
    master = os.getpid()
    child = subprocess.Popen([sys.executable, "-c", _CALL.format(guard, master)])

    def end() -> None:
        if os.getpid() == master:  # gunicorn's own children inherit this function
            child.terminate()
            child.wait()

    atexit.register(end)


def _address(bind: str) -> str:
    """Return where browsers find the hub: behind its proxy, or on this machine."""
    from django.conf import settings

    if settings.HTTPS:
        return f"https://{settings.ALLOWED_HOSTS[0]}"
    return f"http://{bind.replace('127.0.0.1', 'localhost')}"


@hub.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--threads", default=4, show_default=True, help="Threads of each process.")
@click.option("--no-worker", is_flag=True, help="What tends and what sends are units of their own.")
def serve(bind: str, workers: int, threads: int, no_worker: bool) -> None:
    """Serve the hub with gunicorn; on an empty installation, print the link of the guide."""
    _django()
    from django.core.management import call_command
    from gunicorn.app.wsgiapp import run

    prepare()
    call_command("setup_link", site=_address(bind))
    _say_outdated()
    _say_wall()
    if not no_worker:
        _start_workers()
    click.echo(f"Serving on http://{bind} (Ctrl-C stops)")
    sys.argv = [
        "gunicorn",
        "chaland.hub.site.wsgi:application",
        f"--bind={bind}",
        f"--workers={workers}",
        f"--threads={threads}",
        "--worker-class=chaland.hub.site.worker.PatientWorker",
        "--max-requests=20000",
        "--max-requests-jitter=2000",
        "--timeout=60",
        "--graceful-timeout=30",
        "--forwarded-allow-ips=127.0.0.1",
        "--log-level=warning",
    ]
    sys.exit(run())


@hub.command()
def reseal() -> None:
    """Seal members' contacts anew: after a new key was put in front of CHALAND_CONTACT_KEY.

    Also computes anew what finds members, after CHALAND_INDEX_KEY was replaced.
    """
    _django()
    for table, rows in _of("loyalty", "resealing").reseal().items():
        click.echo(f"{table}: {rows} rows are sealed under the first key.")


@hub.command()
@click.argument("wish", type=click.Choice(["known", "proof", "erase"]))
def person(wish: str) -> None:
    """Answer a letter: what is known of a person, the proof of the consents, or erasure.

    Asks for the telephone number or e-mail address, so that it stands in no list of commands.
    """
    _django()
    rights = _of("loyalty", "rights")
    contact = click.prompt("Telephone number or e-mail address", err=True)
    try:
        members = rights.members_with(contact)
    except rights.MemberErrorFinal as error:
        raise click.ClickException(str(error)) from error
    if not members:
        raise click.ClickException("nobody has this number or address.")
    for member in members:
        if wish != "erase":
            told = getattr(rights, wish)(member)
            click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        elif click.confirm(f"Erase member {member.pk} for good?", err=True):
            rights.erase(member)
            click.echo(f"Member {member.pk} is erased; the accounts stay, nobody's.")


@hub.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def manage(arguments: tuple[str, ...]) -> None:
    """Pass a command on to Django, such as ``createdirector`` or ``changepassword``."""
    _django()
    from django.core.management import execute_from_command_line

    execute_from_command_line(["chaland hub manage", *arguments])


@hub.command()
@click.argument("email")
@click.option("--association", default="", help="Its name; where there is one only, that one.")
@click.option("--town", default="", help="Needed where the association is new.")
@click.option("--superuser", is_flag=True, help="May open the administration, too.")
def createdirector(email: str, association: str, town: str, superuser: bool) -> None:
    """Make a director's account from the console; asks for the password."""
    _django()
    from django.core.management import CommandError, call_command

    try:
        call_command(
            "createdirector", email, association=association, town=town, superuser=superuser
        )
    except CommandError as error:
        raise click.ClickException(str(error)) from error


@hub.command("publish-audit")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def publish_audit(file: Path) -> None:
    """Publish FILE, a report that chaland audit --json wrote, on the page /privacy/audit/."""
    _django()
    from django.utils import timezone

    audits = _footfall("services.audits")
    try:
        stored = audits.publish(file.read_bytes(), timezone.now())
    except audits.ReportErrorFinal as error:
        raise click.ClickException(f"{file}: {error}") from error
    click.echo(f"Published: the report of {stored.made_at:%Y-%m-%d %H:%M} UTC.")
