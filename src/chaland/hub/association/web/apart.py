"""What is there instead of `insight` where a process serves one plane: a page that says so."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from chaland.hub.association.access import staff_required


@staff_required
@require_safe
def sale(request: HttpRequest, sale_id: int) -> HttpResponse:
    """Say that this process can't set the planes' figures beside each other."""
    return render(request, "association/apart.html", {"sale_id": sale_id})


urlpatterns = [path("insight/sales/<int:sale_id>/", sale, name="insight_sale")]
