"""Opening hours: a week on one page, with days and whole weeks that can be copied."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chaland.hub.association import selectors, services
from chaland.hub.association.access import director_required, required_role
from chaland.hub.association.models import Shop
from chaland.hub.association.rules import (
    CLOSED_WEEK,
    Day,
    HoursErrorFinal,
    HoursReason,
    Opening,
    Week,
    checked_day,
    checked_week,
    copy_day_forward,
    format_day,
    parse_time,
)
from chaland.hub.association.web.steps import render_step

OPENINGS_SHOWN = 2
"""Morning and afternoon; more openings a day come from a CSV file only."""


def reason_text(reason: HoursReason, text: str) -> str:
    """Say what is wrong with hours, and what to do."""
    return {
        HoursReason.UNREADABLE: _(
            "“%s” is not understood. Write hours like 9:00-12:30 14:00-19:00."
        ),
        HoursReason.NO_SUCH_TIME: _("“%s” has no such time of day. Use 00:00 to 24:00."),
        HoursReason.HALF_GIVEN: _("Give both times, opening and closing (%s)."),
        HoursReason.OVERLAP: _("These hours overlap: %s. Correct one of them."),
        HoursReason.TOO_MANY: _("Four openings a day at most: %s."),
        HoursReason.TOO_LATE: _(
            "%s closes before it opens. A night may run until 04:00; else check the two times."
        ),
    }[reason] % text


@dataclass(slots=True)
class DayForm:
    """One row of the page: the times as typed, and what is wrong with them."""

    number: int
    times: list[tuple[str, str]]
    error: str = ""
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = str(WEEKDAYS[self.number]).capitalize()
        self.times += [("", "")] * (OPENINGS_SHOWN - len(self.times))

    @property
    def can_copy(self) -> bool:
        return self.number < 5


def _day_forms(week: Week) -> list[DayForm]:
    return [
        DayForm(number, [(f"{o.opens:%H:%M}", f"{o.closes:%H:%M}") for o in day])
        for number, day in enumerate(week)
    ]


def _read_day(times: list[tuple[str, str]]) -> Day:
    openings = []
    for opens, closes in times:
        if not opens and not closes:
            continue
        if not opens or not closes:
            raise HoursErrorFinal(HoursReason.HALF_GIVEN, opens or closes)
        openings.append(Opening(parse_time(opens), parse_time(closes)))
    return checked_day(openings)


def _read_week(data: QueryDict) -> tuple[list[DayForm], Week | None, str]:
    """Return the rows as typed, the week where it is sound, and what is wrong over several days."""
    forms, days = [], []
    for number in range(7):
        opens, closes = data.getlist(f"opens-{number}"), data.getlist(f"closes-{number}")
        form = DayForm(
            number, [(a.strip(), b.strip()) for a, b in zip(opens, closes, strict=False)]
        )
        try:
            days.append(_read_day(form.times))
        except HoursErrorFinal as error:
            form.error = reason_text(error.reason, error.text)
            days.append(())
        forms.append(form)
    if any(form.error for form in forms):
        return forms, None, ""
    try:
        return forms, checked_week(days), ""
    except HoursErrorFinal as error:
        return forms, None, reason_text(error.reason, error.text)


@director_required
def hours(request: HttpRequest) -> HttpResponse:
    """Show all shops' weeks at a glance."""
    shops = list(required_role(request).association.shops.select_related("zone"))
    weeks = selectors.weeks_of(shops)
    rows = [
        (shop, any(weeks[shop.pk]), [format_day(day).split() for day in weeks[shop.pk]])
        for shop in shops
    ]
    days = [str(WEEKDAYS[number]).capitalize()[:3] for number in range(7)]
    return render_step(request, "hours", "hours", {"rows": rows, "days": days})


@director_required
def hours_of(request: HttpRequest, shop_id: int) -> HttpResponse:
    """Edit a shop's week; a day can be copied to the next ones, the week to other shops."""
    association = required_role(request).association
    shop = get_object_or_404(Shop, pk=shop_id, association=association)
    others = list(association.shops.exclude(pk=shop.pk).select_related("zone"))
    context: dict[str, Any] = {"shop": shop, "others": others, "chosen": set()}
    if request.method != "POST":
        context["days"] = _day_forms(selectors.week_of(shop))
        return render_step(request, "hours", "hours_of", context)
    forms, week, error = _read_week(request.POST)
    chosen = set(request.POST.getlist("also"))
    targets = [other for other in others if str(other.pk) in chosen]
    context |= {"days": forms, "error": error, "chosen": {other.pk for other in targets}}
    if week is None:
        return render_step(request, "hours", "hours_of", context, 422)
    if "copy" in request.POST:
        context["days"] = _day_forms(_copied(week, request.POST["copy"]))
        context["copied"] = True
        return render_step(request, "hours", "hours_of", context)
    services.set_week([shop, *targets], week)
    _say_saved(request, shop, len(targets))
    return redirect("association:hours")


def _copied(week: Week, day: str) -> Week:
    if day == "clear":
        return CLOSED_WEEK
    return copy_day_forward(week, int(day)) if day in {"0", "1", "2", "3", "4"} else week


def _say_saved(request: HttpRequest, shop: Shop, others: int) -> None:
    text = _("Hours of “%s” saved.") % shop.name
    if others:
        text += " " + ngettext(
            "Copied to %(count)d other shop.", "Copied to %(count)d other shops.", others
        ) % {"count": others}
    messages.success(request, text)
