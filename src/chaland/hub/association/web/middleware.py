"""Leads the first visitor of an empty installation to the guide."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from chaland.hub.association import selectors


class FirstRunMiddleware:
    """Sends the first page and sign-in to the guide while there is nobody to sign in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            request.path in ("/", reverse("account_login"))
            and not request.user.is_authenticated
            and not selectors.is_set_up()
        ):
            return redirect("association:overview")
        return self.get_response(request)
