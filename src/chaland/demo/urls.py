"""The hub's addresses, and two doors that only the demo has: a paired till, a member's account."""

from django.conf import settings
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_POST

from chaland.demo.loyalty import ACTOR, till_token
from chaland.hub.loyalty.account.links import account_link
from chaland.hub.loyalty.models import Receipt
from chaland.hub.loyalty.web.till.guard import remember
from chaland.hub.site.urls import urlpatterns as hub_addresses


@require_POST
def till(_request: HttpRequest) -> HttpResponse:
    """Make this browser the cashier's tablet."""
    response = redirect("/till/")
    remember(response, till_token(settings.STATE_DIR))
    return response


@require_POST
def member(_request: HttpRequest) -> HttpResponse:
    """Open the account of the member who bought most often."""
    bought = Receipt.objects.filter(member__state="active").values("member")
    most = bought.annotate(receipts=Count("pk")).order_by("-receipts").first()
    if most is None:
        raise Http404
    return redirect(account_link(most["member"], ACTOR))


urlpatterns = [
    path("demo/till/", till, name="demo_till"),
    path("demo/member/", member, name="demo_member"),
    *hub_addresses,
]
