"""The older part of the history, added behind the page while it is already served.

Newest first, two weeks at a time, each in one transaction with its figures: wherever it is
interrupted, the next start goes on from there, and nobody else waits long to write.
Import after ``django.setup()``.
"""

import os
from datetime import date, timedelta

import click
from django.db.models import Min

from chaland.demo.founding import Place, places
from chaland.demo.load import Loader, Span, in_one_transaction
from chaland.demo.past import TownSeed, released_days
from chaland.hub.footfall import services
from chaland.hub.footfall.models import Cell
from chaland.hub.footfall.services import account
from chaland.hub.footfall.services.figures import DWELL_DAYS
from chaland.simulate.air import TIMEZONE
from chaland.wire.periods import day_bounds, local_day

_WEEKS = 2


def fill(seed: TownSeed, founded: date, days: int) -> None:
    """Add history back to ``days`` before the foundation; returns when it is complete."""
    os.nice(10)  # the page and the live day come first
    there = places()
    first = founded - timedelta(days=days)
    while (frontier := _first_day(there)) > first:
        begin = max(first, frontier - timedelta(weeks=_WEEKS))
        dates = [begin + timedelta(days=i) for i in range((frontier - begin).days)]
        span = Span(day_bounds(begin, TIMEZONE)[0], day_bounds(frontier, TIMEZONE)[0])
        made = [day for some in released_days(seed, dates, founded, workers=0) for day in some]
        with in_one_transaction():
            Loader(there, {place.slug: span for place in there}, founded).load(made)
            # the first weeks that were there have got the dwell of the weeks before them
            services.rebuild_figures(first=begin, last=frontier + timedelta(days=DWELL_DAYS))
            loaded = begin, frontier - timedelta(days=1)
            account.rebuild([place.shop_id for place in there], loaded)


def _first_day(there: list[Place]) -> date:
    """Return the first local day with cells."""
    firsts = [
        Cell.objects.filter(shop_id=place.shop_id).aggregate(first=Min("start"))["first"]
        for place in there
    ]
    return local_day(min(first for first in firsts if first is not None), TIMEZONE)


def main(shops: str, seed: str, founded: str, days: str) -> None:
    """Fill, as a process of its own."""
    fill(TownSeed(int(shops), int(seed)), date.fromisoformat(founded), int(days))
    click.echo(f"The whole history is there: {days} days.")
