"""The local outbox: what the simulation's gateway wrote into files, as its readers would see it."""

import json
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from chaland.hub.association.access import staff_required
from chaland.hub.loyalty.models import Channel, Delivery, Gateway
from chaland.hub.loyalty.outreach import outbox, selectors
from chaland.hub.loyalty.outreach.transitions import LEFT
from chaland.hub.loyalty.web.outreach.editing import framed
from chaland.hub.loyalty.web.outreach.scope import Scope, scope_of

ON_A_PAGE, TESTS = 30, 5


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as it lies in the outbox; of a mail both its parts."""

    subject: str
    text: str
    html: str = ""


def is_used(association_id: int) -> bool:
    """Say whether messages of an association go to the outbox."""
    return Gateway.objects.filter(association_id=association_id, driver="outbox").exists()


@dataclass(frozen=True, slots=True)
class Tried:
    """A test message of the gateways' page, with its file's name and time."""

    name: str
    at: datetime
    shown: Shown


def _tests(scope: Scope) -> list[Tried]:
    """Read the newest test messages: the director's, who sends them."""
    if scope.shop is not None:
        return []
    return [
        Tried(path.name, datetime.fromtimestamp(path.stat().st_mtime, scope.zone), _opened(path))
        for path in outbox.tests_of(scope.association.pk)[:TESTS]
    ]


def _sent(scope: Scope) -> QuerySet[Delivery]:
    """Return the scope's own messages that went to the outbox: nobody reads a shop's but the
    shop."""
    return Delivery.objects.filter(
        campaign__association_id=scope.association.pk,
        campaign__controller=scope.controller,
        gateway__driver="outbox",
        state__in=LEFT,
    ).select_related("campaign", "member")


@staff_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List what was written, the newest first."""
    scope = scope_of(request)
    if not is_used(scope.association.pk):
        messages.info(request, _("There is no outbox here: messages leave by their gateways."))
        return redirect("outreach")
    rows = _sent(scope).order_by("-changed_at", "-pk")
    listed = Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "tests": _tests(scope) if listed.number == 1 else [],
        "page": listed,
        "rows": [(row, selectors.told(row)) for row in listed.object_list],
    }
    return render(request, "loyalty/outreach/outbox.html", context)


@staff_required
@require_safe
def message(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Show one message: a mail with its text, or an SMS as on a telephone."""
    row = get_object_or_404(_sent(scope_of(request)), pk=delivery_id)
    context = {"row": row, "told": selectors.told(row), "shown": _read(row)}
    return render(request, "loyalty/outreach/outbox_message.html", context)


@framed
@xframe_options_sameorigin
@staff_required
@require_safe
def html(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Show a mail's HTML alone, in a page that can do nothing."""
    row = get_object_or_404(_sent(scope_of(request)), pk=delivery_id, channel=Channel.EMAIL)
    return HttpResponse(_read(row).html)


def _read(row: Delivery) -> Shown:
    """Read a message's file; Http404 where it was tidied away."""
    ending = "eml" if row.channel == Channel.EMAIL else "json"
    path = outbox.folder_of(row.campaign.association_id) / f"{row.key.hex}.{ending}"
    try:
        return _opened(path)
    except FileNotFoundError:
        raise Http404 from None


def _opened(path: Path) -> Shown:
    data = path.read_bytes()
    if path.suffix == ".json":
        told = json.loads(data)
        return Shown(told["sender"], told["text"])
    mail = message_from_bytes(data, policy=default)
    return Shown(str(mail["Subject"]), _part(mail, "plain"), _part(mail, "html"))


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
