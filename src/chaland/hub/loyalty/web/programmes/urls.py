"""Addresses of programmes."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.programmes import pages, rule_pages

urlpatterns: list[URLPattern] = [
    path("", pages.index, name="programmes"),
    path("start/", pages.start, name="programme_start"),
    path("advantages/", pages.add_advantage, name="advantage_add"),
    path("advantages/<int:advantage_id>/end/", pages.end_advantage, name="advantage_end"),
    path("sponsors/", pages.sponsors, name="sponsors"),
    path("sponsors/<int:sponsor_id>/fund/", pages.fund, name="sponsor_fund"),
    path("<int:programme_id>/", pages.programme, name="programme"),
    path("<int:programme_id>/rewards/", pages.add_reward, name="reward_add"),
    path("<int:programme_id>/rewards/<int:reward_id>/stop/", pages.stop_reward, name="reward_stop"),
    path("<int:programme_id>/tiers/", pages.add_tier, name="tier_add"),
    path("<int:programme_id>/tiers/<int:tier_id>/remove/", pages.remove_tier, name="tier_remove"),
    path("<int:programme_id>/rules/<int:rule_id>/", rule_pages.change_rule, name="rule_change"),
    path("<int:programme_id>/rules/<int:rule_id>/end/", rule_pages.end_rule, name="rule_end"),
    path("<int:programme_id>/rules/<slug:kind>/", rule_pages.new_rule, name="rule_new"),
]
