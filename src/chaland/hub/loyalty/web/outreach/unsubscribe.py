"""The pages behind each mail's links: to unsubscribe (RFC 8058; to look at it does nothing, a POST
acts at once, from wherever it comes), and to choose how many messages come.

The token is the proof: mailbox providers call without a cookie, so there is none to ask for.
"""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from chaland.hub.common import clock
from chaland.hub.loyalty.outreach import stopping
from chaland.hub.loyalty.outreach.choices import ChoiceErrorFinal
from chaland.hub.loyalty.web.account.messages import asked_of, keep


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
    with override(_language(request, named)):
        context = {"named": named, "token": token, "undo": undo, "done": posted and not undo}
        return render(request, "loyalty/outreach/unsubscribe.html", context)


def _language(request: HttpRequest, named: stopping.Unsubscribing | None) -> str | None:
    chosen = settings.LANGUAGE_COOKIE_NAME in request.COOKIES
    return get_language() if chosen or named is None else named.language


@cache_control(no_store=True, private=True)
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest, token: str) -> HttpResponse:
    """Let who has the mail choose how many messages come, and which by themselves: without signing
    in, and with nothing told of purchases, names, or other shops' messages."""
    named = stopping.of_token(token)
    if named is None:
        return render(request, "loyalty/outreach/unsubscribe.html", status=404)
    with override(_language(request, named)):
        if request.method == "POST":
            try:
                keep(named.member_id, request.POST)
            except ChoiceErrorFinal as error:
                messages.error(request, str(error))
            else:
                kept = _("Kept: your messages follow your choice from now on.")
                messages.success(request, kept)
            return redirect("message_choices", token)
        context = {"named": named, "token": token, **asked_of(named.member_id)}
        return render(request, "loyalty/outreach/choices.html", context)
