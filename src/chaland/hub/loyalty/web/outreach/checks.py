"""What is shown before the button: who will be written to, what it costs, when it may go, who else
writes that week, and what stands against it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.utils.translation import gettext as _

from chaland.hub.loyalty import few
from chaland.hub.loyalty.models import Campaign, CampaignText, Channel, Delivery
from chaland.hub.loyalty.outreach import against, hours, pressure, values
from chaland.hub.loyalty.outreach.audience import freezing, segment_words, segments
from chaland.hub.loyalty.outreach.audience.freezing import Estimate
from chaland.hub.loyalty.outreach.audience.segments import SegmentErrorFinal
from chaland.hub.loyalty.outreach.pressure import Planned
from chaland.hub.loyalty.outreach.results import uplift
from chaland.hub.loyalty.outreach.sms.encoding import looked
from chaland.hub.loyalty.web.outreach import samples
from chaland.hub.loyalty.web.outreach.scope import Scope

NEAR = timedelta(days=3)
"""Others' campaigns so near to one's own ask for the same places in the members' week."""
_BANDS = (50, 200, 1_000, 5_000)
_MICRO = 1_000_000
_BUY_ANYWAY = 0.2
"""The share that buys without a campaign, for saying beforehand what can be seen."""


@dataclass(frozen=True, slots=True)
class Other:
    """Another's campaign in the calendar: nothing of it but who, when, by what, how large."""

    at: datetime
    who: str
    own: bool
    channels: str
    band: str
    state: str
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class SmsCost:
    """An SMS at its longest: language, text whole, segments, encoding, and what forces it."""

    language: str
    text: str
    segments: int
    encoding: str
    culprits: str


@dataclass(frozen=True)
class Checks:
    """All of it. ``faults``: what was not saved; ``against``: what must be put right first."""

    estimate: Estimate | None
    allowing: tuple[int | None, int | None] | None
    """How many of the members let their purchases be looked at, and of how many; None: nothing of
    the choice looks at purchases, or enough are chosen."""
    whom: Sequence[str]
    """Why these people: what each criterion says; nothing: everybody who agreed."""
    chosen: Sequence[tuple[str, int | None]]
    left_out: Sequence[tuple[str, int | None]]
    opens: Sequence[tuple[str, datetime, bool]]
    """Channel, when it may go, whether that is later than asked."""
    others: Sequence[Other]
    sms: Sequence[SmsCost]
    cost_cents: int | None
    """None: the gateway's price isn't known."""
    against: Sequence[str]
    send_at: datetime
    smallest_percent: float | None
    """By how many points the share of buyers must change to be seen; None: not readable."""
    readable_from: int = uplift.READABLE


@dataclass(frozen=True, slots=True)
class Texts:
    """What is read of a campaign's saved rows: what stands against them, and what an SMS costs."""

    against: Sequence[str]
    sms: Sequence[SmsCost]
    segment_microcents: int


def texts(campaign: Campaign, send_at: datetime, now: datetime) -> Texts:
    """Read a saved campaign's texts and gateways, as if it were to go at ``send_at``."""
    return Texts(against.reasons(campaign, send_at, now), *_sms(campaign))


def look(
    scope: Scope, campaign: Campaign, send_at: datetime, now: datetime, read: Texts | None = None
) -> Checks:
    """Look at a campaign as if it were to go at ``send_at``. With its `texts` read before, it need
    not be saved any more."""
    read = read or texts(campaign, send_at, now)
    stands = list(read.against)
    estimate = None
    if not campaign.automatic and campaign.channels:
        try:
            estimate = freezing.estimate(campaign)
        except SegmentErrorFinal as error:
            stands.insert(0, str(error))
    if estimate and estimate.against:
        stands.insert(0, estimate.against)
    return Checks(
        estimate,
        _allowing(campaign, now) if estimate and estimate.against else None,
        segment_words.sentences(campaign) if estimate else [],
        [(_channel(c), n) for c, n in estimate.chosen.items()] if estimate else [],
        [(_reason(r), n) for r, n in estimate.left_out.items()] if estimate else [],
        _opens(scope, campaign, send_at),
        near(scope, send_at),
        read.sms,
        _cost(estimate, read),
        stands,
        send_at,
        _smallest(campaign, estimate),
    )


