"""The director's page of gateways: by what messages leave, tried with one to oneself."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chaland.hub.association import limits
from chaland.hub.association.access import director_required, required_role
from chaland.hub.common import clock
from chaland.hub.loyalty.members import contacts
from chaland.hub.loyalty.members.rules import MemberErrorFinal
from chaland.hub.loyalty.models import Channel, Gateway, Inbound
from chaland.hub.loyalty.outreach import gateways
from chaland.hub.loyalty.outreach.engine import machines
from chaland.hub.loyalty.outreach.mail import dns
from chaland.hub.loyalty.outreach.mail.settings import ADDRESS
from chaland.hub.loyalty.outreach.shapes import (
    GatewayErrorFinal,
    GatewayErrorTemporary,
    Outcome,
    Result,
)
from chaland.hub.loyalty.outreach.sms.compose import checked_sender
from chaland.hub.loyalty.web.outreach import gateway_settings
from chaland.hub.loyalty.web.outreach.gateway_settings import SettingsErrorFinal

CHANNELS = (Channel.EMAIL, Channel.SMS)
TESTS_AN_HOUR = 10
"""Of an association: each costs something, and may go to any number."""
_HOUR = timedelta(hours=1)
_TROUBLES = 10
_RATES = {"rate_per_s": 10, "first_hour": 0}
_DIGITS = 9
_FAILED = "gateway_tests_failed"
_BOUNDS = {"rate_per_s": (1, 1_000), "first_hour": (0, 100_000)}


@director_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show both channels' gateways, with what is wrong."""
    town = required_role(request).association_id
    failed: dict[str, str] = request.session.get(_FAILED, {})
    context = {
        "ways": [_way(town, channel, failed) for channel in CHANNELS],
        "doubt": machines.ask(clock.now()),
        "own": request.user.get_username(),
        "troubles": Inbound.objects.filter(gateway__association_id=town)
        .exclude(trouble="")
        .order_by("-received_at")[:_TROUBLES],
    }
    return render(request, "loyalty/outreach/gateways.html", context)


def _way(town: int, channel: Channel, failed: Mapping[str, str]) -> dict[str, Any]:
    gateway = gateways.active(town, channel)
    names = dict(gateway_settings.drivers_of(channel))
    way: dict[str, Any] = {
        "channel": channel.value,
        "label": channel.label,
        "gateway": gateway,
        "drivers": list(names.items()),
    }
    if gateway is not None:
        way["failed"] = failed.get(str(gateway.pk), "")
        way["driver"] = names.get(gateway.driver, gateway.driver)
        way["hook"] = f"{settings.PUBLIC_ORIGIN}/hooks/outreach/{gateway.hook}/"
        way["calls"] = gateway.driver not in ("outbox", "smpp", "smtp")
        if channel == Channel.EMAIL and gateway.driver != "outbox":
            way["proof"] = _proof(gateway)
    return way


def _proof(gateway: Gateway) -> list[tuple[str, bool, str]]:
    """Tell SPF, DKIM and DMARC: found or not, and what was found or is to be done."""
    proof = gateway.proof
    if not proof:
        return []
    found = [
        (name.upper(), not lacks, dns.words(name, proof["asked"]) if lacks else proof[name])
        for name in ("spf", "dkim", "dmarc")
        for lacks in [name in proof["missing"]]
    ]
    if "aligned" in proof["missing"]:
        found.append((_("Bounce address"), False, dns.words("aligned", proof["asked"])))
    return found


@director_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, channel: str, driver: str) -> HttpResponse:
    """Set a gateway up, or change it; secrets are written and never shown."""
    town = required_role(request).association_id
    if channel not in CHANNELS or driver not in dict(gateway_settings.drivers_of(channel)):
        raise Http404
    now_active = gateways.active(town, channel)
    same = now_active if now_active is not None and now_active.driver == driver else None
    had = gateway_settings.settings_of(same) if same else {}
    form = partial(_form, request, channel, driver)
    if request.method == "GET":
        values: dict[str, Any] = {"sender": now_active.sender if now_active else ""}
        values |= {name: getattr(same, name) if same else usual for name, usual in _RATES.items()}
        taken_over = gateway_settings.common_of(now_active) if now_active else {}
        return form(had if same else taken_over, values)
    sender = request.POST.get("sender", "").strip()
    values = {"sender": sender, **{name: request.POST.get(name, "") for name in _RATES}}
    rates, faults = _rates(request.POST)
    if why := _against_sender(channel, sender):
        faults["sender"] = why
    told: dict[str, Any] = {}
    try:
        told = gateway_settings.read(driver, channel, request.POST, had)
    except SettingsErrorFinal as error:
        faults |= error.faults
    if faults:
        return form(had, values, faults=faults)
    try:
        saved = gateways.save(
            town, channel, driver=driver, sender=sender, settings=told, now=clock.now(), **rates
        )
    except ValidationError as error:
        return form(had, values, whole=error.messages)
    except (GatewayErrorFinal, ValueError) as error:
        return form(had, values, whole=[str(error)])
    _remember(request, saved, "")
    messages.success(request, _("Saved. Send yourself a test message now."))
    return redirect("gateways")


