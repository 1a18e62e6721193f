"""Campaigns: prepared, announced, paused, resumed, cancelled. None of it sends: the queue does, row
by row, so whatever is said here twice, or by two people at once, no message leaves twice.

Each is one transaction under the campaign's lock, says nothing where it is so already, and raises
CampaignErrorFinal with the reason where it can't be.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from chaland.hub.loyalty import contention
from chaland.hub.loyalty.models import (
    Campaign,
    CampaignText,
    Channel,
    Delivery,
    Gateway,
    Member,
    Permission,
    Purpose,
)
from chaland.hub.loyalty.outreach import drivers, keys, placeholders, values
from chaland.hub.loyalty.outreach.audience import freezing, segments
from chaland.hub.loyalty.outreach.mail.templates import Letter, compile_html
from chaland.hub.loyalty.outreach.running import EXPIRES_AFTER, end_waiting
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal, Reach, Waiting
from chaland.hub.loyalty.sales import legal, town

LANGUAGES = ("fr", "en")
HOLDOUT_AT_MOST = 50
_CHANNELS = (Channel.SMS, Channel.EMAIL)
_State = Campaign.State
_OPEN = (_State.DRAFT,)
_FIELDS = frozenset({"name", "purpose", "channels", "criteria", "holdout_percent", "sale_id"})


class CampaignErrorFinal(Exception):
    """It can't be done. ``reasons`` says why, each a sentence for who asked, in their language."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


def create(
    association_id: int, controller: int, *, name: str, created_by: str, now: datetime, **more: Any
) -> Campaign:
    """Begin a campaign of a controller (0: the association). ``more``: ``channels``, ``criteria``,
    ``purpose``, ``holdout_percent``, ``sale_id``, ``automatic``."""
    automatic = more.pop("automatic", "")
    _checked({"name": name, **more}, controller)
    same = Campaign.objects.filter(
        association_id=association_id, controller=controller, automatic=automatic
    )
    if automatic and same.exists():
        raise CampaignErrorFinal(_("There is one of this kind already: change that one."))
    return Campaign.objects.create(
        association_id=association_id,
        controller=controller,
        automatic=automatic,
        name=name,
        seed=secrets.randbits(63),
        created_at=now,
        created_by=created_by,
        **{"purpose": _purpose(automatic), "channels": list(_CHANNELS), **more},
    )


def edit(campaign_id: int, **changes: Any) -> Campaign:
    """Change a campaign that is still in preparation."""

    def change(campaign: Campaign) -> None:
        _in(campaign, _OPEN, _("It is announced already: take it back first, or make a new one."))
        _checked(changes, campaign.controller)
        for field, value in changes.items():
            setattr(campaign, field, value)

    return _changed(campaign_id, change)


def write_text(
    campaign_id: int, channel: str, language: str, *, body: str, subject: str = "", button: str = ""
) -> CampaignText:
    """Write what a campaign says by a channel in a language; a mail's HTML is made now."""
    with transaction.atomic(using="loyalty"):
        campaign = Campaign.objects.select_for_update().get(pk=campaign_id)
        _in(campaign, _OPEN, _("It is announced already: take it back first, or make a new one."))
        text = CampaignText(
            campaign=campaign,
            channel=channel,
            language=language,
            subject=subject,
            body=body,
            button=button,
        )
        if reasons := [str(one) for one in placeholders.check(body)]:
            raise CampaignErrorFinal(*reasons)
        if channel == Channel.EMAIL:
            text.html = compile_html(Letter.of(text, campaign))
        CampaignText.objects.filter(campaign=campaign, channel=channel, language=language).delete()
        text.save()
    return text


def remove_text(campaign_id: int, channel: str, language: str) -> None:
    """Take a text back: its readers get the other language, if they must."""
    with transaction.atomic(using="loyalty"):
        campaign = Campaign.objects.select_for_update().get(pk=campaign_id)
        _in(campaign, _OPEN, _("It is announced already: take it back first, or make a new one."))
        CampaignText.objects.filter(campaign=campaign, channel=channel, language=language).delete()


def reasons_against(campaign: Campaign, send_at: datetime, now: datetime) -> list[str]:
    """Say why a campaign can't be announced for ``send_at``; nothing: it can."""
    found = [] if campaign.channels else [_("Choose e-mail, SMS or both.")]
    for channel in campaign.channels:
        found += _against_channel(campaign, Channel(channel))
    if campaign.sale is not None:
        if campaign.sale.state != campaign.sale.State.OPEN:
            found.append(_("Announce the private sale first."))
        elif campaign.sale.ends_at <= max(send_at, now):
            found.append(_("The private sale is over by then."))
    if campaign.expires_at is not None and campaign.expires_at <= max(send_at, now):
        found.append(_("It is out of date before it would be sent."))
    return found + _against_words(campaign, send_at)


