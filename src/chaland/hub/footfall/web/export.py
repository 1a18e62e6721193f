"""The page's numbers as CSV: one tidy table, each figure with its interval and its coverage."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

from django.http import HttpResponse

from chaland.hub.association.models import Association
from chaland.hub.footfall.figures.heatmap import CellState, HeatCell, HeatRow
from chaland.hub.footfall.figures.neighbours import Neighbours
from chaland.hub.footfall.figures.town import Figures
from chaland.hub.footfall.rules import Estimate, Unit
from chaland.hub.footfall.web.question import Question

COLUMNS = (
    "figure", "place", "from", "to", "weekday", "hour", "value", "low_90", "high_90", "unit",
    "coverage_percent", "note",
)  # fmt: skip
NOTES = {
    CellState.FEW: "not enough people to show",
    CellState.MISSING: "no data",
    CellState.AHEAD: "still to come",
}
_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes text that begins so for a formula."""

Row = dict[str, Any]


def safe(text: str) -> str:
    """Return text that no spreadsheet runs as a formula."""
    return "'" + text if text.lstrip(" ").startswith(_RISKY) or text.startswith(_RISKY) else text


def csv_response(
    found: Figures, question: Question, association: Association, beside: Neighbours | None
) -> HttpResponse:
    """Write the figures; a byte-order mark makes spreadsheets read the accents."""
    place = question.shop or question.zone or association.town
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    for row in _rows(found, str(place), beside):
        note = "; ".join(
            filter(None, ["simulated" if association.simulated else "", row.get("note")])
        )
        row["note"] = note
        writer.writerow({key: safe(v) if isinstance(v, str) else v for key, v in row.items()})
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    name = f"chaland-{found.period.first}-{found.period.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _rows(found: Figures, place: str, beside: Neighbours | None) -> Iterator[Row]:
    whole = {
        "place": place,
        "from": found.period.first,
        "to": found.period.last,
        "coverage_percent": round(100 * found.coverage, 1),
    }
    yield {**whole, "figure": "visits", **_estimate(found.visits), "unit": "visits"}
    yield {**whole, "figure": "index", **_estimate(found.index), "unit": "typical = 100"}
    if found.change:
        compared = f"compared with {found.compared.first} to {found.compared.last}"
        numbers = _estimate(found.change.percent)
        yield {**whole, "figure": "change", **numbers, "unit": "%", "note": compared}
    yield {**whole, "figure": "capture rate", **_percent(found.capture), "unit": "%"}
    if found.busiest:
        at = {"weekday": found.busiest.weekday + 1, "hour": found.busiest.hour}
        unit = _unit(found)
        yield {**whole, "figure": "busiest hour", **at, **_estimate(found.busiest.visits), **unit}
    yield from _shop_rows(found)
    for row in found.heat.rows:
        yield from (_hour_row(found, place, row, cell) for cell in row.cells)
    if beside:
        yield {**whole, "figure": "town index", **_estimate(beside.town), "unit": "typical = 100"}
        for day in beside.days:
            dates = {"from": day.day, "to": day.day, "unit": "typical = 100"}
            yield {**dates, "figure": "index", "place": place, **_estimate(day.shop)}
            yield {**dates, "figure": "town index", **_estimate(day.town)}


def _shop_rows(found: Figures) -> Iterator[Row]:
    for row in found.rows:
        people = row.unit is Unit.VISITS
        estimate = row.visits if people else row.index
        yield {
            "figure": "shop visits" if people else "shop index",
            "place": row.shop.name,
            "from": found.period.first,
            "to": found.period.last,
            **_estimate(estimate),
            "unit": "visits" if people else "typical = 100",
            "coverage_percent": round(100 * row.coverage, 1),
            "note": "" if estimate else "no data",
        }


def _hour_row(found: Figures, place: str, row: HeatRow, cell: HeatCell) -> Row:
    notes = [NOTES.get(cell.state, ""), "incomplete" if cell.incomplete else ""]
    return {
        "figure": "hour" if row.day else "mean hour of the weekday",
        "place": place,
        "from": row.day or found.period.first,
        "to": row.day or found.period.last,
        "weekday": row.weekday + 1,
        "hour": cell.hour,
        **_estimate(cell.visits),
        **_unit(found),
        "coverage_percent": "" if cell.covered is None else round(100 * cell.covered, 1),
        "note": "; ".join(filter(None, notes)),
    }


def _unit(found: Figures) -> Row:
    return {"unit": "visits an hour" if found.unit is Unit.VISITS else "mean hour = 100"}


def _estimate(found: Estimate | None) -> Row:
    if found is None:
        return {}
    return {
        "value": round(found.value, 1),
        "low_90": round(found.low, 1),
        "high_90": round(found.high, 1),
    }


def _percent(found: Estimate | None) -> Row:
    return _estimate(found and Estimate(100 * found.value, 100 * found.low, 100 * found.high))
