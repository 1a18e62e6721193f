"""Addresses of connections."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.connections import machines, pages, receipt_files

urlpatterns: list[URLPattern] = [
    path("", pages.page, name="connections"),
    path("tills/", pages.add_till, name="till_add"),
    path("tills/<int:pk>/code/", pages.new_code, name="till_code"),
    path("tills/<int:pk>/revoke/", pages.revoke_till, name="till_revoke"),
    path("sellers/", pages.add_seller, name="seller_add"),
    path("sellers/<int:pk>/pin/", pages.set_pin, name="seller_pin"),
    path("sellers/<int:pk>/close/", pages.close_seller, name="seller_close"),
    path("machines/", machines.page, name="machines"),
    path("machines/keys/", machines.new_key, name="key_add"),
    path("machines/keys/<int:pk>/revoke/", machines.revoke_key, name="key_revoke"),
    path("machines/makers/", machines.connect, name="maker_connect"),
    path("machines/makers/<int:pk>/end/", machines.end, name="maker_end"),
    path("files/", receipt_files.page, name="receipt_files"),
    path("files/example.csv", receipt_files.example, name="receipt_file_example"),
    path("files/<int:pk>/", receipt_files.file, name="receipt_file"),
    path("files/<int:pk>/start/", receipt_files.start, name="receipt_file_start"),
    path("files/<int:pk>/forget/", receipt_files.forget, name="receipt_file_forget"),
]
