"""Addresses of members."""

from django.urls import URLPattern, path

from chaland.hub.loyalty.web.members import duplicates, enrolling, files, pages

urlpatterns: list[URLPattern] = [
    path("", pages.index, name="members"),
    path("enrol/", enrolling.page, name="member_enrol"),
    path("duplicates/", duplicates.page, name="member_duplicates"),
    path("duplicates/<int:pair_id>/", duplicates.decide, name="member_decide"),
    path("file/", files.page, name="member_file"),
    path("file/example/", files.example_file, name="member_file_example"),
    path("file/<int:file_id>/", files.preview, name="member_file_preview"),
    path("file/<int:file_id>/take/", files.take_in, name="member_file_take"),
    path("<int:member_id>/", pages.member, name="member"),
    path("<int:member_id>/withdraw/", pages.withdraw, name="member_withdraw"),
    path("<int:member_id>/card/", pages.new_card, name="member_card"),
]
