"""The page behind each mail's link to unsubscribe (RFC 8058): to look at it does nothing, a POST
acts at once, from wherever it comes.

The token is the proof: mailbox providers call without a cookie, so there is none to ask for.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, override
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from chaland.hub.common import clock
from chaland.hub.loyalty.outreach import stopping


@csrf_exempt
@cache_control(no_store=True, private=True)
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Show what the link is for; with POST stop, or (``undo``) take that back."""
    named = stopping.of_token(token)
    if named is None:
        # An erased member is written to no more: a provider that asks for it has what it wants.
        status = 200 if request.method == "POST" else 404
        return render(request, "loyalty/outreach/unsubscribe.html", status=status)
    posted = request.method == "POST"
    undo = posted and "undo" in request.POST
    if posted:
        act = stopping.resubscribe if undo else stopping.unsubscribe
        act(token, clock.now())
        named = stopping.of_token(token)
    chosen = settings.LANGUAGE_COOKIE_NAME in request.COOKIES
    with override(get_language() if chosen or named is None else named.language):
        context = {"named": named, "undo": undo, "done": posted and not undo}
        return render(request, "loyalty/outreach/unsubscribe.html", context)