def schedule(
    campaign_id: int, send_at: datetime, now: datetime, expires_at: datetime | None = None
) -> Campaign:
    """Announce a campaign: at ``send_at`` (at once, if that is past) its audience is drawn and it
    is sent, until ``expires_at`` (usually the sale's end, or three days)."""

    def change(campaign: Campaign) -> None:
        _in(campaign, (*_OPEN, _State.SCHEDULED), _("It has been sent already, or cancelled."))
        campaign.send_at = max(send_at, now)
        over = campaign.sale.ends_at if campaign.sale else campaign.send_at + EXPIRES_AFTER
        campaign.expires_at = None if campaign.automatic else expires_at or over
        if reasons := reasons_against(campaign, campaign.send_at, now):
            raise CampaignErrorFinal(*reasons)
        if not campaign.automatic:
            campaign.counted = freezing.sizes(campaign, now)
        campaign.state, campaign.trouble = _State.SCHEDULED, ""

    return _changed(campaign_id, change)


def take_back(campaign_id: int) -> Campaign:
    """Bring an announced campaign, whose audience isn't drawn yet, back into preparation."""

    def change(campaign: Campaign) -> None:
        drawn = campaign.frozen_at is not None and not campaign.automatic
        _in(campaign, (*_OPEN, _State.SCHEDULED, _State.PAUSED), _("It is being sent already."))
        if drawn:
            raise CampaignErrorFinal(_("It is being sent already."))
        campaign.state = _State.DRAFT

    return _changed(campaign_id, change)


def pause(campaign_id: int) -> Campaign:
    """Stop handing over, within a second, also in the middle of a batch."""

    def change(campaign: Campaign) -> None:
        _in(campaign, (_State.RUNNING, _State.PAUSED), _("It is not being sent."))
        campaign.state = _State.PAUSED

    return _changed(campaign_id, change)


def resume(campaign_id: int, now: datetime) -> Campaign:
    """Go on with what was not handed over."""

    def change(campaign: Campaign) -> None:
        _in(campaign, (_State.RUNNING, _State.PAUSED), _("It is not paused."))
        if campaign.expires_at is not None and campaign.expires_at <= now:
            raise CampaignErrorFinal(_("It is out of date: what was not sent stays so."))
        drawn = campaign.frozen_at is not None
        campaign.state = _State.RUNNING if drawn or campaign.automatic else _State.SCHEDULED
        campaign.trouble = ""

    return _changed(campaign_id, change)


def cancel(campaign_id: int, now: datetime) -> Campaign:
    """End a campaign for good; what was handed over is, what waits is not sent."""

    def change(campaign: Campaign) -> None:
        if campaign.state == _State.FINISHED:
            raise CampaignErrorFinal(_("It has been sent already."))
        campaign.state = _State.CANCELLED

    campaign = _changed(campaign_id, change)
    end_waiting(campaign_id, Delivery.Reason.CANCELLED, now)
    return campaign


def send_receipt(campaign: Campaign, member: Member, receipt_id: int, now: datetime) -> bool:
    """Plan the receipt that a member asked for, by the first channel that reaches; once, however
    often it is asked. False where the association sends none, or it is planned already."""
    if campaign.state != _State.RUNNING or campaign.automatic != Campaign.Automatic.RECEIPT:
        return False
    has = {Channel.SMS: member.phone_index, Channel.EMAIL: member.email_index}
    channel = next((c for c in campaign.channels if has[Channel(c)] is not None), None)
    if channel is None:
        return False
    occasion = f"{values.RECEIPT}{receipt_id}"
    _row, made = Delivery.objects.get_or_create(
        key=keys.delivery_key(keys.salt(campaign.seed, channel, occasion), member.pk),
        defaults={
            "campaign": campaign,
            "member": member,
            "channel": channel,
            "occasion": occasion,
            "not_before": now,
            "expires_at": now + EXPIRES_AFTER,
            "changed_at": now,
        },
    )
    return made


