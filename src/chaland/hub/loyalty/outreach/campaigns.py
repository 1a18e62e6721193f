"""Campaigns: prepared, announced, paused, resumed, cancelled. None of it sends: the queue does, row
by row, so whatever is said here twice, or by two people at once, no message leaves twice.

Each is one transaction under the campaign's lock, says nothing where it is so already, and raises
CampaignErrorFinal with the reason where it can't be.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from chaland.hub.loyalty import contention
from chaland.hub.loyalty.consent.wordings import LANGUAGES
from chaland.hub.loyalty.models import (
    Campaign,
    CampaignText,
    Channel,
    Delivery,
    Member,
    Purpose,
)
from chaland.hub.loyalty.outreach import against, automatic_texts, keys, values
from chaland.hub.loyalty.outreach.audience import freezing, segments
from chaland.hub.loyalty.outreach.mail.templates import Letter, compile_html
from chaland.hub.loyalty.outreach.running import end_waiting

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
    """Write what a campaign says by a channel in a language; a mail's HTML is made now. An
    automatic one says our sentences, and at most a greeting (`automatic_texts`)."""
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
        reasons = against.of_text(text)
        if campaign.automatic:
            said = automatic_texts.Fixed(subject, body, button)
            reasons += automatic_texts.refusals(campaign.automatic, channel, language, said)
        if reasons:
            raise CampaignErrorFinal(*reasons)
        if channel == Channel.EMAIL:
            text.html = compile_html(Letter.of(text, campaign))
        CampaignText.objects.filter(campaign=campaign, channel=channel, language=language).delete()
        text.save()
    return text


@transaction.atomic(using="loyalty")
def write_automatic(campaign_id: int, greetings: Mapping[str, str]) -> None:
    """Write an automatic campaign's texts by both channels, with a greeting by language."""
    kind = Campaign.objects.values_list("automatic", flat=True).get(pk=campaign_id)
    for language in LANGUAGES:
        for channel in _CHANNELS:
            greeting = greetings.get(language, "").strip()
            said = automatic_texts.fixed(kind, channel, language, greeting)
            write_text(
                campaign_id, channel, language,
                subject=said.subject, body=said.body, button=said.button,
            )  # fmt: skip


def remove_text(campaign_id: int, channel: str, language: str) -> None:
    """Take a text back: its readers get the other language, if they must."""
    with transaction.atomic(using="loyalty"):
        campaign = Campaign.objects.select_for_update().get(pk=campaign_id)
        _in(campaign, _OPEN, _("It is announced already: take it back first, or make a new one."))
        CampaignText.objects.filter(campaign=campaign, channel=channel, language=language).delete()


def schedule(
    campaign_id: int, send_at: datetime, now: datetime, expires_at: datetime | None = None
) -> Campaign:
    """Announce a campaign: at ``send_at`` (at once, if that is past) its audience is drawn and it
    is sent, until ``expires_at`` (usually the sale's end, or three days)."""

    def change(campaign: Campaign) -> None:
        _in(campaign, (*_OPEN, _State.SCHEDULED), _("It has been sent already, or cancelled."))
        campaign.send_at = max(send_at, now)
        over = campaign.sale.ends_at if campaign.sale else campaign.send_at + freezing.EXPIRES_AFTER
        campaign.expires_at = None if campaign.automatic else expires_at or over
        if reasons := against.reasons(campaign, campaign.send_at, now):
            raise CampaignErrorFinal(*reasons)
        if not campaign.automatic:
            try:
                campaign.counted = freezing.sizes(campaign, now)
            except segments.SegmentErrorFinal as error:
                raise CampaignErrorFinal(str(error)) from None
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
    """Plan the receipt that a member asked for, by the first channel that reaches; once, whoever
    sends it, and however often it is asked. False where the association sends none, or it is
    planned already: also by another channel, or for a double that was merged since."""
    if campaign.state != _State.RUNNING or campaign.automatic != Campaign.Automatic.RECEIPT:
        return False
    has = {Channel.SMS: member.phone_index, Channel.EMAIL: member.email_index}
    channel = next((c for c in campaign.channels if has[Channel(c)] is not None), None)
    if channel is None:
        return False
    occasion = f"{values.RECEIPT}{receipt_id}"
    if Delivery.objects.filter(member=member, occasion=occasion).exists():
        return False
    _row, made = Delivery.objects.get_or_create(
        key=keys.delivery_key(keys.salt(campaign.seed, channel, occasion), member.pk),
        defaults={
            "campaign": campaign,
            "member": member,
            "channel": channel,
            "occasion": occasion,
            "not_before": now,
            "expires_at": now + freezing.EXPIRES_AFTER,
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
