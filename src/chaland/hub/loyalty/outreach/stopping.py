"""Stop: by an answer, a link, a complaint or an address that is none. It holds for every shop (L8).

An address is kept as a keyed hash (the members' blind index), so that it stays known after its
member is erased. A suppression holds against every consent that is older than it; nothing of it is
ever deleted, and a later, explicit consent is what lifts it.
"""

import hmac
import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from chaland.hub.association.models import Association, Shop
from chaland.hub.loyalty import contention
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.members import contacts
from chaland.hub.loyalty.members.rules import MemberErrorFinal
from chaland.hub.loyalty.models import (
    THE_ASSOCIATION,
    Campaign,
    Channel,
    Delivery,
    Member,
    MessageChoice,
    Permission,
    Suppression,
)
from chaland.hub.loyalty.outreach.transitions import LEFT

_Cause = Suppression.Cause
INDEX_OF = {Channel.SMS: "phone_index", Channel.EMAIL: "email_index"}
"""Where a member's row has the blind index of a channel's address."""
_NUMBER_BYTES, _SEAL_BYTES = 5, 8
_AT_ONCE = 500
UNDO_LIVES = timedelta(hours=1)
_CODES = {Channel.SMS: b"s", Channel.EMAIL: b"e"}


@dataclass(frozen=True, slots=True)
class _Address:
    association_id: int
    channel: str
    index: bytes


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """What a link to unsubscribe names: a member, by which channel, and which campaign brought it.

    ``subscribed``: somebody may still write by this channel.
    """

    member_id: int
    association_id: int
    campaign_id: int
    channel: str
    language: str
    controller_name: str
    association_name: str
    subscribed: bool


@contention.anew
def stop(association_id: int, channel: str, address: str, cause: str, at: datetime) -> bool:
    """Never write to an address again, and withdraw its member's consents to the channel that are
    as old or older, for every shop; said twice, it is said once. Returns False where a stop as late
    was on record already. It counts for who wrote to the address last before.

    ``address``: E.164, or an e-mail address; MemberErrorFinal where it is neither.
    """
    whose = _Address(association_id, channel, _index(association_id, channel, address))
    return _stop(whose, cause, at, _answered(whose, at))


def _answered(address: _Address, at: datetime) -> int | None:
    """Return the last message that had left to an address until ``at``: what an answer that names
    none answers."""
    column = f"member__{INDEX_OF[Channel(address.channel)]}"
    left = Delivery.objects.filter(
        **{column: address.index},
        member__association_id=address.association_id,
        channel=address.channel,
        state__in=LEFT,
        sending_at__lte=at,
    )
    return left.order_by("-sending_at", "-pk").values_list("pk", flat=True).first()


def unheard(association_id: int, channel: str, addresses: Iterable[str]) -> list[str]:
    """Return which addresses of a provider's stop list may say something new: first those of which
    no STOP is on record, then those whose member has agreed since, in any order. What no member
    can have is left out."""
    told: dict[bytes, str] = {}
    for address in addresses:
        with suppress(MemberErrorFinal):
            told |= dict.fromkeys(_indices(association_id, channel, address), address)
    stopped, agreed = set[str](), set[str]()
    indices = list(told)
    for first in range(0, len(indices), _AT_ONCE):
        some = indices[first : first + _AT_ONCE]
        stops = Suppression.objects.filter(
            association_id=association_id, channel=channel, cause=_Cause.STOP, index__in=some
        )
        stopped |= {told[bytes(index)] for index in stops.values_list("index", flat=True)}
        column = f"member__{INDEX_OF[Channel(channel)]}"
        given = Permission.objects.filter(
            member__association_id=association_id, channel=channel, given=True
        ).filter(**{f"{column}__in": some})
        agreed |= {told[bytes(index)] for index in given.values_list(column, flat=True)}
    new = [address for address in dict.fromkeys(told.values()) if address not in stopped]
    since = sorted(agreed & stopped)
    return [*new, *random.sample(since, len(since))]


def _index(association_id: int, channel: str, address: str) -> bytes:
    """Return the blind index under which an address is known: its member's, who may have an older
    key's until all is resealed. MemberErrorFinal: it is none."""
    first, *older = _indices(association_id, channel, address)
    if not older:
        return first
    column = INDEX_OF[Channel(channel)]
    known = Member.objects.filter(
        association_id=association_id, **{f"{column}__in": [first, *older]}
    )
    index = known.values_list(column, flat=True).first()
    return first if index is None else bytes(index)


