"""The shell of the till page: it holds nothing of anybody, so that a device may keep it."""

import hashlib

from csp.constants import SELF
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from chaland import __version__
from chaland.hub.loyalty.web.till.words import texts

_PAD = (*"123456789", "00", "0", "back")
_ASSETS = ("till.css", "till.js", "favicon.svg")
_THEMES = ("light", "dark")
_WASM = "'wasm-unsafe-eval'"


@require_GET
@csp_update({"script-src": [SELF, _WASM], "worker-src": [SELF], "manifest-src": [SELF]})
def page(request: HttpRequest) -> HttpResponse:
    """Show the page; whether the device is a till is asked by its script."""
    theme = request.COOKIES.get("theme", "")
    response = render(
        request,
        "loyalty/till/page.html",
        {"pad": _PAD, "texts": texts(), "theme": theme if theme in _THEMES else ""},
    )
    # The camera reads cards, on this page alone.
    response["Permissions-Policy"] = (
        "camera=(self), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    )
    response["Cache-Control"] = "no-cache"
    return response


@require_GET
def worker(request: HttpRequest) -> HttpResponse:
    """Serve the service worker, renewed with each version of what it keeps."""
    addresses = [static(f"chaland/{name}") for name in _ASSETS]
    address = reverse("till:page")
    seal = hashlib.sha256("\n".join([__version__, *addresses]).encode()).hexdigest()[:12]
    response = render(
        request,
        "loyalty/till/sw.js",
        {"version": seal, "page": address, "assets": addresses},
        content_type="text/javascript",
    )
    response["Cache-Control"] = "no-cache"
    return response


@require_GET
def manifest(_request: HttpRequest) -> HttpResponse:
    """Say how the page is installed."""
    address = reverse("till:page")
    icon = {"src": static("chaland/favicon.svg"), "sizes": "any", "type": "image/svg+xml"}
    return JsonResponse(
        {
            "id": address,
            "name": _("Chaland till"),
            "short_name": _("Till"),
            "start_url": address,
            "scope": address,
            "display": "standalone",
            "background_color": "#faf6f0",
            "theme_color": "#a8431b",
            "icons": [icon],
        },
        content_type="application/manifest+json",
    )
