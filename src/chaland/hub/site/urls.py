"""The site's addresses; planes are named by string only."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from chaland.hub.site.accounts import CLOSED, not_here
from chaland.hub.site.api import api
from chaland.hub.site.health import healthz
from chaland.hub.site.preferences import set_language, set_theme

# The administration signs in through allauth: its rate limits and second step hold there too.
admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("preferences/language/", set_language, name="set_language"),
    path("preferences/theme/", set_theme, name="set_theme"),
    *(path(f"accounts/{closed}", not_here) for closed in CLOSED),
    path("accounts/", include("allauth.urls")),
    path("administration/", admin.site.urls),
    path("api/v1/", api.urls),
    path("start/", include("chaland.hub.association.web.urls")),
]
urlpatterns += [
    path("", include(f"chaland.hub.{plane}.web.urls")) for plane in settings.PLANES[::-1]
]
beside = "insight.urls" if len(settings.PLANES) > 1 else "association.web.apart"
urlpatterns.append(path("", include(f"chaland.hub.{beside}")))
if "footfall" not in settings.PLANES:
    urlpatterns.append(path("", RedirectView.as_view(url="/loyalty/"), name="start"))
