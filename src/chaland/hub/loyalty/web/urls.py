"""Addresses of plane B's pages, a folder a part."""

from django.urls import URLResolver, include, path

_HERE = "chaland.hub.loyalty.web"

urlpatterns: list[URLResolver] = [
    path("till/", include(f"{_HERE}.till.urls")),
    path("members/", include(f"{_HERE}.members.urls")),
    path("programmes/", include(f"{_HERE}.programmes.urls")),
    path("receipts/", include(f"{_HERE}.receipts.urls")),
    path("connections/", include(f"{_HERE}.connections.urls")),
    path("clearing/", include(f"{_HERE}.clearing.urls")),
    path("loyalty/", include(f"{_HERE}.figures.urls")),
    path("sales/", include(f"{_HERE}.sales.urls")),
    path("outreach/", include(f"{_HERE}.outreach.urls")),
    path("me/", include(f"{_HERE}.account.urls")),
    path("", include(f"{_HERE}.outreach.public")),
    path("", include(f"{_HERE}.sales.public")),
]
