"""The flows' numbers as CSV: a row a number, with its interval and what it rests on."""

from collections.abc import Iterator, Sequence

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from chaland.hub.footfall.figures.flows import Flows, Pair, Place
from chaland.hub.footfall.figures.period import Period
from chaland.hub.footfall.figures.shop_flows import OTHER_SHOPS_MIN, ShopFlows
from chaland.hub.footfall.rules import Estimate
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
    covisits = pgettext("csv", "co-visits")
    whole = {**_days(found.period), "place": place, "days": found.sample.days}
    yield {
        **whole,
        "figure": pgettext("csv", "visitors of a day"),
        **estimate_cells(found.visitors),
        "unit": people,
        "note": _("mean over the days; never the people of several days"),
    }
    each = pgettext("csv", "shops a visitor")
    yield {**whole, "figure": each, **estimate_cells(found.shops_each)}
    yield {**whole, **_followable(found.followable)}
    for visited, visitors in found.places:
        own = pgettext("csv", "visitors")
        yield _row(found.period, own, [visited], visitors, people) | {"days": found.sample.days}
    for pair in pairs:
        yield from _pair_rows(found.period, pair, people)
    for way in found.directions:
        figure = pgettext("csv", "before 14:00, then after it")
        yield _row(found.period, figure, [way.first, way.then], way.covisits, covisits) | {
            "days": found.direction_days
        }


def _pair_rows(period: Period, pair: Pair, people: str) -> Iterator[Row]:
    about = {"days": pair.days, "note": "" if pair.separable else _("not separable")}
    both = pgettext("csv", "visitors of both")
    yield _row(period, both, [pair.a, pair.b], pair.both, people) | about
    for a, b, share in ((pair.a, pair.b, pair.of_a), (pair.b, pair.a, pair.of_b)):
        yield _share_row(period, a, b, share) | about


def _share_row(period: Period, a: Place, b: Place, share: Estimate | None) -> Row:
    figure = pgettext("csv", "share of the place’s visitors")
    cells = percent_cells(share)
    return {**_row(period, figure, [a, b], None, "%"), **cells}


def _shop_rows(found: ShopFlows) -> Iterator[Row]:
    people = pgettext("csv", "followable visitors")
    own = pgettext("csv", "visitors")
    yield _row(found.period, own, [found.shop], found.visitors, people)
    yield {**_days(found.period), "place": found.shop.name, **_followable(found.followable)}
    for zone in found.zones:
        notes = [] if zone.separable else [_("not separable")]
        if zone.shops < OTHER_SHOPS_MIN:
            notes = [_("too few other shops: one of them could be recognised")]
        about = {"days": found.sample.days, "note": " · ".join(notes)}
        both = pgettext("csv", "visitors of both")
        yield _row(found.period, both, [found.shop, zone.zone], zone.both, people) | about
        yield _share_row(found.period, found.shop, zone.zone, zone.share) | about


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
