"""Answers about the hub itself."""

from importlib import import_module

from django.conf import settings
from django.db import DatabaseError, connections
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """Say whether each database that this process opens answers; 503 when one doesn't.

    A charter that describes another mechanism than this software's is no fault of the server: pages
    are served, what sensors send is refused, and ``charter`` says so.
    """
    planes = {}
    for alias in connections:
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT 1")
            planes[alias] = "ok"
        except DatabaseError:
            planes[alias] = "unreachable"
    reachable = all(state == "ok" for state in planes.values())
    answer: dict[str, object] = {"ok": reachable, "databases": planes}
    if reachable:
        charter = _charter()
        answer |= {"ok": charter == "ok", "charter": charter}
    return JsonResponse(answer, status=200 if reachable else 503)


def _charter() -> str:
    if "footfall" not in settings.PLANES:
        return "ok"
    try:
        outdated = import_module("chaland.hub.footfall.charters").outdated_towns()
    except DatabaseError:
        return "unreadable"
    return "outdated" if outdated else "ok"
