"""``chaland replay``: real captures through the whole chain, from frames to the page.

Composition root: it joins the sensor's pipeline to the hub's intake in one process. The messages
are the ones that a sensor would have sent, signed by a key of their own, each when its cell ended.
"""

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import django

from chaland.replay.people import PeopleFileErrorFinal, read_people
from chaland.wire.summary import Mode


class TimezoneName(click.ParamType[ZoneInfo]):
    """An IANA name such as Europe/Paris."""

    name = "timezone"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> ZoneInfo:
        try:
            return ZoneInfo(str(value))
        except (KeyError, ValueError, OSError):
            self.fail(f"{value} is no time zone; write it as Europe/Paris.", param, ctx)


@click.command()
@click.argument("captures", nargs=-1, required=True, metavar="CAPTURE…")
@click.option("--shop", required=True, help="Short name (slug) of the shop that listened.")
@click.option(
    "--people",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Head counts: a CSV with time_local,people, one row at each change. May be repeated.",
)
@click.option(
    "--timezone",
    type=TimezoneName(),
    help="Of the head counts, and of the association if there is none yet [default: its own].",
)
@click.option("--rssi-visitor-dbm", default=-70, show_default=True, help="Gate of the shop.")
@click.option("--rssi-passer-by-dbm", default=-85, show_default=True, help="Gate of the street.")
@click.option("--strict", is_flag=True, help="Read address, signal and time only.")
@click.option("--again", is_flag=True, help="Forget what was replayed for this shop before.")
def replay(
    *,
    captures: tuple[str, ...],
    shop: str,
    people: tuple[Path, ...],
    timezone: ZoneInfo | None,
    rssi_visitor_dbm: int,
    rssi_passer_by_dbm: int,
    strict: bool,
    again: bool,
) -> None:
    """Run captures through sensor, intake and figures; print the quarter hours.

    A capture is pcap or pcapng, gzip or not; - is standard input. Where the installation is still
    empty, an association is made for the shop. A quarter hour is drawn once: replayed again, the
    stored numbers stand, unless --again forgets them first.
    """
    if rssi_passer_by_dbm > rssi_visitor_dbm:
        raise click.ClickException(
            f"--rssi-passer-by-dbm {rssi_passer_by_dbm} must not be above --rssi-visitor-dbm "
            f"{rssi_visitor_dbm}: passers-by are heard more weakly."
        )
    _prepare_hub()
    from chaland.replay.place import open_place
    from chaland.replay.run import Gates, show, take

    place = open_place(shop, timezone, again=again)
    try:
        counts = [read_people(path, timezone or place.timezone) for path in people]
    except PeopleFileErrorFinal as error:
        raise click.ClickException(str(error)) from None
    gates = Gates(rssi_visitor_dbm, rssi_passer_by_dbm, Mode.STRICT if strict else Mode.DEFAULT)
    taken = take(captures, place, gates)
    show(place, taken, [row for rows in counts for row in rows])


def _prepare_hub() -> None:
    """Set Django up and bring the databases up to date; models can be imported only after it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chaland.hub.site.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connections

    for database in connections:
        call_command("migrate", database=database, verbosity=0)
