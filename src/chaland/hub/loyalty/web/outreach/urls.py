"""Addresses of the pages of campaigns."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
