"""Addresses that messages hold, and those that providers call: short, and open to all."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
