"""The page's numbers as CSV: a row a number. Opens with a double click: French spreadsheets want
``;`` and a decimal comma, English ones ``,`` and a point."""

import csv
from collections.abc import Iterator
from datetime import date
from io import StringIO
from typing import Any

from django.http import HttpResponse
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from chaland.hub.loyalty.figures.measures import Attach
from chaland.hub.loyalty.web.figures.board import Board
from chaland.hub.loyalty.web.figures.question import Asked

_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes text that begins so for a formula."""

Row = tuple[str, str, date | None, object, object, str]
"""Figure, place, month, what it is broken down by, value, unit."""


def board_csv(found: Board | None, asked: Asked) -> HttpResponse:
    """Write a month's figures; none where nothing is released yet."""
    french = (get_language() or "").startswith("fr")
    text = StringIO()
    writer = csv.writer(text, delimiter=";" if french else ",")
    writer.writerow(
        [
            pgettext("csv", "figure"),
            pgettext("csv", "place"),
            pgettext("csv", "month"),
            pgettext("csv", "by"),
            pgettext("csv", "value"),
            pgettext("csv", "unit"),
            pgettext("csv", "note"),
        ]
    )
    simulated = _("simulated") if asked.role.association.simulated else ""
    for row in _rows(found) if found else ():
        hidden = _("too few members to show") if row[4] is None else ""
        note = " · ".join(filter(None, (simulated, hidden)))
        writer.writerow([_written(value, french=french) for value in (*row, note)])
    name = f"chaland-loyalty-{found.month:%Y-%m}.csv" if found else "chaland-loyalty.csv"
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _written(value: object, *, french: bool) -> object:
    if isinstance(value, str):
        return "'" + value if value.lstrip(" ").startswith(_RISKY) else value
    if isinstance(value, float):
        text = f"{value:.1f}".removesuffix(".0")
        return text.replace(".", ",") if french else text
    return value.strftime("%Y-%m") if isinstance(value, date) else value


def _rows(found: Board) -> Iterator[Row]:
    place = found.asked.place
    members, active = pgettext("csv", "members"), pgettext("csv", "active members, 12 months")
    yield from _attach_rows(place, found.month, "", found.attach)
    yield pgettext("csv", "members who bought"), place, found.month, "", found.members, members
    yield pgettext("csv", "newcomers"), place, found.month, "", found.newcomers, members
    for name, column in ((active, "active"), (pgettext("csv", "of them, came again"), "repeating")):
        value = found.newest and found.newest[column]
        yield name, place, found.newest_month, "", value, members
    for month, attach in found.trend.items():
        if month != found.month:
            yield from _attach_rows(place, month, "", attach)
    town = pgettext("csv", "The town")
    for month, attach in found.town_trend.items() if found.asked.shop else ():
        yield from _attach_rows(town, month, "", attach)
    for hour, hourly in found.hours:
        yield from _attach_rows(place, found.month, f"{hour:02}:00", hourly)
    for shop, content in found.shops:
        told = Attach(**content["attach"]) if content else None
        yield from _attach_rows(shop.name, found.month, "", told)
    if found.own:
        for parts in (found.own.tills, found.own.sellers):
            for label, attach in parts.items():
                yield from _attach_rows(place, found.month, label or _("not told"), attach)
    yield from _people_rows(found, place)


def _attach_rows(place: str, month: date, by: str, attach: Attach | None) -> Iterator[Row]:
    rates: tuple[tuple[str, Any], ...] = (
        (pgettext("csv", "attach rate, receipts"), attach and attach.rate),
        (pgettext("csv", "attach rate, revenue"), attach and attach.revenue_rate),
    )
    receipts = attach.receipts if attach else None
    yield pgettext("csv", "receipts"), place, month, by, receipts, pgettext("csv", "receipts")
    for name, rate in rates:
        yield name, place, month, by, None if rate is None else round(100.0 * rate, 1), "%"


def _people_rows(found: Board, place: str) -> Iterator[Row]:
    unit = pgettext("csv", "members")
    for cohort in found.cohorts:
        name = pgettext("csv", "cohort: members who bought")
        yield name, place, cohort.month, f"{cohort.month:%Y-%m}", cohort.size, unit
        for since, members in enumerate(cohort.back, 1):
            yield name, place, cohort.month, f"+{since}", members, unit
    rfm = found.newest and found.newest["rfm"]
    for index, cell in enumerate(rfm["cells"] if rfm else ()):
        by = f"R{index // 3 + 1} F{index % 3 + 1}"
        yield pgettext("csv", "RFM"), place, found.newest_month, by, cell and cell["members"], unit
    outlook = found.newest and found.newest["outlook"]
    if outlook:
        name = pgettext("csv", "revenue expected within a year")
        for by in ("low", "high"):
            cents = outlook[f"{by}_cents"]
            yield name, place, found.newest_month, by, round(cents / 100), "EUR"
    for shop, other, both, _all in found.shared:
        name = pgettext("csv", "members of both, in the quarter")
        yield name, shop.name, found.shared_until, other.name, both, unit
