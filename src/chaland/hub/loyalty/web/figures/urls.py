"""Addresses of the loyalty figures."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.figures import pages, signals

urlpatterns: list[URLPattern] = [
    path("", pages.page, name="loyalty"),
    path("loyalty.csv", pages.csv, name="loyalty_csv"),
    path("signals/", signals.page, name="loyalty_signals"),
]
