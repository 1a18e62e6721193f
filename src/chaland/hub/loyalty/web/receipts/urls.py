"""Addresses of receipts."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.receipts import open_receipt, pages, queue

urlpatterns: list[URLPattern] = [
    path("", pages.index, name="receipts"),
    path("<int:receipt_id>/", pages.receipt, name="receipt"),
    path("<int:receipt_id>/return/", pages.take_return, name="receipt_return"),
    path("<int:receipt_id>/join/", pages.join, name="receipt_join"),
    path("<int:receipt_id>/link/", pages.make_link, name="receipt_link"),
    path("queue/", queue.page, name="claims"),
    path("queue/sure/", queue.decide_sure, name="claims_sure"),
    path("queue/<int:claim_id>/", queue.decide, name="claim_decide"),
    path("r/<str:token>/", open_receipt.page, name="e-receipt"),
]
