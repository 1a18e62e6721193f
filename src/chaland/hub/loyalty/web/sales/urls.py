"""Addresses of the pages of private sales."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
