"""The steps of the guide, in order; the same pages are the settings afterwards."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chaland.hub.association import selectors
from chaland.hub.association.access import required_role
from chaland.hub.association.models import Association

SLUGS = ("association", "zones", "shops", "hours", "staff", "sensors", "measurement")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its page, whether it is done, and a word on what is there so far."""

    slug: str
    title: str
    note: str
    icon: str
    done: bool
    optional: bool = False

    @property
    def url(self) -> str:
        return reverse(f"association:{self.slug}")


def steps_of(association: Association) -> list[Step]:
    """Describe the steps of an association's set-up."""
    has = selectors.progress_of(association)
    finished = association.guide_finished_at is not None
    zones = ngettext("%(count)d zone", "%(count)d zones", has.zones) % {"count": has.zones}
    shops = ngettext("%(count)d shop", "%(count)d shops", has.shops) % {"count": has.shops}
    hours = _("%(some)d of %(all)d shops") % {"some": has.shops_with_hours, "all": has.shops}
    hours = hours if has.shops else "–"
    people = has.staff + has.invitations
    staff = ngettext("%(count)d person", "%(count)d people", people) % {"count": people}
    all_hours = 0 < has.shops == has.shops_with_hours
    return [
        Step("association", _("Association"), association.town, "house", True),
        Step("zones", _("Zones"), zones, "map-pin", has.zones > 0),
        Step("shops", _("Shops"), shops, "store", has.shops > 0),
        Step("hours", _("Opening hours"), hours, "clock", all_hours),
        Step("staff", _("Team"), staff, "users", people > 1, optional=True),
        Step("sensors", _("Sensors"), _("one per shop"), "radio", finished),
        Step(
            "measurement",
            _("Measurement"),
            _("notice and charter"),
            "shield-check",
            finished,
        ),
    ]


def next_step(steps: list[Step], current: str) -> Step | None:
    """Return the step after ``current``, or None after the last."""
    at = SLUGS.index(current) + 1
    return steps[at] if at < len(steps) else None


def render_step(
    request: HttpRequest, slug: str, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Render a page of the guide with the list of steps beside it."""
    association = required_role(request).association
    steps = steps_of(association)
    number = SLUGS.index(slug) + 1
    frame = {
        "steps": steps,
        "step": steps[number - 1],
        "step_number": number,
        "next_step": next_step(steps, slug),
        "guiding": association.guide_finished_at is None,
    }
    return render(request, f"association/{template}.html", frame | context, status=status)
