"""Addresses of the pages of campaigns."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.outreach import (
    automatic,
    campaign_page,
    editing,
    gateways,
    listing,
    outbox,
    overview,
)

urlpatterns: list[URLPattern] = [
    path("", listing.index, name="outreach"),
    path("new/", listing.new, name="campaign_new"),
    path("automatic/", automatic.index, name="automatic"),
    path("automatic/<slug:kind>/", automatic.begin, name="automatic_begin"),
    path("automatic/<slug:kind>/off/", automatic.switch_off, name="automatic_off"),
    path("overview/", overview.page, name="outreach_overview"),
    path("gateways/", gateways.index, name="gateways"),
    path("gateways/<slug:channel>/test/", gateways.try_out, name="gateway_test"),
    path("gateways/<slug:channel>/dns/", gateways.ask_dns, name="gateway_dns"),
    path("gateways/<slug:channel>/stop/", gateways.stop, name="gateway_stop"),
    path("gateways/<slug:channel>/by/<slug:driver>/", gateways.edit, name="gateway_edit"),
    path("outbox/", outbox.index, name="outbox"),
    path("outbox/<int:delivery_id>/", outbox.message, name="outbox_message"),
    path("outbox/<int:delivery_id>/html/", outbox.html, name="outbox_html"),
    path("<int:campaign_id>/", campaign_page.page, name="campaign"),
    path("<int:campaign_id>/people/", campaign_page.people, name="campaign_people"),
    path("<int:campaign_id>/edit/", editing.edit, name="campaign_edit"),
    path("<int:campaign_id>/discard/", editing.discard, name="campaign_discard"),
    path("<int:campaign_id>/do/<slug:what>/", campaign_page.act, name="campaign_act"),
    path("<int:campaign_id>/preview/<str:language>/", editing.preview, name="campaign_preview"),
]
