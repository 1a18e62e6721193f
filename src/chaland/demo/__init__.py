"""``chaland demo``: the whole product on an invented town, with one command.

Composition root: the only place that knows both the hub and the simulation. It works in a state
folder of its own and never touches another one's databases.
"""

from pathlib import Path

import click

STATE = Path("var/demo")


@click.command()
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port on this machine.",
)
@click.option(
    "--state",
    default=STATE,
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the demo's databases.",
)
@click.option("--fresh", is_flag=True, help="Throw the demo's folder away and make it again.")
@click.option(
    "--days",
    default=365,
    show_default=True,
    type=click.IntRange(1, 1500),
    help="Days of history.",
)
@click.option(
    "--shops",
    default=30,
    show_default=True,
    type=click.IntRange(1, 30),
    help="Shops in the town.",
)
@click.option(
    "--speed",
    default=15.0,
    show_default=True,
    type=click.FloatRange(1, 1000),
    help="How many times faster than the clock the town's time passes.",
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0),
    help="The same seed gives the same town.",
)
def demo(
    *, port: int, state: Path, fresh: bool, days: int, shops: int, speed: float, seed: int
) -> None:
    """Serve a simulated town: thirty shops, a year of history, and a live day."""
    from chaland.demo.run import Plan, run  # noqa: PLC0415  # keeps the command light

    run(Plan(state.resolve(), port, fresh, days, shops, speed, seed))
