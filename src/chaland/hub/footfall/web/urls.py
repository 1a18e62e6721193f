"""Addresses of the footfall pages."""

from django.urls import path

from chaland.hub.footfall.web import calibration, pages, sensors

urlpatterns = [
    path("", pages.page, name="figures"),
    path("now/", pages.now, name="figures_now"),
    path("figures.csv", pages.csv, name="figures_csv"),
    path("calibration/", calibration.index, name="calibration"),
    path("calibration/<slug:slug>/", calibration.shop, name="calibration_shop"),
    path("calibration/<slug:slug>/count/", calibration.count, name="calibration_count"),
    path("calibration/<slug:slug>/file/", calibration.file, name="calibration_file"),
    path("calibration/<slug:slug>/confirm/", calibration.confirm, name="calibration_confirm"),
    path("calibration/<slug:slug>/tally/", calibration.tally, name="calibration_tally"),
    path("calibration/<slug:slug>/fit/", calibration.fit, name="calibration_fit"),
    path(
        "calibration/<slug:slug>/days/<str:day>/forget/",
        calibration.forget_day,
        name="calibration_forget_day",
    ),
    path("calibration/<slug:slug>/tokens/", calibration.new_token, name="calibration_new_token"),
    path(
        "calibration/<slug:slug>/tokens/<int:pk>/revoke/",
        calibration.revoke_token,
        name="calibration_revoke_token",
    ),
    path("sensors/", sensors.page, name="sensors"),
    path("sensors/codes/", sensors.new_code, name="sensor_new_code"),
    path("sensors/<slug:identifier>/revoke/", sensors.revoke_sensor, name="sensor_revoke"),
]
