"""Two accounts of one person become one: what was bought, earned and agreed to follows.

Nothing is merged by itself: somebody decides each pair (`DuplicateProposal`), a shop that of two
who are its customers alone, the association any. The older account stays. Nothing that was agreed
to is stretched: the stricter consent wins, unless a later one, with its text on record, says
otherwise, and a consent to a channel follows only with the number or address it was given for.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.members import selectors
from chaland.hub.loyalty.members.names import set_name
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
from chaland.hub.loyalty.outreach import choices
from chaland.hub.loyalty.sales import services as sales

_LATE = timedelta(hours=1)
"""How long receipts are looked for that were attached to the double while it was merged."""


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides: a keeper for customers of ``shop_id`` alone, or the association (None)."""

    actor: str
    shop_id: int | None

    def pairs(self, association_id: int) -> QuerySet[DuplicateProposal]:
        """Return the open pairs that are theirs to decide."""
        return selectors.open_duplicates(association_id, self.shop_id)


def merge(association_id: int, proposal_id: int, by: Decider, *, at: datetime) -> Member:
    """Merge a proposed pair into its older account, all or nothing.

    The older account's contacts and card stand, whoever asks: else a keeper could enrol a double of
    somebody, with a number of his own, and take the account over. What it lacks is filled from the
    other only where the association decides. The newer one keeps its number, its card (which finds
    the one that stays) and its chain of consents; its name and contacts go.

    MemberErrorFinal where the pair was decided already or isn't theirs to decide, or where either
    account has left, paused or been merged.
    """
    with transaction.atomic(using="loyalty"):
        proposal = _open(association_id, proposal_id, by)
        keep_id, gone_id = sorted((proposal.member_id, proposal.other_id))
        # Receipts, sales, accounts, then members: the order in which every part locks.
        Receipt.objects.filter(member=gone_id).update(member=keep_id)
        sales.adopt(gone_id, keep_id)
        ledger.merge(gone_id, keep_id, occurred_at=at, actor=by.actor)
        locked = Member.objects.select_for_update().filter(pk__in=(keep_id, gone_id))
        both = {member.pk: member for member in locked.order_by("pk")}
        if any(m.state != Member.State.ACTIVE for m in both.values()):
            raise MemberErrorFinal("gone", _("One of the two accounts is no longer active."))
        keep, gone = both[keep_id], both[gone_id]
        _follow(keep, gone)
        carried = _contacts(keep, gone, fill=by.shop_id is None)
        _consents(keep, gone, carried, at)
        choices.adopt(gone_id, keep_id, at)
        _decide(proposal, DuplicateProposal.State.MERGED, by.actor, at)
    return keep


def refuse(association_id: int, proposal_id: int, by: Decider, *, at: datetime) -> None:
    """Note that a proposed pair is two persons; it isn't asked again."""
    with transaction.atomic(using="loyalty"):
        proposal = _open(association_id, proposal_id, by)
        _decide(proposal, DuplicateProposal.State.REFUSED, by.actor, at)


def settle_late(now: datetime) -> int:
    """Move receipts that a till attached to a double at the moment of its merging, and invitations
    that an audience was drawn with; how many."""
    moved = 0
    decided = DuplicateProposal.objects.filter(
        state=DuplicateProposal.State.MERGED, decided_at__gt=now - _LATE
    ).select_related("member", "other")
    for pair in decided:
        for gone in (pair.member, pair.other):
            keep_id = gone.merged_into_id
            if keep_id is not None:
                moved += sales.adopt(gone.pk, keep_id)
                choices.adopt(gone.pk, keep_id, now)
            if keep_id is None or not Receipt.objects.filter(member=gone).exists():
                continue
            with transaction.atomic(using="loyalty"):
                moved += Receipt.objects.filter(member=gone).update(member=keep_id)
                ledger.merge(gone.pk, keep_id, occurred_at=now, actor="system:merge")
    return moved


def _open(association_id: int, proposal_id: int, by: Decider) -> DuplicateProposal:
    DuplicateProposal.objects.select_for_update().filter(pk=proposal_id).first()  # one decides
    proposal = by.pairs(association_id).filter(pk=proposal_id).first()
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


def _contacts(keep: Member, gone: Member, *, fill: bool) -> set[str]:
    """Empty the double, and fill what the one that stays lacks if that is wanted; return the
    channels whose consents follow."""
    phone = keep.phone or (gone.phone if fill else None)
    email = keep.email or (gone.email if fill else None)
    carried = {str(Channel.NONE)}
    if gone.phone and phone == gone.phone:
        carried.add(Channel.SMS)
    if gone.email and email == gone.email:
        carried.add(Channel.EMAIL)
    if fill:
        for name in ("first_name", "last_name", "birth_day", "birth_month", "over_15_on"):
            _fill(keep, gone, name)
        set_name(keep, keep.first_name, keep.last_name)
    keep.last_active_on = max(keep.last_active_on, gone.last_active_on)
    set_name(gone, "", "")
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