def _rates(data: QueryDict) -> tuple[dict[str, int], dict[str, str]]:
    """Read how fast it may send; what was not asked (of the outbox) is as usual."""
    found, faults = {}, {}
    for name, usual in _RATES.items():
        text = data.get(name, str(usual)).strip()
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else -1
        least, most = _BOUNDS[name]
        if least <= number <= most:
            found[name] = number
        else:
            bounds = {"least": least, "most": most}
            faults[name] = _("Write a whole number from %(least)d to %(most)d.") % bounds
    return found, faults


def _against_sender(channel: str, sender: str) -> str:
    """Say what is wrong with a sender, or nothing."""
    if channel == Channel.EMAIL:
        good = ADDRESS.fullmatch(sender)
        return "" if good else _("Write an e-mail address, like shop@example.org.")
    try:
        checked_sender(sender)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _form(
    request: HttpRequest,
    channel: str,
    driver: str,
    had: Mapping[str, Any],
    values: dict[str, Any],
    *,
    faults: Mapping[str, str] | None = None,
    whole: Sequence[str] = (),
) -> HttpResponse:
    """Show the form, as it stands or as it was typed; ``faults``: by field, ``whole``: of all."""
    at = faults or {}
    typed = request.POST if request.method == "POST" else None
    context = {
        "channel": channel,
        "label": Channel(channel).label,
        "driver": driver,
        "driver_name": dict(gateway_settings.drivers_of(channel))[driver],
        "fields": gateway_settings.fields(driver, channel, had, typed, at),
        "values": values,
        "at": at,
        "whole": whole,
        "faults": [*whole, *at.values()],
    }
    status = 422 if whole or at else 200
    return render(request, "loyalty/outreach/gateway.html", context, status=status)


def _active(request: HttpRequest, channel: str) -> Gateway:
    gateway = gateways.active(required_role(request).association_id, channel)
    if gateway is None:
        raise Http404
    return gateway


@director_required
@require_POST
def try_out(request: HttpRequest, channel: str) -> HttpResponse:
    """Send a test message to oneself: by mail to the own account's address, by SMS to a number that
    is typed and not kept."""
    gateway = _active(request, channel)
    if not limits.count(f"gateway-test:{gateway.association_id}", TESTS_AN_HOUR, _HOUR):
        said = _("That were %(n)d test messages within the hour: try again later.")
        messages.error(request, said % {"n": TESTS_AN_HOUR})
        return redirect("gateways")
    to = request.user.get_username()  # which is the address: people sign in by it
    try:
        if channel == Channel.SMS:
            to = contacts.phone_of(request.POST.get("mobile", ""))
        outcome = gateways.try_out(gateway, to, clock.now())
    except MemberErrorFinal as error:
        messages.error(request, str(error))
        return redirect("gateways")
    except (GatewayErrorFinal, GatewayErrorTemporary) as error:
        why = _("It did not leave: %(why)s") % {"why": error}
        messages.error(request, why)
        _remember(request, gateway, why)
        return redirect("gateways")
    _say(request, outcome)
    _remember(request, gateway, "")
    return redirect("gateways")


def _remember(request: HttpRequest, gateway: Gateway, why: str) -> None:
    """Keep why the director's last test failed, for the card, until one leaves or it is changed."""
    failed = dict(request.session.get(_FAILED, {}))
    failed.pop(str(gateway.pk), None)
    request.session[_FAILED] = failed | ({str(gateway.pk): why} if why else {})


def _say(request: HttpRequest, outcome: Outcome) -> None:
    if outcome.result == Result.ACCEPTED:
        messages.success(request, _("The test message was handed over: look whether it arrives."))
    elif outcome.result == Result.UNKNOWN:
        messages.warning(request, _("It may have left: the gateway did not answer in the end."))
    else:
        messages.error(request, _("It was refused: %(why)s") % {"why": outcome.code or "–"})


@director_required
@require_POST
def ask_dns(request: HttpRequest, channel: str) -> HttpResponse:
    """Ask DNS again, at once, what it says of the sender's domain."""
    gateway = _active(request, channel)
    if channel != Channel.EMAIL:
        raise Http404
    gateway.proof = {}
    try:
        reason = dns.reason_not_to_send(gateway, clock.now())
    except GatewayErrorFinal as error:
        reason = str(error)
    if reason:
        messages.error(request, reason)
    else:
        messages.success(request, _("SPF, DKIM and DMARC are in order: mails may leave."))
    return redirect("gateways")


@director_required
@require_POST
def stop(request: HttpRequest, channel: str) -> HttpResponse:
    """Let nothing more leave by a channel."""
    gateway = _active(request, channel)
    gateways.stop(gateway.association_id, channel)
    messages.success(request, _("Stopped: nothing leaves by it any more."))
    return redirect("gateways")
