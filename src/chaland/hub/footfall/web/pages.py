"""The page of figures: the town for its director, one shop for its keeper."""

from dataclasses import fields
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from chaland.hub.association.access import (
    is_director,
    required_role,
    staff_required,
    visible_shops,
)
from chaland.hub.association.models import Shop, StaffRole
from chaland.hub.common import clock
from chaland.hub.footfall import rules, selectors
from chaland.hub.footfall.figures.live import presence_now
from chaland.hub.footfall.figures.neighbours import Neighbours, neighbours
from chaland.hub.footfall.figures.period import Against, Period, Preset
from chaland.hub.footfall.figures.town import Figures, figures
from chaland.hub.footfall.rules import Unit
from chaland.hub.footfall.web import words
from chaland.hub.footfall.web.export import csv_response
from chaland.hub.footfall.web.question import Question
from chaland.hub.footfall.web.standing import Warnings
from chaland.wire.periods import local_day


class Asked:
    """Who asks for what, and when: what all three forms of the page start from."""

    def __init__(self, request: HttpRequest) -> None:
        self.role: StaffRole = required_role(request)
        self.director = is_director(self.role)
        self.timezone = ZoneInfo(self.role.association.timezone)
        self.now = clock.now()
        self.today = local_day(self.now, self.timezone)
        self.visible: list[Shop] = visible_shops(self.role)
        self.question = Question.read(request.GET.dict(), self.visible, self.today)
        self.shops = self.question.shops(self.visible)

    @property
    def place(self) -> str:
        """The name of what is shown: a shopkeeper sees the own shop, whatever the address says."""
        if not self.director and len(self.shops) == 1:
            return self.shops[0].name
        return str(self.question.shop or self.question.zone or self.role.association.town)

    def figures(self) -> Figures:
        question = self.question
        return figures(self.shops, question.period, question.against, self.timezone, self.now)

    def neighbours(self) -> Neighbours | None:
        """The town's index beside one shop: all that a shopkeeper learns of the others."""
        if len(self.shops) != 1 or (self.director and self.question.shop is None):
            return None
        town_ids = list(self.role.association.shops.values_list("pk", flat=True))
        return neighbours(self.shops[0].pk, town_ids, self.question.period)


@staff_required
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the figures that the address asks for."""
    asked = Asked(request)
    found = asked.figures()
    beside = asked.neighbours()
    context = {
        "asked": asked,
        "question": asked.question,
        "figures": found,
        "beside": beside,
        "live": presence_now(asked.shops, asked.timezone, asked.now),
        "live_url": _url("figures_now", asked.question),
        "csv_url": _url("figures_csv", asked.question),
        "presets": [(preset, _preset_label(preset)) for preset in Preset],
        "compare_links": _compare_links(asked.question),
        "zones": _zone_links(asked),
        "earlier": _url("figures", asked.question.steps(asked.today)[0]),
        "later": _later_url(asked),
        "chart": _curve_chart(found),
        "curve_points": sum(point.visits is not None for point in found.curve),
        "beside_chart": _beside_chart(beside) if beside else None,
        "rows": _rows(found, asked.question),
        "newest": _newest(asked, found),
        "people": found.unit is Unit.VISITS,
        "begun": asked.question.period.first == asked.today,
        "threshold": round(rules.VISITS_SHOWN_MIN),
        "error_max": rules.ERROR_SHOWN_MAX,
        "warnings": Warnings(asked.role.association) if asked.director else None,
    }
    return render(request, "footfall/figures.html", context)


@staff_required
@require_GET
def now(request: HttpRequest) -> HttpResponse:
    """Show presence now alone; the page asks for it again and again while it is looked at."""
    asked = Asked(request)
    live = presence_now(asked.shops, asked.timezone, asked.now)
    context = {"asked": asked, "live": live, "question": asked.question}
    return render(request, "footfall/partials/now.html", context)


@staff_required
@require_GET
def csv(request: HttpRequest) -> HttpResponse:
    """Send the page's numbers as CSV."""
    asked = Asked(request)
    simulated = asked.role.association.simulated
    return csv_response(asked.figures(), asked.place, asked.neighbours(), simulated=simulated)


def _url(name: str, question: Question) -> str:
    return reverse(name) + (f"?{question.query}" if question.query else "")


