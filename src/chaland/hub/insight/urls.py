"""Addresses of what stands beside each other."""

from django.urls import path

from chaland.hub.insight import pages

urlpatterns = [path("insight/sales/<int:sale_id>/", pages.sale, name="insight_sale")]
