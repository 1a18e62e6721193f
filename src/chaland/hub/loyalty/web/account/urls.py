"""Addresses of the member's own account."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.account import pages

urlpatterns: list[URLPattern] = [
    path("o/<str:token>/", pages.open_account, name="account_open"),
    path("", pages.home, name="account"),
]
