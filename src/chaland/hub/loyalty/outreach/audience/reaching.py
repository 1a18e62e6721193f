"""Whom a campaign reaches. Here, and nowhere else in sales and outreach, a member's number and
address are read, and consent and suppression are applied."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, CharField, Value, When

from chaland.hub.loyalty.models import (
    Campaign,
    Channel,
    Delivery,
    Member,
    Permission,
    Purpose,
    Suppression,
)
from chaland.hub.loyalty.outreach import choices, pressure, values
from chaland.hub.loyalty.outreach.among import among
from chaland.hub.loyalty.outreach.audience import segments
from chaland.hub.loyalty.outreach.shapes import Held, Reach, Waiting

_Reason = Delivery.Reason


def reach(waiting: Sequence[Waiting], now: datetime) -> dict[int, Reach | Held]:
    """Say of each delivery whither it goes, or why it doesn't: consent, suppression and membership
    as they are in this moment."""
    known = _Facts.read(waiting, now)
    judged = {one.id: known.judge(one) for one in waiting}
    open_ = [one for one in waiting if isinstance(judged[one.id], str)]
    words = values.of_waiting(open_, known, now)
    return {
        one.id: answer
        if isinstance(answer := judged[one.id], Held)
        else Reach(answer, known.members[one.member_id].language, words[one.id])
        for one in waiting
    }


def refused(waiting: Sequence[Waiting], now: datetime) -> dict[int, Held]:
    """Return the deliveries that may no longer go, of some that might a moment ago. That there is
    an address is enough: none is opened."""
    known = _Facts.read(waiting, now, sealed=True)
    judged = {one.id: known.judge(one) for one in waiting}
    return {number: answer for number, answer in judged.items() if isinstance(answer, Held)}


_READ = ("id", "association_id", "state", "language", "first_name")
_ADDRESSES = {Channel.SMS: ("phone", "phone_index"), Channel.EMAIL: ("email", "email_index")}


@dataclass(frozen=True, slots=True)
class _Facts(values.Known):
    """What is known, of a batch, of members, consents and suppressions."""

    since: Mapping[tuple[int, str, int, str], datetime]
    """Since when a consent holds, by member, channel, controller and purpose."""
    stopped: Mapping[tuple[int, str, bytes], datetime]

    @classmethod
    def read(cls, waiting: Sequence[Waiting], now: datetime, *, sealed: bool = False) -> "_Facts":
        """Read what a batch's decisions need; ``sealed``: an address that is there is empty."""
        ids = {one.member_id for one in waiting}
        channels = sorted({Channel(one.channel) for one in waiting})
        members = _people(ids, channels, sealed)
        given = Permission.objects.filter(
            among("loyalty_permission.member_id", ids), given=True, since__lte=now
        )
        key = ("member_id", "channel", "controller", "purpose")
        return cls(
            members,
            Campaign.objects.in_bulk({one.campaign_id for one in waiting}),
            choices.of_members(members.keys()),
            {(m, c, n, p): since for m, c, n, p, since in given.values_list(*key, "since")},
            _stopped(members.values(), channels),
        )

    def judge(self, one: Waiting) -> str | Held:
        """Return the address, or why there is none."""
        campaign, member = self.campaigns[one.campaign_id], self.members.get(one.member_id)
        if member is None or member.state == Member.State.MERGED:
            return Held(_Reason.GONE)
        if member.association_id != campaign.association_id:
            return Held(_Reason.GONE)
        if member.state == Member.State.PAUSED:
            return Held(_Reason.PAUSED_MEMBER)
        address, index = member.addresses[one.channel]
        if address is None or index is None:
            return Held(_Reason.NO_CONTACT)
        refused = self._refused(campaign, one, index)
        return address if refused is None else Held(refused)

    def _refused(self, campaign: Campaign, one: Waiting, index: bytes) -> str | None:
        """Return why a member may not be written to at an address, if so."""
        wanted = self.choices[one.member_id].automatic
        if campaign.automatic and campaign.automatic not in wanted:
            return _Reason.NO_CONSENT
        mine = (one.member_id, one.channel)
        if pressure.promotional(campaign):
            since = self.since.get((*mine, campaign.controller, campaign.purpose))
            if since is None or not self._portrayed(campaign, one.member_id):
                return _Reason.NO_CONSENT
        else:  # it was asked for; but who said stop must have said yes to somebody since
            since = max((at for key, at in self.since.items() if key[:2] == mine), default=None)
        stopped = self.stopped.get((campaign.association_id, one.channel, index))
        if stopped is not None and (since is None or since <= stopped):
            return _Reason.SUPPRESSED
        return None

    def _portrayed(self, campaign: Campaign, member_id: int) -> bool:
        """Say whether the member may be chosen by purchases, where the campaign does (L16)."""
        if not segments.uses_purchases(campaign.criteria):
            return True
        told = (member_id, Channel.NONE, campaign.controller, Purpose.PORTRAIT)
        return told in self.since


def _people(
    ids: Collection[int], channels: Sequence[Channel], sealed: bool
) -> dict[int, values.Person]:
    """Read members, and of their addresses only the channels': opening one takes time."""
    columns: list[str | Case] = []
    for channel in channels:
        address, index = _ADDRESSES[channel]
        there = When(**{f"{address}__isnull": False}, then=Value(""))
        columns += [Case(there, output_field=CharField()) if sealed else address, index]
    rows = Member.objects.filter(among("loyalty_member.id", ids)).values_list(*_READ, *columns)
    found = {}
    for pk, association_id, state, language, first_name, *pairs in rows:
        addresses = {
            str(channel): (
                pairs[2 * n],
                None if pairs[2 * n + 1] is None else bytes(pairs[2 * n + 1]),
            )
            for n, channel in enumerate(channels)
        }
        found[pk] = values.Person(association_id, state, language, first_name, addresses)
    return found


def _stopped(
    people: Iterable[values.Person], channels: Sequence[Channel]
) -> dict[tuple[int, str, bytes], datetime]:
    """Return when members' addresses were last stopped, by association, channel and index."""
    indices = {index for person in people for _address, index in person.addresses.values()}
    rows = Suppression.objects.filter(channel__in=channels, index__in=indices - {None}).order_by(
        "at"
    )
    return {
        (town, channel, bytes(index)): at
        for town, channel, index, at in rows.values_list("association_id", "channel", "index", "at")
    }
