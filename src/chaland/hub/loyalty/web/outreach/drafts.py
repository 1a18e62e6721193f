"""A campaign in preparation as its one page shows and sends it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.consent.wordings import LANGUAGES
from chaland.hub.loyalty.models import Campaign, CampaignText, Channel
from chaland.hub.loyalty.outreach import automatic_texts, campaigns
from chaland.hub.loyalty.outreach.campaigns import CampaignErrorFinal
from chaland.hub.loyalty.sales import town
from chaland.hub.loyalty.web.outreach import criteria
from chaland.hub.loyalty.web.outreach.criteria import Criteria

HOLDOUTS = (0, 5, 10, 20)
WAYS = {
    "email,sms": ["email", "sms"],
    "sms,email": ["sms", "email"],
    "email": ["email"],
    "sms": ["sms"],
}
"""By which way a campaign writes, as one choice instead of two boxes and an order."""
_AT = "%Y-%m-%dT%H:%M"
_READ = (_AT, f"{_AT}:%S")  # some browsers send the seconds, too
_TYPING = timedelta(minutes=5)
"""A time so little past was to come when it was typed."""
_AHEAD = timedelta(days=365)
_LAST_YEAR = 9_000  # no overflow in another time zone


@dataclass(frozen=True, slots=True)
class Words:
    """What is said by a channel in a language."""

    subject: str = ""
    body: str = ""
    button: str = ""

    @classmethod
    def of(cls, text: CampaignText) -> "Words":
        return cls(text.subject, text.body, text.button)

    @property
    def empty(self) -> bool:
        return not (self.subject or self.body or self.button)


@dataclass(frozen=True)
class Draft:
    """All fields of the page. ``criteria``: None, where the page did not ask: what is kept stays.
    ``at``: local time; None: at once."""

    name: str
    way: str
    holdout: str
    criteria: Criteria | None
    at: str | None
    words: Mapping[tuple[str, str], Words] = field(default_factory=dict)
    greetings: Mapping[str, str] = field(default_factory=dict)
    """Of an automatic message, by language."""

    @property
    def channels(self) -> list[str]:
        return WAYS.get(self.way, [])

    def send_at(self, zone: ZoneInfo, now: datetime) -> datetime:
        """Return when it is to go: ``now`` for at once. ValueError, in words: a time was asked for,
        and there is none that can be read, or it is past, or more than a year away."""
        if self.at is None:
            return now
        at = _read_at(self.at, zone)
        if at is None:
            raise ValueError(_("When it leaves: give the day and the time."))
        if at < now - _TYPING:
            raise ValueError(_("When it leaves: this time is past. Give one to come."))
        if at > now + _AHEAD:
            raise ValueError(_("When it leaves: give a time within a year."))
        return at

    def looked_at(self, zone: ZoneInfo, now: datetime) -> datetime:
        """Return the time for which the page looks: ``now`` where the time typed is none, which
        `save` tells, and nothing is sent."""
        try:
            return self.send_at(zone, now)
        except ValueError:
            return now


def _read_at(text: str, zone: ZoneInfo) -> datetime | None:
    for form in _READ:
        with suppress(ValueError):
            at = datetime.strptime(text, form).replace(tzinfo=zone)
            if not 1 < at.year < _LAST_YEAR:
                return None
            there = at.astimezone(UTC).astimezone(zone)  # clocks skip an hour in spring
            return at if there.replace(tzinfo=None) == at.replace(tzinfo=None) else None
    return None


def of(campaign: Campaign, zone: ZoneInfo, now: datetime) -> Draft:
    """Return the page of a campaign as it was saved."""
    later = campaign.send_at is not None and campaign.send_at > now
    at = campaign.send_at.astimezone(zone).strftime(_AT) if later and campaign.send_at else None
    return Draft(
        campaign.name,
        ",".join(campaign.channels),
        str(campaign.holdout_percent),
        campaign.criteria,
        at,
        {
            (text.channel, text.language): Words.of(text)
            for text in CampaignText.objects.filter(campaign=campaign)
        },
        _greetings(campaign),
    )


def _greetings(campaign: Campaign) -> dict[str, str]:
    if campaign.automatic not in automatic_texts.GREETED:
        return {}
    mails = CampaignText.objects.filter(campaign=campaign, channel=Channel.EMAIL)
    return dict.fromkeys(LANGUAGES, "") | {
        text.language: automatic_texts.greeting_of(
            campaign.automatic, text.channel, text.language, text.body
        )
        or ""
        for text in mails
    }


def posted(data: QueryDict) -> Draft:
    """Return the page as it was sent."""
    words = {}
    for channel, language in pairs():
        name = f"{channel}.{language}"
        if f"{name}.body" in data:
            told = (data.get(f"{name}.{part}", "") for part in ("subject", "body", "button"))
            words[channel, language] = Words(*(text.replace("\r\n", "\n") for text in told))
    when, at = data.get("when", ""), data.get("at", "").strip()
    return Draft(
        data.get("name", "").strip(),
        data.get("way", ""),
        data.get("holdout", "0"),
        criteria.read(data) if "whom" in data else None,
        None if when == "now" or not (when or at) else at,
        words,
        {each: data.get(f"greeting.{each}", "").strip() for each in LANGUAGES},
    )


def pairs() -> Iterator[tuple[str, str]]:
    """Yield each channel with each language, as the page lists them."""
    for channel in (Channel.EMAIL, Channel.SMS):
        for language in LANGUAGES:
            yield channel, language


def save(campaign: Campaign, draft: Draft) -> list[str]:
    """Keep all of a draft that can be kept, and say what can't and why; nothing: all is kept, and
    it may go when it says."""
    faults: list[str] = []
    changes: dict[str, object] = {"channels": draft.channels}
    if not campaign.automatic:
        changes["name"] = draft.name[:80]
        if draft.holdout in map(str, HOLDOUTS):
            changes["holdout_percent"] = int(draft.holdout)
        else:
            faults.append(_("Kept apart: choose from the list."))
        if draft.criteria is not None:
            changes["criteria"] = draft.criteria
    if any(getattr(campaign, key) != value for key, value in changes.items()):
        try:
            campaigns.edit(campaign.pk, **changes)
        except CampaignErrorFinal as error:
            faults += error.reasons
    if campaign.automatic:
        faults += _greet(campaign.pk, draft.greetings)
    had = of(campaign, ZoneInfo("UTC"), campaign.created_at).words
    for (channel, language), words in draft.words.items():
        if words != had.get((channel, language), Words()):
            faults += _write(campaign.pk, channel, language, words)
    campaign.refresh_from_db()
    try:
        draft.send_at(town.zone_of(campaign.association_id), clock.now())
    except ValueError as error:
        faults.append(str(error))
    return faults


def _greet(campaign_id: int, greetings: Mapping[str, str]) -> list[str]:
    try:
        campaigns.write_automatic(campaign_id, greetings)
    except CampaignErrorFinal as error:
        return list(error.reasons)
    return []


def _write(campaign_id: int, channel: str, language: str, words: Words) -> list[str]:
    try:
        if words.empty:
            campaigns.remove_text(campaign_id, channel, language)
        else:
            campaigns.write_text(
                campaign_id,
                channel,
                language,
                subject=words.subject.strip()[:120],
                body=words.body,
                button=words.button.strip()[:40],
            )
    except CampaignErrorFinal as error:
        where = {
            "channel": Channel(channel).label,
            "language": _("French") if language == "fr" else _("English"),
        }
        text = _("%(channel)s, %(language)s: %(reason)s")
        return [text % {**where, "reason": reason} for reason in error.reasons]
    return []
