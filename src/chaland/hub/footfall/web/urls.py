"""Addresses of the footfall pages."""

from django.urls import include, path

from chaland.hub.footfall.web import (
    budget,
    calibration,
    flows,
    measurement,
    pages,
    public,
    sensors,
    stays,
)

_privacy = [
    path("", public.page, name="privacy"),
    path("assessment/", public.assessment_page, name="privacy_assessment"),
    path("assessment-<slug:language>.pdf", public.assessment_pdf, name="privacy_assessment_pdf"),
    path("notice-<slug:language>.pdf", public.poster, name="privacy_notice"),
    path("charter.json", public.charter, name="privacy_charter"),
    path("audit/", public.audit, name="privacy_audit"),
    path("account/", budget.page, name="budget"),
    path("account.csv", budget.csv, name="budget_csv"),
]
"""With the number of a town; without it where the hub has one town only."""

urlpatterns = [
    path("", pages.page, name="figures"),
    path("now/", pages.now, name="figures_now"),
    path("figures.csv", pages.csv, name="figures_csv"),
    path("flows/", flows.page, name="flows"),
    path("flows/flows.csv", flows.csv, name="flows_csv"),
    path("flows/stays/", stays.page, name="stays"),
    path("flows/stays/stays.csv", stays.csv, name="stays_csv"),
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
    path("sensors/objections/clear/", sensors.clear_objections, name="objections_clear"),
    path("sensors/<slug:identifier>/revoke/", sensors.revoke_sensor, name="sensor_revoke"),
    path("privacy/", include(_privacy)),
    path("privacy/<int:town>/", include(_privacy)),
    path("measurement/", measurement.page, name="measurement"),
    path("measurement/shops/<slug:slug>/agree/", measurement.agree, name="measurement_agree"),
    path(
        "measurement/shops/<slug:slug>/notice/", measurement.notice_shown, name="measurement_notice"
    ),
    path(
        "measurement/shops/<slug:slug>/withdraw/", measurement.withdraw, name="measurement_withdraw"
    ),
    path("measurement/charter/draft/", measurement.draft, name="charter_draft"),
    path("measurement/charter/", measurement.receive, name="charter_receive"),
]
