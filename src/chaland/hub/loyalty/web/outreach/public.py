"""Addresses that messages hold, and those that providers call: short, and open to all."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.outreach.hooks import provider_call
from chaland.hub.loyalty.web.outreach.unsubscribe import choose, unsubscribe

urlpatterns: list[URLPattern] = [
    path("u/<str:token>/", unsubscribe, name="unsubscribe"),
    path("u/<str:token>/choices/", choose, name="message_choices"),
    path("hooks/outreach/<str:secret>/", provider_call, name="outreach_hook"),
]
