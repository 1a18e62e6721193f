"""The privacy account, for everybody: what each shop's sensors spent, and what of it is left.

How much was released is no secret, nor is which shops measure: the charter and the notices say so.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from chaland.hub.association.models import Shop
from chaland.hub.footfall.figures import account
from chaland.hub.footfall.services.budget import per_release
from chaland.hub.footfall.web import public
from chaland.hub.footfall.web.export import csv_file
from chaland.wire.fields import YEARS


class Asked:
    """Which month of which town's account, and which shop's, if any."""

    def __init__(self, request: HttpRequest, town: int | None) -> None:
        self.town = public.the_town(town)
        self.shops = list(self.town.association.shops.order_by("name"))
        self.span = account.span(self.shops)
        newest = self.span[1] if self.span else self.town.today
        self.first, self.last = account.month_of(self._month(request, newest))
        self.shop = self._shop(request.GET.get("shop", ""))

    def _month(self, request: HttpRequest, default: date) -> date:
        try:
            month = date.fromisoformat(f"{request.GET.get('month', '')}-01")
        except ValueError:
            return default
        return month if month.year in YEARS else default

    def _shop(self, slug: str) -> Shop | None:
        found = next((shop for shop in self.shops if shop.slug == slug), None)
        if slug and found is None:
            raise Http404
        return found

    @property
    def earlier(self) -> str:
        """The month before as in an address, "" where there is nothing in it."""
        there = self.span and self.span[0] < self.first
        return f"{self.first - timedelta(days=1):%Y-%m}" if there else ""

    @property
    def later(self) -> str:
        """The month after as in an address, "" where there is nothing in it."""
        there = self.span and self.span[1] > self.last
        return f"{self.last + timedelta(days=1):%Y-%m}" if there else ""


@require_safe
def page(request: HttpRequest, town: int | None = None) -> HttpResponse:
    """Show a month: all shops, or the days of one."""
    asked = Asked(request, town)
    if asked.shop:
        lines = account.by_day(asked.shop, asked.first, asked.last)
    else:
        lines = account.by_shop(asked.shops, asked.first, asked.last)
    titles = [_titles()[row] for row in account.SHOWN]
    limits = per_release()
    context = {
        "asked": asked,
        "town": asked.town,
        "association": asked.town.association,
        "lines": [(line, list(zip(titles, line.rows, strict=True))) for line in lines],
        "rows": list(zip(account.SHOWN, titles, strict=True)),
        "meanings": [
            {"row": row, "text": text, "epsilon": float(limits[row])}
            for row, text in _meanings().items()
        ],
    }
    return render(request, "footfall/budget.html", context)


@require_safe
def csv(request: HttpRequest, town: int | None = None) -> HttpResponse:
    """Send the entries of a month: all shops', or those of one."""
    asked = Asked(request, town)
    name = f"chaland-account-{asked.first:%Y-%m}.csv"
    simulated = asked.town.association.simulated
    return csv_file(name, _headings(), _entries(asked), simulated=simulated)


def _entries(asked: Asked) -> Iterator[dict[str, Any]]:
    shops = [asked.shop] if asked.shop else asked.shops
    for shop, entry in account.entries(shops, asked.first, asked.last):
        yield {
            "shop": shop.name,
            "day": entry.day,
            "row": entry.row,
            "releases": entry.releases,
            "epsilon": _exact(entry.epsilon),
            "limit": _exact(entry.limit),
            "remaining": _exact(entry.limit - entry.epsilon),
        }


def _exact(value: Decimal) -> str:
    """Write all digits, as the page's language does: an account is not rounded."""
    text = f"{value.normalize():f}"
    return text.replace(".", ",") if (get_language() or "").startswith("fr") else text


def _titles() -> dict[str, str]:
    return {
        "E1": _("Presence"),
        "E2": _("Arrivals and passers-by"),
        "E4": _("Lengths of visits"),
        "E5": _("Co-visits"),
    }


def _meanings() -> dict[str, str]:
    """Say what one release of each row is."""
    return {
        "E1": _("each quarter of an hour: fingerprints and scans together"),
        "E2": _("each quarter of an hour: both counts share it, a visit is in one of them"),
        "E4": _("once a day"),
        "E5": _("once a day, however often a phone comes"),
    }


def _headings() -> dict[str, str]:
    return {
        "shop": pgettext("csv", "shop"),
        "day": pgettext("csv", "day"),
        "row": pgettext("csv", "row"),
        "releases": pgettext("csv", "releases"),
        "epsilon": pgettext("csv", "epsilon spent"),
        "limit": pgettext("csv", "limit"),
        "remaining": pgettext("csv", "remaining"),
        "note": pgettext("csv", "note"),
    }
