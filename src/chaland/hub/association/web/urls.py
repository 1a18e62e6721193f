"""Addresses of the guide and the settings, all under /start/."""

from django.urls import path

from chaland.hub.association.web import guide, hours, imports, places, staff

app_name = "association"
urlpatterns = [
    path("", guide.start, name="overview"),
    path("association/", guide.association, name="association"),
    path("zones/", places.zones, name="zones"),
    path("zones/<int:zone_id>/", places.zone, name="zone"),
    path("zones/<int:zone_id>/delete/", places.delete_zone, name="delete_zone"),
    path("shops/", places.shops, name="shops"),
    path("shops/new/", places.new_shop, name="new_shop"),
    path("shops/import/", imports.import_shops, name="import_shops"),
    path("shops/import/confirm/", imports.confirm_import, name="confirm_import"),
    path("shops/export.csv", imports.export_shops, name="export_shops"),
    path("shops/template.csv", imports.template, name="template"),
    path("shops/<int:shop_id>/", places.shop, name="shop"),
    path("shops/<int:shop_id>/delete/", places.delete_shop, name="delete_shop"),
    path("hours/", hours.hours, name="hours"),
    path("hours/<int:shop_id>/", hours.hours_of, name="hours_of"),
    path("staff/", staff.staff, name="staff"),
    path("staff/invitations/<int:invitation_id>/renew/", staff.renew, name="renew"),
    path("staff/invitations/<int:invitation_id>/withdraw/", staff.withdraw, name="withdraw"),
    path("staff/<int:role_id>/remove/", staff.remove, name="remove"),
    path("sensors/", guide.sensors, name="sensors"),
    path("measurement/", guide.measurement, name="measurement"),
    path("finish/", guide.finish, name="finish"),
    path("invitation/<str:token>/", staff.join, name="join"),
]
