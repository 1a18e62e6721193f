"""Runs the chain over captures, and prints what came out of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import click
import numpy as np

from chaland.hub.association.models import StaffRole
from chaland.hub.footfall import cells, estimates, people, services
from chaland.hub.footfall.intake.services import accept
from chaland.hub.footfall.models import Calibration, Sensor
from chaland.hub.footfall.rules import INTERVAL_SHARE, estimate
from chaland.replay.people import QuarterHour
from chaland.replay.place import Place
from chaland.sensor.capture import open_source
from chaland.sensor.drops import Drop
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.wire.answers import Code
from chaland.wire.periods import CELL_S, local_day
from chaland.wire.signature import sensor_identifier, sign
from chaland.wire.summary import CellCounts, Mode, Summary, encode

CELL = timedelta(seconds=CELL_S)


@dataclass(frozen=True, slots=True)
class Gates:
    """The radio gates in dBm, and the mode of counting."""

    rssi_visitor_dbm: int
    rssi_passer_by_dbm: int
    mode: Mode


@dataclass
class Taken:
    """What became of the captures: frames and their drops, cells, intake's answers, problems."""

    frames: int = 0
    drops: Counter[Drop] = field(default_factory=Counter)
    starts: list[datetime] = field(default_factory=list)
    answers: Counter[Code] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """Captures of which not one frame could be read."""


def take(captures: Sequence[str], place: Place, gates: Gates) -> Taken:
    """Run each capture through a sensor's pipeline and its messages through intake."""
    taken = Taken()
    for number, name in enumerate(captures, 1):
        click.echo(f"[{number}/{len(captures)}] {name}", err=True)
        source = open_source(name)
        config = PipelineConfig(
            place.timezone,
            rssi_visitor_dbm=gates.rssi_visitor_dbm,
            rssi_passer_by_dbm=gates.rssi_passer_by_dbm,
            mode=gates.mode,
            recorded=True,
        )
        pipeline = Pipeline(config, source)
        for cell in pipeline.run():
            answer = _send(cell, place)
            taken.answers[answer] += 1
            if answer is Code.DWELL_REPEATED:  # another capture of the same day brought it
                taken.answers[_send(replace(cell, dwell=None), place)] += 1
            taken.starts.append(cell.start)
        taken.frames += pipeline.frames
        taken.drops.update(pipeline.drops)
        taken.problems += [str(problem) for problem in source.problems]
        if source.problems and not pipeline.frames:
            taken.unreadable.append(name)
    return taken


def _send(cell: CellCounts, place: Place) -> Code:
    """Sign a cell as its sensor would have, when it ended, and hand it to intake."""
    ended = cell.start + CELL
    sequence = Sensor.objects.only("last_sequence").get(pk=place.sensor_id).last_sequence + 1
    name = sensor_identifier(bytes(place.key.verify_key))
    body = encode(Summary(name, sequence, ended, simulated=False, cell=cell))
    return accept(body, sign(place.key, sequence, ended, body), ended).answer.code


def show(place: Place, taken: Taken, counted: Sequence[QuarterHour]) -> None:
    """Record the head counts, calibrate if there are enough, and print the quarter hours.

    Raises click.ClickException, after all that could be read, for what could not be read at all.
    """
    calibration = _calibrate(place, taken, counted)
    for problem in taken.problems:
        click.secho(problem, fg="yellow", err=True)
    if not taken.starts:
        raise click.ClickException("no quarter hour came out of these captures.")
    truth = {row.start: row.people for row in counted}
    errors = list(_print_table(place, sorted(set(taken.starts)), truth))
    _print_drops(taken)
    _print_error(errors, calibration)
    _print_page(place, taken.starts)
    if taken.unreadable:
        raise click.ClickException(f"could not be read at all: {', '.join(taken.unreadable)}.")


def _calibrate(place: Place, taken: Taken, counted: Sequence[QuarterHour]) -> Calibration | None:
    heard = set(taken.starts)
    rows = [
        services.CountRow(row.start, row.start + CELL, row.people, None)
        for row in counted
        if row.start in heard
    ]
    if rows:
        services.record_door_counts(place.shop_id, rows, "tally")
        try:
            return services.fit_calibration(place.shop_id, datetime.now(UTC))
        except estimates.CalibrationFinal as refused:
            click.echo(f"Not calibrated: {refused}", err=True)
    return None


def _print_table(
    place: Place, starts: Sequence[datetime], truth: dict[datetime, float]
) -> Iterable[tuple[float, float]]:
    """Print a line for each quarter hour; yield (estimate, people counted) where both are known."""
    found = cells.read(place.shop_id, starts[0], starts[-1] + CELL)
    mean, variance = people.present(found, people.models_of([place.shop_id])[place.shop_id])
    at = {int(start): i for i, start in enumerate(found.start_s.tolist())}
    click.echo(
        f"{'quarter hour':16} {'windows':>7} "
        + " ".join(f"{name:>12}" for name in cells.COUNTS)
        + f" {'estimate':>9} {f'{INTERVAL_SHARE:.0%} interval':>14} {'people':>7}"
    )
    for start in starts:
        i = at[int(start.timestamp())]
        released = " ".join(f"{_number(found.counts[name][i], 0):>12}" for name in cells.COUNTS)
        ends = estimate(float(mean[i]), float(variance[i]))
        interval = f"{_number(ends.low)} to {_number(ends.high)}"
        known = truth.get(start, np.nan)
        click.echo(
            f"{start.astimezone(place.timezone):%Y-%m-%d %H:%M} {found.windows[i]:>7} {released} "
            f"{_number(max(mean[i], 0)):>9} {interval:>14} {_number(known):>7}"
        )
        if not np.isnan(known + mean[i]):
            yield max(float(mean[i]), 0.0), known


def _number(value: float, decimals: int = 1) -> str:
    """Write a number, or a dash where there is none."""
    return "-" if np.isnan(value) else f"{value:.{decimals}f}"


def _print_drops(taken: Taken) -> None:
    click.echo(f"\n{taken.frames} frames; not counted:")
    for drop, count in taken.drops.most_common():
        if count:
            click.echo(f"  {count:>9} {drop}")
    click.echo("Messages: " + ", ".join(f"{n} {code}" for code, n in taken.answers.items()))
    if taken.answers[Code.CELL_REPEATED]:
        click.echo("What was drawn before stands; --again forgets it and draws anew.")


def _print_error(errors: Sequence[tuple[float, float]], calibration: Calibration | None) -> None:
    if not errors:
        return
    pairs = np.array(errors)
    mae = np.abs(pairs[:, 0] - pairs[:, 1]).mean()
    click.echo(f"Mean absolute error, noise on, over {len(pairs)} quarter hours: {mae:.2f} people")
    if calibration is not None:
        click.echo(
            f"Calibrated on {calibration.cells} quarter hours of {calibration.days} days; "
            f"on days held out: {calibration.held_out_mae:.2f} people"
        )


def _print_page(place: Place, starts: Sequence[datetime]) -> None:
    """Say where to see it, and how to get in where nobody can yet."""
    if not StaffRole.objects.filter(association__shops=place.shop_id).exists():
        click.echo("Nobody can sign in yet: chaland hub createdirector you@example.org")
    first, last = (local_day(start, place.timezone) for start in (min(starts), max(starts)))
    query = urlencode({"shop": place.slug, "period": "custom", "from": first, "to": last})
    click.echo(f"The page: chaland hub serve, then http://localhost:8000/?{query}")
