"""What holds for every request and answer: its headers, its language, and what a text may hold."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone, translation

View = Callable[[HttpRequest], HttpResponse]


class SecurityHeadersMiddleware:
    """Adds the headers that Django has no setting for; the browser lends no camera or place."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault(
            "Permissions-Policy",
            "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
        )
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if getattr(request, "user", None) is not None and request.user.is_authenticated:
            response.setdefault("Cache-Control", "private, no-cache")
        return response


class PlainTextMiddleware:
    """Answers 400 where a form's or an address' field holds a NUL: no keyboard types one, and
    PostgreSQL keeps none. What other machines post is read, and refused, by its own reader."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, _args: object, _kwargs: object
    ) -> None:
        """Look once the form is read, as Django's own CSRF check reads it."""
        posted = QueryDict() if getattr(view, "csrf_exempt", False) else request.POST
        for fields in (request.GET, posted):
            for name in fields:
                if any("\0" in text for text in (name, *fields.getlist(name))):
                    raise BadRequest("A field holds a character that no text has.")


class StaffLocaleMiddleware:
    """Speaks the language that a staff member chose, on a browser where nothing was chosen yet.

    Also forgets the time zone of the last request that this thread served.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        timezone.deactivate()
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and request.user.is_authenticated:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)
