"""What every page shows around its content."""

from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from chaland import __version__
from chaland.hub.association.access import current_role
from chaland.hub.association.models import StaffRole

THEME_COOKIE = "theme"
THEMES = ("light", "dark")


class NavigationItem(NamedTuple):
    """One link of the main navigation."""

    label: str
    url: str
    icon: str
    current: bool


def _navigation(request: HttpRequest, role: StaffRole) -> list[NavigationItem]:
    """List the places that a role may go to; pages that aren't installed are left out."""
    director = role.role == StaffRole.Role.DIRECTOR
    places = [(_("My town") if director else _("My shop"), "figures", "layout-dashboard")]
    places.append((_("Flows"), "flows", "route"))
    places.append((_("Loyalty"), "loyalty", "gift"))
    if director:
        places += [
            (_("Sensors"), "sensors", "radio"),
            (_("Calibration"), "calibration", "gauge"),
            (_("Measurement"), "measurement", "shield-check"),
            (_("Settings"), "association:overview", "settings"),
        ]
    else:
        places.append((_("Measurement"), "measurement", "shield-check"))
    items = []
    for label, name, icon in places:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        current = request.path == url or (url != "/" and request.path.startswith(url))
        items.append(NavigationItem(label, url, icon, current))
    return items


def page_frame(request: HttpRequest) -> dict[str, Any]:
    """Give templates the role, the association, the navigation and the display theme."""
    role = current_role(request)
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "current_role": role,
        "association": role.association if role else None,
        "navigation": _navigation(request, role) if role else [],
        "theme": theme if theme in THEMES else "",
        "demo": settings.DEMO_NOTES,
        "chaland_version": __version__,
    }
