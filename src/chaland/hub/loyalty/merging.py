"""Two accounts of one person become one: what was bought, earned and agreed to follows.

Somebody decides each pair (`DuplicateProposal`); nothing is merged by itself, and nothing that was
agreed to is stretched: the stricter consent wins, unless a later one, with its text on record, says
otherwise, and a consent to a channel follows only with the number or address it was given for.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.members.rules import MemberErrorFinal
from chaland.hub.loyalty.members.services import set_contacts
from chaland.hub.loyalty.models import (
    Channel,
    Claim,
    ConsentEvent,
    DuplicateProposal,
    LookupHit,
    Member,
    Receipt,
    Seller,
    ShopCustomer,
    Voucher,
)

_LATE = timedelta(hours=1)
"""How long receipts are looked for that were attached to the double while it was merged."""


def merge(proposal_id: int, keep_id: int, *, actor: str, at: datetime) -> Member:
    """Merge a proposed pair into the one that stays, all or nothing.

    The double keeps its number, its card (which finds the one that stays) and its chain of
    consents; its name and contacts go over or go. MemberErrorFinal where the pair was decided
    already, or either has left, paused or been merged.
    """
    with transaction.atomic(using="loyalty"):
        proposal = _open(proposal_id)
        pair = {proposal.member_id, proposal.other_id}
        if keep_id not in pair:
            raise MemberErrorFinal("pair", _("Choose one of the two accounts."))
        (gone_id,) = pair - {keep_id}
        # Receipts, then accounts, then members: the order in which every part locks.
        Receipt.objects.filter(member=gone_id).update(member=keep_id)
        ledger.merge(gone_id, keep_id, occurred_at=at, actor=actor)
        locked = Member.objects.select_for_update().filter(pk__in=pair).order_by("pk")
        both = {member.pk: member for member in locked}
        if any(m.state != Member.State.ACTIVE for m in both.values()):
            raise MemberErrorFinal("gone", _("One of the two accounts is no longer active."))
        keep, gone = both[keep_id], both[gone_id]
        _follow(keep, gone)
        carried = _contacts(keep, gone)
        _consents(keep, gone, carried, at)
        _decide(proposal, DuplicateProposal.State.MERGED, actor, at)
    return keep


def refuse(proposal_id: int, *, actor: str, at: datetime) -> None:
    """Note that a proposed pair is two persons; it isn't asked again."""
    with transaction.atomic(using="loyalty"):
        _decide(_open(proposal_id), DuplicateProposal.State.REFUSED, actor, at)


def settle_late(now: datetime) -> int:
    """Move receipts that a till attached to a double at the moment of its merging; how many."""
    moved = 0
    decided = DuplicateProposal.objects.filter(
        state=DuplicateProposal.State.MERGED, decided_at__gt=now - _LATE
    ).select_related("member", "other")
    for pair in decided:
        for gone in (pair.member, pair.other):
            keep_id = gone.merged_into_id
            if keep_id is None or not Receipt.objects.filter(member=gone).exists():
                continue
            with transaction.atomic(using="loyalty"):
                moved += Receipt.objects.filter(member=gone).update(member=keep_id)
                ledger.merge(gone.pk, keep_id, occurred_at=now, actor="system:merge")
    return moved


def _open(proposal_id: int) -> DuplicateProposal:
    proposal = (
        DuplicateProposal.objects.select_for_update()
        .filter(pk=proposal_id, state=DuplicateProposal.State.OPEN)
        .first()
    )
    if proposal is None:
        raise MemberErrorFinal("decided", _("Somebody has decided this pair already."))
    return proposal


def _decide(proposal: DuplicateProposal, state: str, actor: str, at: datetime) -> None:
    proposal.state, proposal.decided_by, proposal.decided_at = state, actor, at
    proposal.save(update_fields=["state", "decided_by", "decided_at"])


