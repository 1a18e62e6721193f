"""What stands against announcing a campaign: said before the button, and asked again by it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from chaland.hub.loyalty.consent.wordings import LANGUAGES
from chaland.hub.loyalty.models import Campaign, CampaignText, Channel, Gateway, Permission
from chaland.hub.loyalty.outreach import automatic_texts, drivers, placeholders
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal, Reach, Sms, Waiting
from chaland.hub.loyalty.outreach.sms.encoding import looked
from chaland.hub.loyalty.sales import legal, town

SEGMENTS_AT_MOST = 6
"""SMS that one message may be joined of: more, providers refuse; each is paid for."""
_LONGEST = {str(Channel.EMAIL): 10_000, str(Channel.SMS): 1_000}
"""Characters of a text."""


def reasons(campaign: Campaign, send_at: datetime, now: datetime) -> list[str]:
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
    return found + _against_words(campaign, send_at) + _against_automatic(campaign)


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
        long = list(_try_to_compose(campaign, gateway, texts))
    except GatewayErrorFinal as error:
        return [str(error)]
    missing = _missing(campaign, channel, texts)
    names = {"fr": _("French"), "en": _("English")}
    told = {"channel": channel.label, "languages": ", ".join(names[each] for each in missing)}
    found = [_("%(channel)s: no text in %(languages)s.") % told] if missing else []
    for each in long:
        most = {"language": names[each], "most": SEGMENTS_AT_MOST}
        found.append(_("SMS, %(language)s: longer than %(most)d SMS in one. Shorten it.") % most)
    for text in texts.values():
        found += [f"{channel.label} {text.language}: {one}" for one in of_text(text)]
        if not text.body.strip() or (channel == Channel.EMAIL and not text.subject.strip()):
            found.append(_("%(channel)s: a text or a subject is empty.") % told)
    return found


def of_text(text: CampaignText) -> list[str]:
    """Say what is wrong with a text by itself: what it leaves open, and its length."""
    found = [str(one) for one in placeholders.check(text.body)]
    for part, label in ((text.subject, _("Subject")), (text.button, _("Button"))):
        found += [f"{label} · {one}" for one in placeholders.check(part)]
    if len(text.body) > (most := _LONGEST[text.channel]):
        found.append(_("It is longer than %(most)d characters.") % {"most": most})
    return found


def _try_to_compose(
    campaign: Campaign, gateway: Gateway, languages: Iterable[str]
) -> Iterator[str]:
    """Make one message for nobody in each language; yield the languages whose SMS is too long.
    GatewayErrorFinal: the gateway's settings don't allow it."""
    nobody = Waiting(0, UUID(int=0), campaign.pk, 0, gateway.channel, "", campaign.created_at)
    composer = drivers.composer(campaign, gateway)
    for language in languages:
        words = dict.fromkeys(placeholders.PERSONAL, "-")
        made = composer.message(nobody, Reach("nobody@example.org", language, words))
        if isinstance(made, Sms) and looked(made.text).segments > SEGMENTS_AT_MOST:
            yield language


def _missing(campaign: Campaign, channel: str, written: Collection[str]) -> list[str]:
    """Return the languages of who may be written to (French where there is nobody) that have no
    text. Only these are asked for, and one reader is enough: SQLite's lock is held meanwhile."""
    agreed = Permission.objects.filter(
        controller=campaign.controller,
        purpose=campaign.purpose,
        channel=channel,
        given=True,
        member__association_id=campaign.association_id,
    )
    absent = [each for each in LANGUAGES if each not in written]
    missing = [each for each in absent if agreed.filter(member__language=each).exists()]
    if not missing and LANGUAGES[0] in absent:
        read = agreed.filter(member__language__in=LANGUAGES).exists()
        return [] if read else [LANGUAGES[0]]
    return missing


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


def _against_automatic(campaign: Campaign) -> list[str]:
    """Say where an automatic message's text is not ours: it was written before that was asked."""
    if not campaign.automatic:
        return []
    found = [
        reason
        for text in _texts(campaign, campaign.channels)
        for reason in automatic_texts.refusals(
            campaign.automatic,
            text.channel,
            text.language,
            automatic_texts.Fixed(text.subject, text.body, text.button),
        )
    ]
    return list(dict.fromkeys(found))
