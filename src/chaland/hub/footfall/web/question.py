"""What a page's address asks for. All of the page's state is in it: share it, go back, it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Self, TypeVar
from urllib.parse import urlencode

from django.http import Http404
from django.utils.translation import gettext as _

from chaland.hub.association.models import Shop, Zone
from chaland.hub.footfall.figures.period import (
    DAYS_MAX,
    Against,
    Period,
    Preset,
    preset_period,
)


@dataclass(frozen=True)
class Question:
    """A period, what it is compared with, and the shops it is about."""

    preset: Preset
    period: Period
    against: Against
    zone: Zone | None
    shop: Shop | None
    problems: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, query: Mapping[str, str], visible: Sequence[Shop], today: date) -> Self:
        """Read an address. Odd dates fall back with a sentence; a place out of sight is a 404."""
        problems: list[str] = []
        preset = _member(Preset, query.get("period"), Preset.WEEK)
        period = preset_period(preset, today)
        if preset is Preset.CUSTOM:
            period = _custom(query, today, problems) or period
        zones = {shop.zone.slug: shop.zone for shop in visible}
        shops = {shop.slug: shop for shop in visible}
        return cls(
            preset=preset,
            period=period,
            against=_member(Against, query.get("compare"), Against.PREVIOUS),
            zone=_place(zones, query.get("zone")),
            shop=_place(shops, query.get("shop")),
            problems=problems,
        )

    def shops(self, visible: Sequence[Shop]) -> list[Shop]:
        """Return the shops asked about, out of those that may be seen."""
        if self.shop:
            return [self.shop]
        return [shop for shop in visible if self.zone is None or shop.zone_id == self.zone.pk]

    @property
    def query(self) -> str:
        """The address' query, without what is as usual; empty for the plain page."""
        asked = {
            "period": "" if self.preset is Preset.WEEK else self.preset,
            "from": self.period.first.isoformat() if self.preset is Preset.CUSTOM else "",
            "to": self.period.last.isoformat() if self.preset is Preset.CUSTOM else "",
            "compare": "" if self.against is Against.PREVIOUS else self.against,
            "zone": self.zone.slug if self.zone else "",
            "shop": self.shop.slug if self.shop else "",
        }
        return urlencode({name: value for name, value in asked.items() if value})

    def with_place(self, *, zone: Zone | None = None, shop: Shop | None = None) -> "Question":
        return replace(self, zone=zone, shop=shop)

    def with_against(self, against: Against) -> "Question":
        return replace(self, against=against)

    def with_period(self, period: Period) -> "Question":
        return replace(self, preset=Preset.CUSTOM, period=period)

    def steps(self, today: date) -> tuple["Question", "Question | None"]:
        """Return the question one period earlier, and later unless that lies ahead."""
        length = self.period.days
        later = self.period.shifted(length)
        ahead = later.first > today
        earlier = self.with_period(self.period.shifted(-length))
        clipped = Period(later.first, min(later.last, today))
        return earlier, None if ahead else self.with_period(clipped)


E = TypeVar("E", Preset, Against)
P = TypeVar("P", Zone, Shop)


def _member(kind: type[E], text: str | None, usual: E) -> E:
    return kind(text) if text in set(kind) else usual


def _place(known: Mapping[str, P], slug: str | None) -> P | None:
    if not slug:
        return None
    if slug not in known:
        raise Http404(_("There is no such place, or it is not yours to see."))
    return known[slug]


def _custom(query: Mapping[str, str], today: date, problems: list[str]) -> Period | None:
    try:
        first = date.fromisoformat(query.get("from", ""))
        last = date.fromisoformat(query.get("to", "") or query.get("from", ""))
    except ValueError:
        problems.append(_("The dates can't be read: the last seven days are shown instead."))
        return None
    if last < first:
        first, last = last, first
    if first > today:
        problems.append(_("These days are still to come: the last seven days are shown instead."))
        return None
    last = min(last, today)
    if (last - first).days >= DAYS_MAX:
        first = last - timedelta(days=DAYS_MAX - 1)
        problems.append(_("Two years at most can be shown at once: the newest two are."))
    if first.year < 2000:
        problems.append(_("The dates can't be read: the last seven days are shown instead."))
        return None
    return Period(first, last)