def _later_url(asked: Asked) -> str:
    later = asked.question.steps(asked.today)[1]
    return _url("figures", later) if later else ""


def _preset_label(preset: Preset) -> str:
    return {
        Preset.TODAY: _("Today"),
        Preset.YESTERDAY: _("Yesterday"),
        Preset.WEEK: _("Last 7 days"),
        Preset.FOUR_WEEKS: _("Last 28 days"),
        Preset.MONTH: _("This month"),
        Preset.LAST_MONTH: _("Last month"),
        Preset.YEAR: _("Last 52 weeks"),
        Preset.CUSTOM: _("Choose dates…"),
    }[preset]


def _compare_links(question: Question) -> list[dict[str, Any]]:
    labels = {Against.PREVIOUS: _("Previous period"), Against.YEAR: _("Last year")}
    return [
        {
            "label": label,
            "url": _url("figures", question.with_against(against)),
            "current": question.against is against,
        }
        for against, label in labels.items()
    ]


def _zone_links(asked: Asked) -> list[dict[str, Any]]:
    """The zones to filter by, for a director of a town that has several."""
    zones = {shop.zone_id: shop.zone for shop in asked.visible}
    if not asked.director or len(zones) < 2:
        return []
    question = asked.question
    links = [
        {
            "label": _("The whole town"),
            "url": _url("figures", question.with_place()),
            "current": question.zone is None and question.shop is None,
        }
    ]
    for zone in sorted(zones.values(), key=lambda zone: zone.name):
        url = _url("figures", question.with_place(zone=zone))
        links.append({"label": zone.name, "url": url, "current": question.zone == zone})
    return links


def _rows(found: Figures, question: Question) -> list[dict[str, Any]]:
    """The shops with their links and bars; the busiest first, then the indices, then the silent."""
    largest = max((row.share.value for row in found.rows if row.share), default=1.0)
    rows = sorted(
        found.rows,
        key=lambda row: (
            -(row.visits.value if row.visits else 0),
            row.index is None,
            row.shop.name,
        ),
    )
    return [
        {
            **{field.name: getattr(row, field.name) for field in fields(row)},
            "url": _url("figures", question.with_place(shop=row.shop)),
            "bar": f"{100 * row.share.value / largest:.1f}" if row.share else "0",
        }
        for row in rows
    ]


def _newest(asked: Asked, found: Figures) -> dict[str, Any] | None:
    """Where a period is empty, point to the newest week that isn't."""
    if found.shops_reporting:
        return None
    day = selectors.latest_day([shop.pk for shop in asked.shops])
    if day is None:
        return None
    week = Period(day - timedelta(days=6), day)
    return {"day": day, "url": _url("figures", asked.question.with_period(week))}


def _curve_chart(found: Figures) -> dict[str, Any]:
    points = found.curve
    now_line: dict[str, Any] = {
        "name": _("This period"),
        "values": [p.visits and round(p.visits.value, 1) for p in points],
        "low": [p.visits and round(p.visits.low, 1) for p in points],
        "high": [p.visits and round(p.visits.high, 1) for p in points],
        "tone": "accent",
    }
    series = [now_line]
    if found.typical_days:
        typical = [p.typical and round(p.typical.value, 1) for p in points]
        series.append({"name": _("Typical day"), "values": typical, "tone": "quiet"})
    return {
        "kind": "line",
        "categories": [words.hour_label(p.hour) for p in points],
        "unit": _("visits an hour") if found.unit is Unit.VISITS else "",
        "series": series,
    }


def _beside_chart(beside: Neighbours) -> dict[str, Any]:
    def values(side: str) -> list[float | None]:
        found = [getattr(day, side) for day in beside.days]
        return [estimate and round(estimate.value) for estimate in found]

    return {
        "kind": "line",
        "categories": [short_date(day.day) for day in beside.days],
        "unit": "",
        "series": [
            {"name": _("The shop"), "values": values("shop"), "tone": "accent"},
            {"name": _("The town"), "values": values("town"), "tone": "quiet"},
        ],
    }


def short_date(day: date) -> str:
    """Write a date as short as a chart's axis needs it."""
    form = _("j M")  # day and short month, as in 14 Nov
    return f"{words.weekday_short(day.weekday())} {formats.date_format(day, form)}"
