"""The HTTP API under /api/v1/: one router a part, named by string."""

from importlib.util import find_spec

from ninja import NinjaAPI

from chaland import __version__

ROUTERS = (
    "chaland.hub.footfall.intake.api.router",
    "chaland.hub.footfall.web.api.router",
)

api = NinjaAPI(title="Chaland", version=__version__, urls_namespace="api", docs_url=None)
for router in ROUTERS:
    if find_spec(router.rpartition(".")[0]):
        api.add_router("", router)
