"""The page of loyalty figures: the coalition for its director, one shop for its keeper."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from chaland.hub.association.access import staff_required
from chaland.hub.loyalty.figures import rules
from chaland.hub.loyalty.figures.lifetime import HOLD_OUT_ERROR_MAX
from chaland.hub.loyalty.figures.measures import THIRDS, Attach
from chaland.hub.loyalty.web.figures import words
from chaland.hub.loyalty.web.figures.board import Board, Cohort, board
from chaland.hub.loyalty.web.figures.export import board_csv
from chaland.hub.loyalty.web.figures.question import Asked

SHARED_ROWS = 12
_HEAT_STEPS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7)


@staff_required
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show a month's figures."""
    asked = Asked(request)
    context: dict[str, Any] = {
        "asked": asked, "threshold": rules.MEMBERS_MIN, "sample_min": rules.SAMPLE_MIN,
    }  # fmt: skip
    if asked.month is not None:
        context |= _context(board(asked, asked.month))
    return render(request, "loyalty/figures.html", context)


@staff_required
@require_GET
def csv(request: HttpRequest) -> HttpResponse:
    """Send the page's numbers as CSV."""
    asked = Asked(request)
    found = board(asked, asked.month) if asked.month else None
    return board_csv(found, asked)


def _context(found: Board) -> dict[str, Any]:
    return {
        "board": found,
        "picker": found.asked.picker(),
        "month_name": words.month_name(found.month),
        "running": found.month == found.asked.this_month,
        "csv_url": found.asked.url("loyalty_csv"),
        "town_url": found.asked.url(shop=""),
        "finding": _finding(found),
        "figures": _key_figures(found),
        "trend": _trend_rows(found),
        "trend_chart": _trend_chart(found),
        "hours": [{"hour": words.hour_span(hour), **_told(attach)} for hour, attach in found.hours],
        "hours_chart": _hours_chart(found),
        "hours_told": any(
            attach and attach.receipts >= rules.SAMPLE_MIN for _hour, attach in found.hours
        ),
        "shops": [_shop_row(found, *row) for row in found.shops],
        "labels": _label_tables(found),
        "cohorts": [_cohort_row(cohort) for cohort in found.cohorts],
        "cohort_columns": range(1, max((len(c.back) for c in found.cohorts), default=0) + 1),
        "rfm": _rfm(found),
        "shared": _shared_rows(found),
        "shared_until": found.shared_until and words.month_name(found.shared_until),
        "hold_out_max": words.percent(HOLD_OUT_ERROR_MAX),
    }


def _told(attach: Attach | None) -> dict[str, Any]:
    """Return a rate and its sample in words; nothing where it is hidden."""
    if attach is None:
        return {}
    enough = attach.receipts >= rules.SAMPLE_MIN
    return {
        "receipts": words.number(attach.receipts),
        "rate": words.told(attach.attached, attach.receipts),
        "rate_24h": words.told(attach.attached_24h, attach.receipts),
        "revenue_rate": words.percent(attach.revenue_rate) if enough else "",
    }


def _finding(found: Board) -> dict[str, Any] | None:
    attach = found.attach
    if attach is None or not attach.receipts:
        return None
    town = found.town_trend.get(found.month) if found.asked.shop else None
    return {
        "told": words.told(attach.attached, attach.receipts),
        "receipts": words.hundred(attach.rate),
        "revenue": words.hundred(attach.revenue_rate),
        "town": words.hundred(town.rate) if town else "",
        "town_sample": words.number(town.receipts) if town else "",
    }


def _key_figures(found: Board) -> dict[str, Any]:
    """Return the cards; what rests on a year is of the newest closed month."""
    newest = found.newest
    return {
        "attach": _told(found.attach),
        "revenue": words.euros(found.attach.cents) if found.attach else "",
        "change": _change(found),
        "members": "" if found.members is None else words.number(found.members),
        "newcomers": "" if found.newcomers is None else words.number(found.newcomers),
        "active": _people(newest, "active"),
        "repeat": _repeat(newest),
        "town_repeat": _repeat(found.town) if found.asked.shop else None,
        "year_until": words.month_name(found.newest_month) if found.newest_month else "",
        "outlook": _outlook(found),
    }


def _change(found: Board) -> str:
    """Compare with the month before; empty where one of both is too small for it."""
    before = found.trend.get(found.months[-2]) if len(found.months) > 1 else None
    if found.attach is None or before is None:
        return ""
    now = rules.share(found.attach.attached, found.attach.receipts)
    then = rules.share(before.attached, before.receipts)
    if now is None or then is None:
        return ""
    points = round(100 * (now.value - then.value))
    if not points or not now.clearly_apart(then):
        return _("no clear change against the month before")
    text = ngettext(
        "%(sign)s%(n)d point against the month before",
        "%(sign)s%(n)d points against the month before",
        abs(points),
    )
    return text % {"sign": "+" if points > 0 else "−", "n": abs(points)}


def _people(content: Any, name: str) -> str:
    value = content and content.get(name)
    return "" if value is None else words.number(value)


def _repeat(content: Any) -> words.Told | None:
    if not content or content.get("repeating") is None or not content.get("active"):
        return None
    return words.told(content["repeating"], content["active"])


def _outlook(found: Board) -> dict[str, str] | None:
    outlook = found.newest and found.newest["outlook"]
    if not outlook:
        return None
    return {
        "low": words.rough_euros(outlook["low_cents"]),
        "high": words.rough_euros(outlook["high_cents"]),
        "each_low": words.rough_euros(outlook["low_cents"] / max(outlook["members"], 1)),
        "each_high": words.rough_euros(outlook["high_cents"] / max(outlook["members"], 1)),
        "members": words.number(outlook["members"]),
        "error": words.percent(outlook["error"]),
    }


