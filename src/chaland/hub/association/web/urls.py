"""Addresses of the guide and the settings, all under /start/."""

from django.urls import URLPattern

app_name = "association"
urlpatterns: list[URLPattern] = []
