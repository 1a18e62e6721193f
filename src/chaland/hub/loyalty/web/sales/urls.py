"""Addresses of the pages of private sales."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.sales import acts, guest, pages, price_pages, wizard

urlpatterns: list[URLPattern] = [
    path("", pages.index, name="sales"),
    path("new/", wizard.new, name="sale_new"),
    path("new/mail/<slug:language>/", wizard.mail, name="sale_new_mail"),
    path("prices/", price_pages.index, name="prices"),
    path("prices/file/", price_pages.file, name="price_file"),
    path("prices/example.csv", price_pages.example, name="price_example"),
    path("prices/article/", price_pages.article, name="price_article"),
    path("prices/find/", price_pages.find, name="price_find"),
    path("asked/", guest.asked, name="sales_asked"),
    path("<int:sale_id>/look/", guest.look, name="sale_look"),
    path("<int:sale_id>/", pages.page, name="sale"),
    path("<int:sale_id>/prepare/", wizard.prepare, name="sale_prepare"),
    path("<int:sale_id>/mail/<slug:language>/", wizard.mail, name="sale_mail"),
    path("<int:sale_id>/<slug:what>/", acts.act, name="sale_act"),
]
