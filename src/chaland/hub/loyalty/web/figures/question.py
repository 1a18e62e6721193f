"""Who asks for which month of whom: what page, file and signals start from."""

from datetime import date
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from chaland.hub.association.access import is_director, required_role
from chaland.hub.association.models import Shop, StaffRole
from chaland.hub.common import clock
from chaland.hub.loyalty.figures import selectors
from chaland.hub.loyalty.figures.measures import month_number, month_of
from chaland.hub.loyalty.web.figures import words

MONTHS_BACK = 24


class Asked:
    """The role, the month and the shop that an address asks for.

    A director reads released months of the town and of its shops; a shopkeeper the own shop's,
    live, the running month too. An unknown month or shop is not found.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.role: StaffRole = required_role(request)
        self.director = is_director(self.role)
        self.association_id: int = self.role.association_id
        self.timezone = ZoneInfo(self.role.association.timezone)
        self.now = clock.now()
        self.this_month = self.now.astimezone(self.timezone).date().replace(day=1)
        self.shops: dict[int, Shop] = {shop.pk: shop for shop in self.role.association.shops.all()}
        self.shop = self._shop(request)
        self.released = selectors.released_months(self.association_id)
        self.months = self.released if self.director else self._own_months()
        self.usual = self._usual()
        self.month = self._month(request.GET.get("month", ""))

    def _shop(self, request: HttpRequest) -> Shop | None:
        if not self.director:
            if self.role.shop is None:
                raise PermissionDenied
            return self.role.shop
        slug = request.GET.get("shop", "")
        if not slug:
            return None
        found = next((shop for shop in self.shops.values() if shop.slug == slug), None)
        if found is None:
            raise Http404(_("There is no such shop, or it is not yours to see."))
        return found

    def _own_months(self) -> list[date]:
        last = month_number(self.this_month)
        return [month_of(last - back) for back in range(MONTHS_BACK)]

    def _usual(self) -> date | None:
        """Return the month that is shown where none is asked for: the newest that has something."""
        if self.shop and not self.director:
            newest = selectors.newest_month(self.shop.pk, self.timezone)
            if newest in self.months:
                return newest
        return self.months[0] if self.months else None

    def _month(self, text: str) -> date | None:
        if not text:
            return self.usual
        try:
            month = date.fromisoformat(f"{text}-01")
        except ValueError:
            raise Http404(_("There is no such month.")) from None
        if month not in self.months:
            raise Http404(_("There are no figures of that month."))
        return month

    @property
    def place(self) -> str:
        """What the figures are about."""
        return self.shop.name if self.shop else self.role.association.town

    def url(self, name: str = "loyalty", **changes: str) -> str:
        """Return the address of these figures, with some parts changed ("" leaves one out)."""
        parts = {
            "month": f"{self.month:%Y-%m}" if self.month and self.month != self.usual else "",
            "shop": self.shop.slug if self.shop and self.director else "",
            **changes,
        }
        query = urlencode({key: value for key, value in parts.items() if value})
        return reverse(name) + (f"?{query}" if query else "")

    def picker(self) -> dict[str, Any]:
        """Return what the form of months shows."""
        if self.month is None:
            return {}
        at = self.months.index(self.month)
        earlier = self.months[at + 1] if at + 1 < len(self.months) else None
        later = self.months[at - 1] if at else None
        return {
            "months": [(f"{month:%Y-%m}", words.month_name(month)) for month in self.months],
            "current": f"{self.month:%Y-%m}",
            "earlier": self.url(month=f"{earlier:%Y-%m}") if earlier else "",
            "later": self.url(month=f"{later:%Y-%m}") if later else "",
            "shop": self.shop.slug if self.shop and self.director else "",
        }