def _follow(keep: Member, gone: Member) -> None:
    """Point everything that named the double to the one that stays."""
    for model in (Claim, Voucher, LookupHit):
        model._default_manager.filter(member=gone).update(member=keep)
    Seller.objects.filter(own_member_id=gone.pk).update(own_member_id=keep.pk)
    shops = {c.shop_id: c for c in ShopCustomer.objects.filter(member=keep)}
    for theirs in ShopCustomer.objects.filter(member=gone):
        ours = shops.get(theirs.shop_id)
        if ours is None:
            theirs.member = keep
            theirs.save(update_fields=["member"])
            continue
        if theirs.since < ours.since:
            ours.since, ours.how = theirs.since, theirs.how
            ours.save(update_fields=["since", "how"])
        theirs.delete()
    _proposals(keep, gone)


def _proposals(keep: Member, gone: Member) -> None:
    """Let other pairs of the double be pairs of the one that stays, each once."""
    others = DuplicateProposal.objects.filter(Q(member=gone) | Q(other=gone)).exclude(
        Q(member=keep) | Q(other=keep)
    )
    for pair in others:
        third = pair.other_id if pair.member_id == gone.pk else pair.member_id
        older, newer = sorted((keep.pk, third))
        if DuplicateProposal.objects.filter(member=older, other=newer).exists():
            pair.delete()
        else:
            pair.member_id, pair.other_id = older, newer
            pair.save(update_fields=["member", "other"])


def _contacts(keep: Member, gone: Member) -> set[str]:
    """Fill what the one that stays lacks, empty the double; return the channels that follow."""
    phone, email = keep.phone or gone.phone, keep.email or gone.email
    carried = {str(Channel.NONE)}
    if gone.phone and phone == gone.phone:
        carried.add(Channel.SMS)
    if gone.email and email == gone.email:
        carried.add(Channel.EMAIL)
    for name in ("first_name", "last_name", "birth_day", "birth_month", "over_15_on"):
        _fill(keep, gone, name)
    if not keep.name_key or " " not in keep.name_key:
        keep.name_key = max(keep.name_key, gone.name_key, key=len)
    keep.last_active_on = max(keep.last_active_on, gone.last_active_on)
    keep.enrolled_at = min(keep.enrolled_at, gone.enrolled_at)
    gone.first_name = gone.last_name = gone.name_key = ""
    gone.birth_day = gone.birth_month = None
    set_contacts(gone, None, None)
    gone.state, gone.merged_into = Member.State.MERGED, keep
    gone.save()  # before the other: a number belongs to one row at a time
    set_contacts(keep, phone, email)
    keep.save()
    return carried


def _fill(keep: Member, gone: Member, name: str) -> None:
    value: Any = getattr(keep, name)
    if value in ("", None):
        setattr(keep, name, getattr(gone, name))


def _consents(keep: Member, gone: Member, carried: set[str], at: datetime) -> None:
    """Bring the double's decisions into the chain that goes on, and end them in its own."""
    ours, theirs = _last(keep), _last(gone)
    for key, event in sorted(theirs.items()):
        before = ours.get(key)
        later = before is None or event.occurred_at > before.occurred_at
        wanted = event.given and later and event.channel in carried
        stricter = not event.given and not (
            before is not None and before.given and before.occurred_at > event.occurred_at
        )
        if not (wanted or stricter):
            continue
        decision = Decision(*key, given=event.given, wording_id=event.wording_id)
        evidence = {"from_chain": str(event.chain), "from_position": event.position}
        consent.record(
            keep, [decision], place="staff", occurred_at=event.occurred_at, evidence=evidence
        )
    consent.withdraw_all(
        gone, place="staff", occurred_at=at, evidence={"to_chain": str(keep.chain)}
    )


def _last(member: Member) -> dict[consent.Key, ConsentEvent]:
    return {(e.controller, e.purpose, e.channel): e for e in consent.chain_of(member.chain)}
