"""Addresses of the member's own account."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.account import messages, notice, pages

urlpatterns: list[URLPattern] = [
    path("", pages.home, name="account"),
    path("o/<str:token>/", pages.open_account, name="account_open"),
    path("purchases/", pages.purchases, name="account_purchases"),
    path("consents/", pages.decide, name="account_decide"),
    path("messages/", messages.page, name="account_messages"),
    path("notice/", notice.notice, name="account_notice"),
    path("claim/", pages.claim, name="account_claim"),
    path("pause/", pages.pause, name="account_pause"),
    path("leave/", pages.leave, name="account_leave"),
    path("stay/", pages.stay, name="account_stay"),
    path("card/", pages.card, name="account_card"),
    path("export.json", pages.export_json, name="account_json"),
    path("purchases.csv", pages.export_csv, name="account_csv"),
    path("sign-out/", pages.sign_out, name="account_sign_out"),
]
