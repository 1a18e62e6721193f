"""The address of an invitation, open to whoever holds its code."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.sales.invitation import invitation

urlpatterns: list[URLPattern] = [path("i/<str:code>/", invitation, name="invitation")]
