"""The page of presence and stays: how many are in the town hour by hour, and for how long."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from chaland.hub.association.access import staff_required
from chaland.hub.footfall.figures.stays import PlaceStays, Stays, stays
from chaland.hub.footfall.rules import Estimate
from chaland.hub.footfall.web import words
from chaland.hub.footfall.web.export import Row, csv_file, estimate_cells
from chaland.hub.footfall.web.flow_question import Asked


@staff_required
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show presence by hour and mean stays of the town and its zones, or of the own shop."""
    asked = Asked(request, "stays")
    found = _stays(asked)
    return render(
        request,
        "footfall/stays.html",
        asked.context()
        | {
            "kept_for_place": asked.question.kept("place"),
            "stays": found,
            "rows": [found.all, *found.zones] if found.zones else [found.all],
            "charted": _charted(asked, found),
            "chart": _chart(_charted(asked, found)),
        },
    )


@staff_required
@require_GET
def csv(request: HttpRequest) -> HttpResponse:
    """Send the page's numbers as CSV."""
    asked = Asked(request, "stays")
    found = _stays(asked)
    name = f"chaland-stays-{found.period.first}-{found.period.last}.csv"
    rows = (row for place in (found.all, *found.zones) for row in _rows(found, place))
    return csv_file(name, _headings(), rows, simulated=asked.role.association.simulated)


def _stays(asked: Asked) -> Stays:
    if asked.director:
        return stays(asked.town, asked.question.period, asked.role.association.town)
    return stays([asked.own_shop], asked.question.period, asked.own_shop.name)


def _charted(asked: Asked, found: Stays) -> PlaceStays:
    """Return the place whose hours are drawn: the zone asked for, or the whole."""
    place = asked.question.place
    return next((zone for zone in found.zones if place and zone.slug == place.slug), found.all)


def _chart(place: PlaceStays) -> dict[str, Any] | None:
    shown = [hour.present for hour in place.hours]
    if sum(present is not None for present in shown) < 3:
        return None
    return {
        "kind": "line",
        "categories": [words.hour_label(hour.hour) for hour in place.hours],
        "unit": _("people present"),
        "series": [
            {
                "name": place.name,
                "values": [present and round(present.value, 1) for present in shown],
                "low": [present and round(present.low, 1) for present in shown],
                "high": [present and round(present.high, 1) for present in shown],
                "tone": "accent",
            }
        ],
    }


def _headings() -> dict[str, str]:
    return {
        "figure": pgettext("csv", "figure"),
        "place": pgettext("csv", "place"),
        "from": pgettext("csv", "from"),
        "to": pgettext("csv", "to"),
        "hour": pgettext("csv", "hour"),
        "value": pgettext("csv", "value"),
        "low_90": pgettext("csv", "low_90"),
        "high_90": pgettext("csv", "high_90"),
        "unit": pgettext("csv", "unit"),
        "shops": pgettext("csv", "shops"),
        "note": pgettext("csv", "note"),
    }


def _rows(found: Stays, place: PlaceStays) -> Iterator[Row]:
    about = {"place": place.name, "from": found.period.first, "to": found.period.last}
    minutes = pgettext("csv", "minutes")
    for figure, stay, shops in (
        (pgettext("csv", "mean stay"), place.stay_s, place.timed),
        (pgettext("csv", "mean stay of followable phones"), place.followed_s, place.shops),
    ):
        yield {
            **about,
            "figure": figure,
            **estimate_cells(_in_minutes(stay)),
            "unit": minutes,
            "shops": shops,
            "note": "" if stay else _("not known"),
        }
    for hour in place.hours:
        yield {
            **about,
            "figure": pgettext("csv", "people present"),
            "hour": hour.hour,
            **estimate_cells(hour.present),
            "unit": pgettext("csv", "people"),
            "shops": place.counted,
            "note": "" if hour.present else _("not enough people to show"),
        }


def _in_minutes(stay: Estimate | None) -> Estimate | None:
    return stay and Estimate(stay.value / 60, stay.low / 60, stay.high / 60)