def _allowing(campaign: Campaign, now: datetime) -> tuple[int | None, int | None] | None:
    if not segments.uses_purchases(campaign.criteria):
        return None
    allow, of = segments.allowing(campaign, now)
    return few.told(allow), few.told(of)


def _channel(channel: str) -> str:
    return str(Channel(channel).label)


def _reason(reason: str) -> str:
    return str(Delivery.Reason(reason).label)


def _smallest(campaign: Campaign, estimate: Estimate | None) -> float | None:
    if estimate is None or not estimate.readable:
        return None
    people = sum(n or 0 for n in estimate.chosen.values()) + (estimate.held_out or 0)
    return 100 * uplift.smallest_effect(people, campaign.holdout_percent, _BUY_ANYWAY)


def _opens(scope: Scope, campaign: Campaign, at: datetime) -> list[tuple[str, datetime, bool]]:
    part = hours.subdivision_of(scope.zone, scope.association.department)
    found = []
    for channel in campaign.channels:
        promotional = pressure.promotional(campaign)
        opens = hours.opens(channel, promotional, at, scope.zone.key, part)
        found.append((_channel(channel), opens, opens > at))
    return found


def _sms(campaign: Campaign) -> tuple[list[SmsCost], int]:
    if Channel.SMS not in campaign.channels:
        return [], 0
    found, price = [], 0
    texts = CampaignText.objects.filter(campaign=campaign, channel=Channel.SMS)
    for text in texts.order_by("-language"):
        frame = samples.sms_frame(campaign, text.language)
        whole, price = samples.sms_text(text.body, frame), frame.segment_microcents
        counted = looked(whole)
        culprits = " ".join(counted.culprits) if counted.encoding == "ucs2" else ""
        found.append(SmsCost(text.language, whole, counted.segments, counted.encoding, culprits))
    return found, price


def _cost(estimate: Estimate | None, read: Texts) -> int | None:
    if not read.sms:
        return 0
    told = estimate.chosen.get(Channel.SMS) if estimate else None
    if told is None or not read.segment_microcents:
        return None
    people = told + few.STEP - 1  # so many at most
    dearest = max(each.segments for each in read.sms)
    return -(-people * dearest * read.segment_microcents // _MICRO)  # rounded up to the cent


def near(scope: Scope, at: datetime) -> list[Other]:
    """List others' campaigns around a day."""
    found = pressure.planned(scope.association.pk, at - NEAR, at + NEAR)
    return shown(scope, [each for each in found if each.controller != scope.controller])


def shown(scope: Scope, planned: Sequence[Planned]) -> list[Other]:
    """Show campaigns of the calendar to a scope, those that ask for the same days marked."""
    names = values.names_of(scope.association.pk, {each.controller for each in planned})
    return [
        Other(
            each.at,
            names.get(each.controller, "–"),
            each.controller == scope.controller,
            ", ".join(_channel(c) for c in each.channels),
            _band(each.people),
            str(Campaign.State(each.state).label),
            _conflicts(each, planned),
        )
        for each in planned
    ]


def _conflicts(one: Planned, planned: Sequence[Planned]) -> bool:
    return any(
        abs(other.at - one.at) < timedelta(days=1) and other.controller != one.controller
        for other in planned
    )


def _band(people: int) -> str:
    if people < _BANDS[0]:
        return _("fewer than %(n)d") % {"n": _BANDS[0]}
    for low, high in pairwise(_BANDS):
        if people < high:
            return _("%(low)d to %(high)d") % {"low": low, "high": high}
    return _("more than %(n)d") % {"n": _BANDS[-1]}
