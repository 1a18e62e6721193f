"""The member's account."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods


@require_http_methods(["GET", "POST"])
def open_account(request: HttpRequest, token: str) -> HttpResponse:
    """Open the account by its link."""
    return HttpResponse(status=503)


@require_http_methods(["GET"])
def home(request: HttpRequest) -> HttpResponse:
    """Show the account."""
    return HttpResponse(status=503)
