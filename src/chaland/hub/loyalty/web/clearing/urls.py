"""Addresses of clearing."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.clearing import bank, files, pages

urlpatterns: list[URLPattern] = [
    path("", pages.index, name="clearing"),
    path("bank/", bank.page, name="clearing_bank"),
    path("<int:pk>/", pages.month, name="clearing_month"),
    path("<int:pk>/settle/", pages.settle_way, name="clearing_settle"),
    path("<int:pk>/statements.csv", files.csv, name="clearing_csv"),
    path("<int:pk>/transfers.xml", files.transfers, name="clearing_transfers"),
    path("<int:pk>/debits.xml", files.debits, name="clearing_debits"),
    path("statements/<int:pk>/", pages.statement, name="clearing_statement"),
    path("statements/<int:pk>/settle/", pages.settle_one, name="clearing_settle_one"),
    path("statements/<int:pk>/statement.pdf", files.pdf, name="clearing_pdf"),
]