def _indices(association_id: int, channel: str, address: str) -> list[bytes]:
    """Return an address' index under each key. MemberErrorFinal: it is none."""
    if channel == Channel.SMS:
        return contacts.blinds("phone", association_id, contacts.phone_of(address))
    return contacts.blinds("email", association_id, contacts.email_of(address))


@contention.anew
def suppress_delivery(delivery_id: int, cause: str, at: datetime) -> bool:
    """Do as `stop` does for the address that a delivery went to: a bounce or a complaint names the
    message, not the address. False where there is nobody (erased, or no longer that address).

    An address that doesn't exist was so when the message went: a consent given since, with another
    address, stands.
    """
    delivery = Delivery.objects.select_related("member").filter(pk=delivery_id).first()
    member = delivery.member if delivery else None
    if delivery is None or member is None:
        return False
    index = getattr(member, INDEX_OF[Channel(delivery.channel)])
    if index is None:
        return False
    if cause == _Cause.BOUNCED:
        at = delivery.sending_at or at
    address = _Address(member.association_id, delivery.channel, index)
    return _stop(address, cause, at, delivery_id)


def token(choice: UUID, campaign_id: int, channel: str) -> str:
    """Return what a link to unsubscribe carries: 40 letters that name nobody, and that only this
    hub makes. It says all by itself: a delivery that a restored back-up has lost still stops."""
    told = choice.bytes + campaign_id.to_bytes(_NUMBER_BYTES) + _CODES[Channel(channel)]
    return urlsafe_b64encode(told + _seal(told, settings.INDEX_KEYS[0])).decode()


def of_token(text: str) -> Unsubscribing | None:
    """Return what a link names; None where it isn't of this hub, or its member has been erased."""
    found = _read(text)
    if found is None:
        return None
    choice, campaign_id, channel = found
    row = MessageChoice.objects.select_related("member").filter(token=choice).first()
    if row is None:
        return None
    member = row.member
    while member.merged_into is not None:  # the link came before its member was found twice
        member = member.merged_into
    campaign = Campaign.objects.filter(pk=campaign_id).first()
    town = Association.objects.filter(pk=member.association_id).first()
    name = town.name if town else ""
    controller = campaign.controller if campaign else THE_ASSOCIATION
    if controller != THE_ASSOCIATION:
        shop = Shop.objects.filter(pk=controller, association=member.association_id).first()
        controller_name = shop.name if shop else name
    else:
        controller_name = name
    return Unsubscribing(
        member.pk,
        member.association_id,
        campaign_id,
        channel,
        member.language,
        controller_name,
        name,
        _given(member, channel).exists(),
    )


@contention.anew
def unsubscribe(text: str, now: datetime) -> bool:
    """Stop as a link asks; once is as good as twice. False where the link isn't of this hub."""
    named = of_token(text)
    if named is None:
        return False
    with transaction.atomic(using="loyalty"):
        member = _locked(named)
        if member is None:
            return unsubscribe(text, now)
        index = getattr(member, INDEX_OF[Channel(named.channel)])
        if index is None:
            _withdraw(member, named.channel, now, _link_of(named))
        else:
            address = _Address(named.association_id, named.channel, index)
            _stop(address, _Cause.UNSUBSCRIBED, now, _delivery_of(named), _link_of(named))
    return True


@contention.anew
def resubscribe(text: str, now: datetime) -> bool:
    """Take back the stop that was said by this very link, on the page that said it was done: what
    it withdrew is agreed to again, under the same texts. False where there is nothing to take back,
    not any more, or where a stop came by another way since (an SMS, a complaint, another link)."""
    named = of_token(text)
    if named is None:
        return False
    with transaction.atomic(using="loyalty"):
        member = _locked(named)
        if member is None:
            return resubscribe(text, now)
        last = next((row for row in stops_of(member) if row.channel == named.channel), None)
        own = (_Cause.UNSUBSCRIBED, _delivery_of(named))
        if last is not None and (last.cause, last.delivery_id) != own:
            return False
        evidence = _link_of(named)
        events = [e for e in consent.chain_of(member.chain) if e.channel == named.channel]
        shown = {(e.controller, e.purpose): e.wording_id for e in events if e.given}
        withdrawn = {
            (e.controller, e.purpose)
            for e in events
            if (e.place, e.evidence) == ("stop", evidence) and now - e.occurred_at <= UNDO_LIVES
        }
        held = {(p.controller, p.purpose) for p in _given(member, named.channel)}
        decisions = [
            Decision(controller, purpose, named.channel, True, shown[controller, purpose])
            for controller, purpose in sorted(withdrawn - held)
        ]
        made = consent.record(member, decisions, place="link", occurred_at=now, evidence=evidence)
    return bool(made)


