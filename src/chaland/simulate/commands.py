"""``chaland simulate``: invented captures to try the real tools on."""

from datetime import date, datetime
from pathlib import Path

import click

from chaland.simulate.recording import record_shop
from chaland.simulate.rhythm import ATTRIBUTION, real_rhythm
from chaland.simulate.town import drawn_town
from chaland.simulate.walkers import DAY_S, DAY_STARTS_S, Walkers


@click.group()
def simulate() -> None:
    """Make captures of invented phones, with ground truth."""


@simulate.command()
@click.argument("pcap", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option(
    "--people",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Also write the true number of people inside (CSV: time_local,people).",
)
@click.option("--shop", default="galerie-saint-luc", show_default=True, help="Shop of the town.")
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2026-05-19",
    show_default=True,
    help="Local day, from 04:00 to 04:00.",
)
@click.option("--from", "from_", type=click.DateTime(["%H:%M"]), default="10:00", show_default=True)
@click.option("--to", type=click.DateTime(["%H:%M"]), default="12:00", show_default=True)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0),
    help="The same seed gives the same bytes.",
)
def capture(
    *,
    pcap: Path,
    people: Path | None,
    shop: str,
    day: datetime,
    from_: datetime,
    to: datetime,
    seed: int,
) -> None:
    """Write PCAP: what the radio in a shop of the drawn town hears, as radiotap frames."""
    town = drawn_town()
    try:
        index = town.shops.index(town.shop(shop))
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--shop") from None
    span_s = _since_day_start(from_), _since_day_start(to, end=True)
    if span_s[0] >= span_s[1]:
        raise click.BadParameter("must be later than --from in a day from 04:00", param_hint="--to")
    walkers = Walkers(town, real_rhythm(), seed)
    on = date(day.year, day.month, day.day)
    try:
        done = record_shop(walkers, on, index, span_s, pcap=pcap, people=people)
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or pcap}: can't be written ({error.strerror}): choose another place"
        ) from None
    click.echo(
        f"{done.frames} frames of simulated phones in {pcap}; on average {done.people_mean:.1f} "
        f"people were in {town.shops[index].name}."
    )
    click.echo(f"Nobody in it exists. {ATTRIBUTION}.", err=True)


def _since_day_start(clock: datetime, end: bool = False) -> float:
    """Return seconds since 04:00; 04:00 itself is the end of the day where an end is meant."""
    seconds = (clock.hour * 3600 + clock.minute * 60 - DAY_STARTS_S) % int(DAY_S)
    return float(seconds) if seconds or not end else DAY_S