def _trend_rows(found: Board) -> list[dict[str, Any]]:
    months = [(m, found.trend.get(m), found.town_trend.get(m)) for m in found.months]
    return [
        {"month": words.month_name(month), "town": _told(town), **_told(attach)}
        for month, attach, town in months
        if attach or town
    ]


def _trend_chart(found: Board) -> dict[str, Any]:
    months = [month for month in found.months if month in found.trend or month in found.town_trend]
    attaches = [found.trend.get(month) for month in months]
    own = {"name": found.asked.place, "tone": "accent", **_drawn(attaches)}
    other: dict[str, Any] = {"tone": "quiet"}
    if found.asked.shop:
        town = _drawn([found.town_trend.get(month) for month in months])
        other |= {"name": _("The town"), "values": town["values"]}
    else:
        own["name"] = _("of receipts")
        revenue = [_hundredth(attach.revenue_rate if attach else None) for attach in attaches]
        other |= {"name": _("of revenue"), "values": revenue}
    categories = [words.short_month(month) for month in months]
    return {"kind": "line", "categories": categories, "unit": "%", "series": [own, other]}


def _drawn(attaches: Sequence[Attach | None]) -> dict[str, list[float | None]]:
    """Return rates with their intervals, in per cent; a gap where one isn't told."""
    shares = [rules.share(a.attached, a.receipts) if a else None for a in attaches]
    return {
        "values": [_hundredth(share.value if share else None) for share in shares],
        "low": [_hundredth(share.low if share else None) for share in shares],
        "high": [_hundredth(share.high if share else None) for share in shares],
    }


def _hundredth(rate: float | None) -> float | None:
    return None if rate is None else round(100 * rate, 1)


def _hours_chart(found: Board) -> dict[str, Any]:
    attaches = [attach for _hour, attach in found.hours]
    series = {"name": _("attached receipts"), "tone": "accent", **_drawn(attaches)}
    return {
        "kind": "bar",
        "categories": [f"{hour}:00" for hour, _attach in found.hours],
        "samples": [attach.receipts if attach else None for attach in attaches],
        "unit": "%",
        "series": [series],
    }


def _shop_row(found: Board, shop: Any, content: Any) -> dict[str, Any]:
    row = {"name": shop.name, "url": found.asked.url(shop=shop.slug)}
    if content is None:
        return row
    attach = Attach(**content["attach"])
    return row | _told(attach) | {"members": words.number(content["members"])}


def _surest(part: tuple[str, Attach]) -> tuple[float, str]:
    """Order by rate, the highest first; those of too few receipts to tell it last, by name."""
    label, attach = part
    share = rules.share(attach.attached, attach.receipts)
    return (-share.value if share else 1, label)


def _label_tables(found: Board) -> list[dict[str, Any]]:
    """Return a shop's own tills and sellers."""
    if found.own is None:
        return []
    tables = (
        (_("By till"), _("Till"), found.own.tills),
        (_("By seller"), _("Seller"), found.own.sellers),
    )
    return [
        {
            "title": title,
            "column": column,
            "rows": [
                {"name": label or _("not told"), **_told(attach)}
                for label, attach in sorted(parts.items(), key=_surest)
            ],
        }
        for title, column, parts in tables
        if parts
    ]


def _cohort_row(cohort: Cohort) -> dict[str, Any]:
    return {
        "month": words.month_name(cohort.month),
        "size": words.number(cohort.size),
        "cells": [
            None
            if members is None
            else {"text": words.percent(members / cohort.size), "level": _level(members, cohort)}
            for members in cohort.back
        ],
    }


def _level(members: int, cohort: Cohort) -> int:
    return sum(members / cohort.size >= step for step in _HEAT_STEPS)


def _days_between(low: int, high: int) -> str:
    """Name the middle third by its days of purchase; where most bought once, it is empty."""
    if low > high:
        return "–"
    if low == high:
        return _("on %(n)d days") % {"n": low}
    return _("on %(low)d to %(high)d days") % {"low": low, "high": high}


def _rfm(found: Board) -> dict[str, Any] | None:
    """Return thirds of recency by thirds of frequency, in plain words."""
    rfm = found.newest and found.newest["rfm"]
    if not rfm:
        return None
    soon, long = rfm["ago_ends"]
    few, many = rfm["often_ends"]
    rows = (
        ngettext("in the last %(n)d day", "in the last %(n)d days", soon + 1) % {"n": soon + 1},
        _("%(low)d to %(high)d days ago") % {"low": soon + 1, "high": long},
        _("longer ago"),
    )
    columns = (
        ngettext("on %(n)d day", "on 1 to %(n)d days", few) % {"n": few},
        _days_between(few + 1, many),
        _("more often"),
    )
    most = max((cell["spent"] for cell in rfm["cells"] if cell), default=0) or 1
    cells = [
        cell
        and {
            "members": words.number(cell["members"]),
            "spent": words.euros(cell["spent"]),
            "level": min(6, round(6 * cell["spent"] / most)),
        }
        for cell in rfm["cells"]
    ]
    grid = [(row, cells[i * THIRDS : (i + 1) * THIRDS]) for i, row in enumerate(rows)]
    return {"columns": columns, "rows": grid}


def _shared_rows(found: Board) -> list[dict[str, Any]]:
    return [
        {
            "shop": shop.name,
            "other": other.name,
            "told": words.told(both, all_of_them),
            "both": words.number(both),
        }
        for shop, other, both, all_of_them in found.shared[:SHARED_ROWS]
    ]
