"""What an address of the flows' pages asks for: places, a calendar period, an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Self, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from chaland.hub.association.access import is_director, required_role
from chaland.hub.association.models import Shop, StaffRole
from chaland.hub.common import clock
from chaland.hub.footfall import flow_reads
from chaland.hub.footfall.figures.flows import Level, Place, places_of
from chaland.hub.footfall.figures.period import DAYS_MAX, Period, Span, span_period
from chaland.wire.periods import local_day


class Sort(StrEnum):
    """What the table of pairs is ordered by."""

    BOTH = "both"
    SHARE = "share"
    NAME = "name"


E = TypeVar("E", Level, Span, Sort)


@dataclass(frozen=True)
class FlowQuestion:
    """``day`` lies in the period; ``place`` narrows the pairs to those of one zone or shop."""

    level: Level
    span: Span
    day: date
    usual_day: date
    sort: Sort = Sort.BOTH
    place: Place | None = None
    every: bool = False
    problems: list[str] = field(default_factory=list)

    @classmethod
    def read(
        cls, query: Mapping[str, str], town: Sequence[Shop], usual_day: date, today: date
    ) -> Self:
        """Read an address. Odd dates become ``usual_day``, with a sentence; odd places: 404."""
        problems: list[str] = []
        level = _member(Level, query.get("between"), Level.ZONES)
        places = {place.slug: place for place in places_of(town, level).values()}
        slug = query.get("place", "")
        if slug and slug not in places:
            raise Http404(_("There is no such place, or it is not yours to see."))
        return cls(
            level=level,
            span=_member(Span, query.get("span"), Span.WEEK),
            day=_day(query.get("day", ""), today, problems) or usual_day,
            usual_day=usual_day,
            sort=_member(Sort, query.get("sort"), Sort.BOTH),
            place=places.get(slug),
            every="all" in query,
            problems=problems,
        )

    @property
    def period(self) -> Period:
        return span_period(self.span, self.day)

    @property
    def parts(self) -> dict[str, str]:
        """The parts of the address, without what is as usual."""
        usual = span_period(self.span, self.usual_day) == self.period
        asked = {
            "between": "" if self.level is Level.ZONES else self.level,
            "span": "" if self.span is Span.WEEK else self.span,
            "day": "" if usual else self.period.first.isoformat(),
            "place": self.place.slug if self.place else "",
            "sort": "" if self.sort is Sort.BOTH else self.sort,
            "all": "1" if self.every else "",
        }
        return {name: value for name, value in asked.items() if value}

    @property
    def query(self) -> str:
        """The address' query; empty for the plain page."""
        return urlencode(self.parts)

    def kept(self, *asked: str) -> list[tuple[str, str]]:
        """Return what a form that asks for some of the parts hands on of the others."""
        return [(name, value) for name, value in self.parts.items() if name not in asked]

    def asking(self, **changes: object) -> "FlowQuestion":
        """Return the question with some parts changed; another level has other places."""
        if changes.get("level", self.level) is not self.level:
            changes = {"place": None, "every": False, **changes}
        return replace(self, **changes)  # type: ignore[arg-type]  # the names are the fields'

    def steps(self, today: date) -> tuple["FlowQuestion", "FlowQuestion | None"]:
        """Return the question one period earlier, and later unless that lies ahead."""
        earlier = self.asking(day=self.period.first - timedelta(days=1))
        after = self.period.last + timedelta(days=1)
        return earlier, None if after >= today else self.asking(day=after)


def _member(kind: type[E], text: str | None, usual: E) -> E:
    return kind(text) if text in set(kind) else usual


def _day(text: str, today: date, problems: list[str]) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        problems.append(_("The date can’t be read: the newest period is shown instead."))
        return None
    if not today - timedelta(days=5 * DAYS_MAX) <= day <= today:
        problems.append(_("That date can’t have any flows: the newest period is shown instead."))
        return None
    return day


class Asked:
    """Who asks what of the flows' pages, and when: what each of them starts from.

    ``page`` is the page's name among the addresses.
    """

    def __init__(self, request: HttpRequest, page: str) -> None:
        self.page = page
        self.role: StaffRole = required_role(request)
        self.director = is_director(self.role)
        self.timezone = ZoneInfo(self.role.association.timezone)
        self.today = local_day(clock.now(), self.timezone)
        self.town: list[Shop] = list(self.role.association.shops.select_related("zone"))
        self.newest = flow_reads.newest(self.role.association_id)
        query = request.GET.dict()
        if not self.director:  # other places are none of a shopkeeper's questions
            query = {name: query[name] for name in ("span", "day") if name in query}
        yesterday = self.today - timedelta(days=1)
        asked = FlowQuestion.read(query, self.town, self.newest or yesterday, self.today)
        # one day of one shop is hardly ever separable
        self.by_day = asked.level is Level.ZONES and (self.director or page != "flows")
        by_week = asked.span is Span.DAY and not self.by_day
        self.question = asked.asking(span=Span.WEEK) if by_week else asked

    @property
    def own_shop(self) -> Shop:
        """The shopkeeper's shop; PermissionDenied for a role that has none."""
        if self.role.shop is None:
            raise PermissionDenied
        return self.role.shop

    def url(self, question: FlowQuestion | None) -> str:
        """Return the address of a question on this page; none for none."""
        if question is None:
            return ""
        return reverse(self.page) + (f"?{question.query}" if question.query else "")

    def context(self) -> dict[str, Any]:
        """Return what the picker of period and places shows."""
        earlier, later = self.question.steps(self.today)
        query = self.question.query
        return {
            "asked": self,
            "question": self.question,
            "spans": self._span_links(),
            "earlier": self.url(earlier),
            "later": self.url(later),
            "csv_url": reverse(f"{self.page}_csv") + (f"?{query}" if query else ""),
            "kept_for_day": self.question.kept("day"),
        }

    def _span_links(self) -> list[dict[str, Any]]:
        labels = {
            Span.DAY: _("Day"),
            Span.WEEK: _("Week"),
            Span.MONTH: _("Month"),
            Span.QUARTER: _("Quarter"),
        }
        return [
            {
                "label": label,
                "url": self.url(self.question.asking(span=span)),
                "current": self.question.span is span,
            }
            for span, label in labels.items()
            if self.by_day or span is not Span.DAY
        ]