@contention.anew
def _changed(campaign_id: int, change: Callable[[Campaign], None]) -> Campaign:
    with transaction.atomic(using="loyalty"):
        campaign = Campaign.objects.select_for_update().get(pk=campaign_id)
        change(campaign)
        campaign.save()
    return campaign


def _in(campaign: Campaign, states: Iterable[str], otherwise: str) -> None:
    if campaign.state not in states:
        raise CampaignErrorFinal(otherwise)


def _purpose(automatic: str) -> str:
    return Purpose.REMINDERS if automatic else Purpose.OFFERS


def _checked(changes: Mapping[str, Any], controller: int) -> None:
    """Refuse what a campaign can't have."""
    unknown = changes.keys() - _FIELDS
    if unknown:
        raise TypeError(f"a campaign has no {', '.join(sorted(unknown))}")
    reasons = []
    if not changes.get("name", "-").strip():
        reasons.append(_("Give it a name."))
    channels = changes.get("channels", _CHANNELS)
    if set(channels) - set(_CHANNELS) or len(set(channels)) < len(channels):
        reasons.append(_("Choose e-mail, SMS or both."))
    if not 0 <= changes.get("holdout_percent", 0) <= HOLDOUT_AT_MOST:
        reasons.append(_("Between 0 and 50 percent can be kept apart."))
    try:
        segments.parse(changes.get("criteria", []), controller)
    except segments.SegmentErrorFinal as error:
        reasons.append(str(error))
    if reasons:
        raise CampaignErrorFinal(*reasons)


def _against_channel(campaign: Campaign, channel: Channel) -> list[str]:
    """Say what is missing for one channel: a gateway, its settings, a text in each language."""
    gateway = Gateway.objects.filter(
        association_id=campaign.association_id, channel=channel, active=True
    ).first()
    if gateway is None:
        return [_("There is no gateway for %(channel)s yet.") % {"channel": channel.label}]
    texts = {text.language: text for text in _texts(campaign, [channel])}
    try:
        drivers.open_gateway(gateway).close()
        _try_to_compose(campaign, gateway, texts)
    except GatewayErrorFinal as error:
        return [str(error)]
    missing = sorted(languages_of(campaign, channel) - texts.keys())
    names = {"fr": _("French"), "en": _("English")}
    told = {"channel": channel.label, "languages": ", ".join(names[each] for each in missing)}
    found = [_("%(channel)s: no text in %(languages)s.") % told] if missing else []
    for text in texts.values():
        found += [
            f"{channel.label} {text.language}: {one}" for one in placeholders.check(text.body)
        ]
        if not text.body.strip() or (channel == Channel.EMAIL and not text.subject.strip()):
            found.append(_("%(channel)s: a text or a subject is empty.") % told)
    return found


def _try_to_compose(campaign: Campaign, gateway: Gateway, languages: Iterable[str]) -> None:
    """Make one message for nobody in each language. GatewayErrorFinal: the gateway's settings
    don't allow it."""
    nobody = Waiting(0, UUID(int=0), campaign.pk, 0, gateway.channel, "", campaign.created_at)
    composer = drivers.composer(campaign, gateway)
    for language in languages:
        words = dict.fromkeys(placeholders.PERSONAL, "-")
        composer.message(nobody, Reach("nobody@example.org", language, words))


def languages_of(campaign: Campaign, channel: str) -> set[str]:
    """Return the languages of who may be written to; French where there is nobody."""
    agreed = Permission.objects.filter(
        controller=campaign.controller,
        purpose=campaign.purpose,
        channel=channel,
        given=True,
        member__association_id=campaign.association_id,
    )
    found = set(agreed.values_list("member__language", flat=True).distinct())
    return found & set(LANGUAGES) or {LANGUAGES[0]}


def _against_words(campaign: Campaign, send_at: datetime) -> list[str]:
    """Say where a text speaks of soldes outside of their days (L21)."""
    department = town.department_of(campaign.association_id)
    if campaign.sale is not None:
        first, last = town.days_of(campaign.sale)
    else:
        first = last = send_at.astimezone(town.zone_of(campaign.association_id)).date()
    words = {
        one.word
        for text in _texts(campaign, campaign.channels)
        for part in (text.subject, text.body, text.button)
        for one in legal.complaints(part, first, department, last)
    }
    said = _("“%(word)s” may be said only of the legal periods of soldes.")
    return [said % {"word": word} for word in sorted(words)]


def _texts(campaign: Campaign, channels: Sequence[str]) -> Iterable[CampaignText]:
    return CampaignText.objects.filter(campaign=campaign, channel__in=channels)
