"""The page's numbers as CSV: one tidy table, each figure with its interval and its coverage.

It opens with a double click where the page's language is at home: French spreadsheets want ``;``
between the columns and a decimal comma, English ones ``,`` and a point. Figures are rounded as on
the page, so that both say the same number.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from io import StringIO
from typing import Any

from django.http import HttpResponse
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from chaland.hub.footfall.figures.heatmap import CellState, HeatCell, HeatRow
from chaland.hub.footfall.figures.neighbours import Neighbours
from chaland.hub.footfall.figures.town import Figures
from chaland.hub.footfall.rules import Estimate, Unit
from chaland.hub.footfall.web import words

COLUMNS = (
    "figure", "place", "from", "to", "weekday", "hour", "value", "low_90", "high_90", "unit",
    "coverage_percent", "compared_percent", "note",
)  # fmt: skip
_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes text that begins so for a formula."""

Row = dict[str, Any]


def headings() -> dict[str, str]:
    """The columns' names in the page's language; in English they are the columns' own."""
    return {
        "figure": pgettext("csv", "figure"),
        "place": pgettext("csv", "place"),
        "from": pgettext("csv", "from"),
        "to": pgettext("csv", "to"),
        "weekday": pgettext("csv", "weekday"),
        "hour": pgettext("csv", "hour"),
        "value": pgettext("csv", "value"),
        "low_90": pgettext("csv", "low_90"),
        "high_90": pgettext("csv", "high_90"),
        "unit": pgettext("csv", "unit"),
        "coverage_percent": pgettext("csv", "coverage_percent"),
        "compared_percent": pgettext("csv", "compared_percent"),
        "note": pgettext("csv", "note"),
    }


def safe(text: str) -> str:
    """Return text that no spreadsheet runs as a formula."""
    return "'" + text if text.lstrip(" ").startswith(_RISKY) or text.startswith(_RISKY) else text


def csv_response(
    found: Figures, place: str, beside: Neighbours | None, *, simulated: bool
) -> HttpResponse:
    """Write the figures of a place."""
    name = f"chaland-{found.period.first}-{found.period.last}.csv"
    return csv_file(name, headings(), _rows(found, place, beside), simulated=simulated)


def csv_file(
    name: str, titles: Mapping[str, str], rows: Iterable[Row], *, simulated: bool
) -> HttpResponse:
    """Write rows under ``titles`` (by column; ``note`` is one); a byte-order mark makes
    spreadsheets read the accents."""
    french = (get_language() or "").startswith("fr")
    text = StringIO()
    writer = csv.DictWriter(text, list(titles), restval="", delimiter=";" if french else ",")
    writer.writerow(dict(titles))
    for row in rows:
        notes = [_("simulated") if simulated else "", row.get("note")]
        row["note"] = " · ".join(filter(None, notes))
        writer.writerow({key: _written(value, french=french) for key, value in row.items()})
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _written(value: object, *, french: bool) -> object:
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, float):
        text = f"{value:.1f}".removesuffix(".0")
        return text.replace(".", ",") if french else text
    return value.isoformat() if isinstance(value, date) else value


def _rows(found: Figures, place: str, beside: Neighbours | None) -> Iterator[Row]:
    typical = pgettext("csv", "typical = 100")
    whole = {
        "place": place,
        "from": found.period.first,
        "to": found.period.last,
        "coverage_percent": _share(found.coverage),
    }
    visits = {**estimate_cells(found.visits), "unit": pgettext("csv", "visits")}
    yield {**whole, "figure": pgettext("csv", "visits"), **visits}
    index = {**estimate_cells(found.index), "unit": typical}
    yield {**whole, "figure": pgettext("csv", "index"), **index}
    yield {**whole, "figure": pgettext("csv", "change"), **_change(found), "unit": "%"}
    capture = {**percent_cells(found.capture), "unit": "%"}
    yield {**whole, "figure": pgettext("csv", "capture rate"), **capture}
    if found.busiest:
        at = {"weekday": found.busiest.weekday + 1, "hour": found.busiest.hour}
        busiest = {**at, **estimate_cells(found.busiest.visits), **_unit(found)}
        yield {**whole, "figure": pgettext("csv", "busiest hour"), **busiest}
    yield from _shop_rows(found)
    for row in found.heat.rows:
        yield from (_hour_row(found, place, row, cell) for cell in row.cells)
    if beside:
        town = pgettext("csv", "town index")
        yield {**whole, "figure": town, **estimate_cells(beside.town), "unit": typical}
        for day in beside.days:
            own = {"from": day.day, "to": day.day, "unit": typical}
            index = {"place": place, **estimate_cells(day.shop)}
            yield {**own, "figure": pgettext("csv", "index"), **index}
            yield {**own, "figure": town, **estimate_cells(day.town)}


def _change(found: Figures) -> Row:
    if found.change is None:
        return {"note": _("nothing to compare with")}
    period = {"period": words.period_after(found.compared)}
    return {
        **_ends(*words.percent_shown(found.change.percent)),
        "compared_percent": _share(found.change.compared_share),
        "note": _("compared with %(period)s") % period,
    }


def _shop_rows(found: Figures) -> Iterator[Row]:
    for row in found.rows:
        people = row.unit is Unit.VISITS
        estimate = row.visits if people else row.index
        visits = (pgettext("csv", "shop visits"), pgettext("csv", "visits"))
        index = (pgettext("csv", "shop index"), pgettext("csv", "typical = 100"))
        figure, unit = visits if people else index
        yield {
            "figure": figure,
            "place": row.shop.name,
            "from": found.period.first,
            "to": found.period.last,
            **estimate_cells(estimate),
            "unit": unit,
            "coverage_percent": _share(row.coverage),
            "note": "" if estimate else _("no data"),
        }


def _hour_row(found: Figures, place: str, row: HeatRow, cell: HeatCell) -> Row:
    states = {
        CellState.FEW: _("not enough people to show"),
        CellState.MISSING: _("no data"),
        CellState.CLOSED: _("closed"),
        CellState.AHEAD: _("still to come"),
    }
    notes = [states.get(cell.state, ""), _("incomplete") if cell.incomplete else ""]
    mean = pgettext("csv", "mean hour of the weekday")
    return {
        "figure": pgettext("csv", "hour") if row.day else mean,
        "place": place,
        "from": row.day or found.period.first,
        "to": row.day or found.period.last,
        "weekday": row.weekday + 1,
        "hour": cell.hour,
        **estimate_cells(cell.visits),
        **_unit(found),
        "coverage_percent": _share(cell.covered),
        "note": " · ".join(filter(None, notes)),
    }


def _unit(found: Figures) -> Row:
    people, index = pgettext("csv", "visits an hour"), pgettext("csv", "mean hour = 100")
    return {"unit": people if found.unit is Unit.VISITS else index}


def _share(share: float | None) -> float | str:
    return "" if share is None else round(100 * share, 1)


def _ends(found: Estimate, decimals: int) -> Row:
    return {
        "value": round(found.value, decimals),
        "low_90": round(found.low, decimals),
        "high_90": round(found.high, decimals),
    }


def estimate_cells(found: Estimate | None) -> Row:
    return {} if found is None else _ends(*words.shown(found))


def percent_cells(found: Estimate | None) -> Row:
    if found is None:
        return {}
    hundredfold = Estimate(100 * found.value, 100 * found.low, 100 * found.high)
    return _ends(*words.percent_shown(hundredfold))
