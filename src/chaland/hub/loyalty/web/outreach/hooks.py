"""Where providers call: what they tell is kept, sealed, before anything reads it."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from chaland.hub.loyalty.models import Gateway
from chaland.hub.loyalty.outreach import inbound
from chaland.hub.loyalty.outreach.shapes import Hook

LARGEST_BYTES = 1024 * 1024
"""Of one call: providers send their reports in packs of at most a thousand."""
_NOT_KEPT = frozenset(("cookie", "host", "connection"))


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def provider_call(request: HttpRequest, secret: str) -> HttpResponse:
    """Keep a call and say thanks; the worker reads it. 404: no gateway has this secret.

    The answer is empty: an SMS gateway would send a text back to the member.
    """
    digest = hashlib.sha256(secret.encode()).hexdigest()
    gateway = Gateway.objects.filter(hook_hash=digest).first()
    if gateway is None:
        return HttpResponse(status=404)
    if int(request.headers.get("Content-Length") or 0) > LARGEST_BYTES:
        return HttpResponse(status=413)
    if request.method != "HEAD":  # some ask whether anybody is here
        headers = {name.lower(): value for name, value in request.headers.items()}
        kept = {name: value for name, value in headers.items() if name not in _NOT_KEPT}
        query = {name: value for name, value in request.GET.items() if isinstance(value, str)}
        inbound.store(gateway, Hook(request.method or "", query, kept, request.body))
    return HttpResponse()
