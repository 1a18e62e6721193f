"""Answers about the hub itself."""

from django.db import DatabaseError, connections
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """Say whether each plane's database answers; 503 when one doesn't."""
    planes = {}
    for alias in connections:
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT 1")
            planes[alias] = "ok"
        except DatabaseError:
            planes[alias] = "unreachable"
    healthy = all(state == "ok" for state in planes.values())
    return JsonResponse({"ok": healthy, "databases": planes}, status=200 if healthy else 503)
