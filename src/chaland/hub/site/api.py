"""The HTTP API under /api/v1/: one router a part, named by string, of the planes served here."""

from importlib import import_module
from importlib.util import find_spec

from django.conf import settings
from ninja import NinjaAPI

from chaland import __version__

ROUTERS = {
    "footfall": ("intake.api", "web.api"),
    "loyalty": ("connect.api",),
}

api = NinjaAPI(title="Chaland", version=__version__, urls_namespace="api", docs_url=None)
for plane in settings.PLANES:
    for part in ROUTERS[plane]:
        module = f"chaland.hub.{plane}.{part}"
        if find_spec(module):
            api.add_router("", import_module(module).router)