def _locked(named: Unsubscribing) -> Member | None:
    """Lock a link's member; None where it was erased or merged in this very moment."""
    there = Member.objects.filter(pk=named.member_id, merged_into=None)
    return there.select_for_update(no_key=True).first()


def _delivery_of(named: Unsubscribing) -> int | None:
    """Return the delivery that brought a link; None where a restored back-up has lost it."""
    sent = Delivery.objects.filter(
        campaign=named.campaign_id, member=named.member_id, channel=named.channel
    )
    return sent.order_by("-pk").values_list("pk", flat=True).first()


def _link_of(named: Unsubscribing) -> dict[str, object]:
    """Return what a consent's chain keeps of the link by which it was taken back."""
    return {"link": f"unsubscribe {named.campaign_id}"}


def stops_of(member: Member) -> list[Suppression]:
    """List what holds against a member's addresses, the newest first."""
    found = Q()
    for channel, index in INDEX_OF.items():
        if (blind := getattr(member, index)) is not None:
            found |= Q(channel=channel, index=blind)
    stops = Suppression.objects.filter(found, association_id=member.association_id)
    return list(stops.order_by("-at", "-pk")) if found else []


def _given(member: Member, channel: str) -> QuerySet[Permission]:
    return Permission.objects.filter(member=member, channel=channel, given=True)


def _stop(
    address: _Address,
    cause: str,
    at: datetime,
    delivery_id: int | None,
    evidence: Mapping[str, object] | None = None,
) -> bool:
    whose = {INDEX_OF[Channel(address.channel)]: address.index}
    found = Member.objects.filter(association_id=address.association_id, **whose)
    with transaction.atomic(using="loyalty"):
        # Nobody said that an address is wrong; what is said, a consent of that instant waits for.
        said_by = (
            () if cause == _Cause.BOUNCED else found.select_for_update(no_key=True).order_by("pk")
        )
        members = list(said_by)
        row, made = Suppression.objects.get_or_create(
            association_id=address.association_id,
            channel=address.channel,
            index=address.index,
            cause=cause,
            defaults={"at": at, "delivery_id": delivery_id},
        )
        told = {"at": at} | ({"delivery_id": delivery_id} if delivery_id else {})
        later = made or bool(Suppression.objects.filter(pk=row.pk, at__lt=at).update(**told))
        for member in members:
            _withdraw(member, address.channel, at, evidence)
    return later


def _withdraw(
    member: Member, channel: str, at: datetime, evidence: Mapping[str, object] | None
) -> None:
    """Withdraw what was agreed to until ``at``: a stop that is heard late, or again (a provider's
    list), says nothing of a consent given since."""
    decisions = [
        Decision(p.controller, p.purpose, p.channel, given=False)
        for p in _given(member, channel).filter(since__lte=at)
    ]
    consent.record(member, decisions, place="stop", occurred_at=at, evidence=evidence)


def _seal(told: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"chaland unsubscribe " + told, "sha256")[:_SEAL_BYTES]


def _read(text: str) -> tuple[UUID, int, str] | None:
    try:
        raw = urlsafe_b64decode(text)
    except (Base64Error, ValueError):
        return None
    if urlsafe_b64encode(raw).decode() != text:  # it overlooks signs that are none of its own
        return None
    told, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
    if not any(hmac.compare_digest(seal, _seal(told, key)) for key in settings.INDEX_KEYS):
        return None
    number = int.from_bytes(told[16 : 16 + _NUMBER_BYTES])
    channel = next(name for name, code in _CODES.items() if told.endswith(code))
    return UUID(bytes=told[:16]), number, channel
