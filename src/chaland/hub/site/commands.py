"""``chaland hub …``: prepare, serve and tend the hub."""

import os
import sys

import click


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
    """Prepare or bring up to date: both planes' databases, the cache table, the static files."""
    _django()
    prepare(1 if verbose else 0)
    click.echo("The databases and static files are ready.")


def prepare(verbosity: int = 0) -> None:
    """Migrate each plane's database, and collect the static files (hashed and compressed)."""
    from django.conf import settings
    from django.core.management import call_command

    for alias in settings.DATABASES:
        call_command("migrate", database=alias, verbosity=verbosity, interactive=False)
    call_command("createcachetable", database="default", verbosity=verbosity)
    call_command("collectstatic", verbosity=verbosity, interactive=False, clear=True)


@hub.command()
def rebuild() -> None:
    """Make all figures anew out of the stored cells: after a fault, or a change of time zone."""
    _django()
    from importlib import import_module

    services = import_module("chaland.hub.footfall.services")  # the site names planes by string
    click.echo(f"{services.rebuild_figures()} days of figures were made anew.")


@hub.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--threads", default=4, show_default=True, help="Threads of each process.")
def serve(bind: str, workers: int, threads: int) -> None:
    """Serve the hub with gunicorn; on an empty installation, print the link of the guide."""
    _django()
    from django.core.management import call_command
    from gunicorn.app.wsgiapp import run

    prepare()
    call_command("setup_link", site=f"http://{bind.replace('127.0.0.1', 'localhost')}")
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
