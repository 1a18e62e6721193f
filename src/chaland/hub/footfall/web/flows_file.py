"""The flows' numbers as CSV: a row a number, with its interval and what it rests on."""

from collections.abc import Iterator, Sequence

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from chaland.hub.footfall.figures.flows import Flows, Pair, Place
from chaland.hub.footfall.figures.period import Period
from chaland.hub.footfall.figures.shop_flows import OTHER_SHOPS_MIN, ShopFlows, ZoneShare
from chaland.hub.footfall.rules import Estimate
from chaland.hub.footfall.web import words
from chaland.hub.footfall.web.export import Row, csv_file, estimate_cells, percent_cells


def headings() -> dict[str, str]:
    """The columns' names in the page's language; in English they are the columns' own."""
    return {
        "figure": pgettext("csv", "figure"),
        "place": pgettext("csv", "place"),
        "other_place": pgettext("csv", "other_place"),
        "from": pgettext("csv", "from"),
        "to": pgettext("csv", "to"),
        "value": pgettext("csv", "value"),
        "low_90": pgettext("csv", "low_90"),
        "high_90": pgettext("csv", "high_90"),
        "unit": pgettext("csv", "unit"),
        "days": pgettext("csv", "days"),
        "note": pgettext("csv", "note"),
    }


def town_csv(found: Flows, pairs: Sequence[Pair], place: str, *, simulated: bool) -> HttpResponse:
    """Write a town's flows: the pairs in the page's order, all of them."""
    rows = _town_rows(found, pairs, place)
    return csv_file(_name(found.period), headings(), rows, simulated=simulated)


def shop_csv(found: ShopFlows, *, simulated: bool) -> HttpResponse:
    """Write a shop's flows to the zones."""
    return csv_file(_name(found.period), headings(), _shop_rows(found), simulated=simulated)


def _name(period: Period) -> str:
    return f"chaland-flows-{period.first}-{period.last}.csv"


def _town_rows(found: Flows, pairs: Sequence[Pair], place: str) -> Iterator[Row]:
    people = pgettext("csv", "followable visitors")
    covisits = pgettext("csv", "followable co-visits")
    whole = {**_days(found.period), "place": place, "days": found.sample.days}
    yield {
        **whole,
        "figure": pgettext("csv", "followable visitors of a day"),
        **estimate_cells(found.visitors),
        "unit": people,
        "note": _("mean over the days; never the people of several days"),
    }
    each = pgettext("csv", "shops a followable visitor")
    yield {**whole, "figure": each, **estimate_cells(found.shops_each)}
    yield {**whole, **_followable(found.followable)}
    for visited, visitors in found.places:
        own = pgettext("csv", "followable visitors")
        yield _row(found.period, own, [visited], visitors, people) | {"days": found.sample.days}
    for pair in pairs:
        yield from _pair_rows(found.period, pair, people)
    for way in found.directions.clear:
        figure = pgettext("csv", "before 14:00, then after it")
        yield _row(found.period, figure, [way.first, way.then], way.covisits, covisits) | {
            "days": found.directions.days
        }


def _pair_rows(period: Period, pair: Pair, people: str) -> Iterator[Row]:
    both = _both_row(period, [pair.a, pair.b], pair.both, people, told=pair.separable)
    yield both | {"days": pair.days}
    for a, b, share in ((pair.a, pair.b, pair.of_a), (pair.b, pair.a, pair.of_b)):
        told = share if pair.separable else None
        yield _share_row(period, a, b, told, pair.both) | {"days": pair.days}


def _both_row(
    period: Period, places: Sequence[Place], both: Estimate, people: str, *, told: bool
) -> Row:
    """Return visitors of both; if they aren't clear enough to be told, their interval and why."""
    figure = pgettext("csv", "followable visitors of both")
    row = _row(period, figure, places, both, people)
    return row if told else row | {"value": "", "note": words.unclear(both)}


def _share_row(
    period: Period, a: Place, b: Place, share: Estimate | None, both: Estimate | None
) -> Row:
    figure = pgettext("csv", "share of the place’s followable visitors")
    row = {**_row(period, figure, [a, b], None, "%"), **percent_cells(share)}
    return row if share or both is None else row | {"note": words.unclear(both)}


def _shop_rows(found: ShopFlows) -> Iterator[Row]:
    people = pgettext("csv", "followable visitors")
    own = pgettext("csv", "followable visitors")
    yield _row(found.period, own, [found.shop], found.visitors, people)
    yield {**_days(found.period), "place": found.shop.name, **_followable(found.followable)}
    for zone in found.zones:
        yield from _zone_rows(found, zone, people)


def _zone_rows(found: ShopFlows, zone: ZoneShare, people: str) -> Iterator[Row]:
    places = (found.shop, zone.zone)
    days = {"days": found.sample.days}
    if zone.both is None:
        hidden = _("too few other shops: one of them could be recognised")
        reason = hidden if zone.shops < OTHER_SHOPS_MIN else _("not known")
        yield _share_row(found.period, *places, None, None) | days | {"note": reason}
        return
    yield _both_row(found.period, places, zone.both, people, told=zone.separable) | days
    share = zone.share if zone.separable else None
    yield _share_row(found.period, *places, share, zone.both) | days


def _followable(share: Estimate | None) -> Row:
    figure = pgettext("csv", "followable share of visits")
    return {"figure": figure, **percent_cells(share), "unit": "%"}


def _days(period: Period) -> Row:
    return {"from": period.first, "to": period.last}


def _row(
    period: Period, figure: str, places: Sequence[Place], value: Estimate | None, unit: str
) -> Row:
    """Return a row about one place, or two."""
    return {
        "figure": figure,
        "place": places[0].name,
        "other_place": places[1].name if len(places) > 1 else "",
        **_days(period),
        **estimate_cells(value),
        "unit": unit,
    }
