"""Addresses of the pages of campaigns."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.outreach import campaign_page, editing, listing

urlpatterns: list[URLPattern] = [
    path("", listing.index, name="outreach"),
    path("new/", listing.new, name="campaign_new"),
    path("<int:campaign_id>/", campaign_page.page, name="campaign"),
    path("<int:campaign_id>/people/", campaign_page.people, name="campaign_people"),
    path("<int:campaign_id>/edit/", editing.edit, name="campaign_edit"),
    path("<int:campaign_id>/discard/", editing.discard, name="campaign_discard"),
    path("<int:campaign_id>/do/<slug:what>/", campaign_page.act, name="campaign_act"),
    path("<int:campaign_id>/preview/<str:language>/", editing.preview, name="campaign_preview"),
]
