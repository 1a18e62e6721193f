"""Who is on the member's pages: a cookie of their own, apart from the staff's sign-in."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control

from chaland.hub.association.models import Association
from chaland.hub.loyalty.account import links
from chaland.hub.loyalty.models import Member

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Holder:
    """Whose account is open, and of which association."""

    member: Member
    association: Association


def cookie_name() -> str:
    """Return the cookie's name; over HTTPS one that only this host can set."""
    return "__Host-account" if settings.HTTPS else "account"


def remember(response: HttpResponse, token: str) -> None:
    """Keep the session on this device, for as long as it lives."""
    response.set_cookie(
        cookie_name(),
        token,
        max_age=links.SESSION_LIVES,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def member_required(view: View) -> View:
    """Let in who has a session, with the member and the association; others are told the way in."""

    @cache_control(no_store=True, private=True)
    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        member = links.member_of(request.COOKIES.get(cookie_name(), ""))
        if member is None:
            return render(request, "loyalty/account/closed.html", status=403)
        association = Association.objects.get(pk=member.association_id)
        timezone.activate(association.timezone)
        return view(request, Holder(member, association), *args, **kwargs)

    return guarded
