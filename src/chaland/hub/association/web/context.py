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
_LOYALTY_PARTS = ("/members/", "/receipts/", "/programmes/", "/clearing/", "/connections/")


class NavigationItem(NamedTuple):
    """One link of the main navigation."""

    label: str
    url: str
    icon: str
    current: bool


class _Place(NamedTuple):
    """A page that the navigation leads to: of which plane, where it is ("" : ours), and which
    other addresses are parts of it."""

    label: str
    name: str
    icon: str
    plane: str = "footfall"
    address: str = ""
    parts: tuple[str, ...] = ()


def _places(*, director: bool) -> list[_Place]:
    own = _("My town") if director else _("My shop")
    places = [
        _Place(own, "figures", "layout-dashboard", address="/"),
        _Place(_("Flows"), "flows", "route", address="/flows/"),
        _Place(_("Loyalty"), "loyalty", "gift", "loyalty", "/loyalty/", _LOYALTY_PARTS),
        _Place(_("Campaigns"), "outreach", "mail", "loyalty", "/outreach/", ("/sales/",)),
    ]
    measurement = _Place(_("Measurement"), "measurement", "shield-check", address="/measurement/")
    if not director:
        return [*places, measurement]
    return [
        *places,
        _Place(_("Sensors"), "sensors", "radio", address="/sensors/"),
        _Place(_("Calibration"), "calibration", "gauge", address="/calibration/"),
        measurement,
        _Place(_("Settings"), "association:overview", "settings", "association"),
    ]


def _navigation(request: HttpRequest, role: StaffRole) -> list[NavigationItem]:
    """List the places that a role may go to; pages of planes that nobody serves are left out."""
    items = []
    for place in _places(director=role.role == StaffRole.Role.DIRECTOR):
        try:
            url = reverse(place.name)
        except NoReverseMatch:
            if place.plane not in settings.PLANES_BESIDE:
                continue
            url = place.address
        parts = place.parts if url == "/" else (url, *place.parts)
        current = request.path == url or request.path.startswith(parts)
        items.append(NavigationItem(place.label, url, place.icon, current))
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
