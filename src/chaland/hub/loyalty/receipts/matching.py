"""The queue of claims: who was at a till whose receipt wasn't here yet, and which receipt it is.

Every open claim of the association is set against the unattached receipts around it; each pair is
scored by shop, amount and time, and each part of the score is said. Nothing is attached by itself.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Claim, Receipt
from chaland.hub.loyalty.receipts.attaching import attach
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.scores import NEAR, Factors, factors
from chaland.hub.loyalty.receipts.shapes import Taken

SHOWN = 5
"""Candidates shown for a claim."""
CLAIM_LIVES = timedelta(days=3)
"""A receipt that hasn't come by then doesn't come; with its code it can still be claimed."""
WAITING_AT_MOST = 200
"""Claims of a shop that are looked at, the newest: one shop's don't crowd out others'."""


@dataclass(frozen=True)
class Candidate:
    """A receipt that a claim may be about."""

    receipt: Receipt
    factors: Factors

    @property
    def score(self) -> int:
        """How well it fits, of 100."""
        return self.factors.score


@dataclass(frozen=True)
class Waiting:
    """An open claim and what it may be about, the best first."""

    claim: Claim
    candidates: Sequence[Candidate]
    sure: bool
    """One receipt fits in all (`Factors.certain`), only one, and it fits no other claim so."""


def claim(
    association_id: int,
    shop_id: int,
    member_id: int,
    *,
    at: datetime,
    actor: str,
    amount_cents: int | None = None,
) -> Claim:
    """Note that a member bought at a till whose receipt comes later."""
    return Claim.objects.create(
        association_id=association_id,
        shop_id=shop_id,
        member_id=member_id,
        at=at,
        amount_cents=amount_cents,
        actor=actor,
    )


def queue(association_id: int, shop_id: int | None = None) -> list[Waiting]:
    """Return open claims (of one shop, or of the whole association), the surest first.

    Two reads, however many claims there are. A claim may be about a receipt of another shop, which
    scores lower: two shops of one keeper, a till set up under the wrong one.
    """
    claims = Claim.objects.filter(association_id=association_id, state=Claim.State.OPEN)
    if shop_id is not None:
        claims = claims.filter(shop_id=shop_id)
    newest = Window(RowNumber(), partition_by="shop_id", order_by=("-at", "-pk"))
    recent = claims.annotate(place=newest).filter(place__lte=WAITING_AT_MOST)
    waiting = list(recent.order_by("at", "pk"))
    if not waiting:
        return []
    receipts = list(
        Receipt.objects.filter(
            _around(waiting),
            association_id=association_id,
            attached_at=None,
            gross_cents__gt=0,
            **({} if shop_id is None else {"shop_id": shop_id}),
        ).order_by("issued_at")
    )
    times = [receipt.issued_at for receipt in receipts]
    ranked = {
        c.pk: rank(c, receipts[bisect_left(times, c.at - NEAR) : bisect_right(times, c.at + NEAR)])
        for c in waiting
    }
    claimed = Counter(c.receipt.pk for cs in ranked.values() for c in cs if c.factors.certain)
    found = [Waiting(c, ranked[c.pk][:SHOWN], _sure(ranked[c.pk], claimed)) for c in waiting]
    return sorted(found, key=lambda w: -w.candidates[0].score if w.candidates else 0)


def _around(claims: Sequence[Claim]) -> Q:
    """Ask for the hours around claims, which come in order of time; close ones in one stretch."""
    stretches: list[tuple[datetime, datetime]] = []
    for claim in claims:
        start, end = claim.at - NEAR, claim.at + NEAR
        if stretches and start <= stretches[-1][1]:
            start = stretches.pop()[0]
        stretches.append((start, end))
    asked = Q()
    for stretch in stretches:
        asked |= Q(issued_at__range=stretch)
    return asked


def rank(claim: Claim, receipts: Iterable[Receipt]) -> list[Candidate]:
    """Score the receipts that a claim may be about, the best first; those far off are left out."""
    scored = [
        Candidate(
            receipt,
            factors(
                same_shop=receipt.shop_id == claim.shop_id,
                claimed_cents=claim.amount_cents,
                gross_cents=receipt.gross_cents,
                apart_s=abs((receipt.issued_at - claim.at).total_seconds()),
            ),
        )
        for receipt in receipts
    ]
    near = [candidate for candidate in scored if candidate.score > 0]
    return sorted(
        near, key=lambda c: (not c.factors.certain, -c.score, c.factors.apart_s, c.receipt.pk)
    )


def _sure(candidates: Sequence[Candidate], claimed: Counter[int]) -> bool:
    certain = [candidate for candidate in candidates if candidate.factors.certain]
    return len(certain) == 1 and claimed[certain[0].receipt.pk] == 1


@transaction.atomic(using="loyalty")
def decide(claim_id: int, receipt_id: int, actor: str, at: datetime) -> Taken:
    """Give a claim's receipt to its member. ReceiptErrorFinal: ``claim-over``, or as `attach`."""
    waiting = _open(claim_id)
    if not Receipt.objects.filter(pk=receipt_id, association_id=waiting.association_id).exists():
        raise ReceiptErrorFinal("no-such-receipt", _("There is no such receipt."))
    taken = attach(receipt_id, waiting.member_id, Receipt.How.QUEUE, actor, at)
    waiting.state = Claim.State.MATCHED
    waiting.receipt_id = receipt_id
    waiting.save(update_fields=["state", "receipt"])
    return taken


def decide_sure(association_id: int, shop_id: int | None, actor: str, at: datetime) -> int:
    """Attach all that are sure (a certain receipt comes first); returns how many."""
    done = 0
    for waiting in queue(association_id, shop_id):
        if waiting.sure:
            decide(waiting.claim.pk, waiting.candidates[0].receipt.pk, actor, at)
            done += 1
    return done


@transaction.atomic(using="loyalty")
def drop(claim_id: int) -> None:
    """Give a claim up. ReceiptErrorFinal ``claim-over``."""
    waiting = _open(claim_id)
    waiting.state = Claim.State.DROPPED
    waiting.save(update_fields=["state"])


def drop_old(now: datetime) -> int:
    """Give up claims whose receipt never came; returns how many."""
    old = Claim.objects.filter(state=Claim.State.OPEN, at__lt=now - CLAIM_LIVES)
    return old.update(state=Claim.State.DROPPED)


def still_open(claim_id: int) -> None:
    """Refuse a claim that was decided already. ReceiptErrorFinal ``claim-over``."""
    if not Claim.objects.filter(pk=claim_id, state=Claim.State.OPEN).exists():
        raise ReceiptErrorFinal("claim-over", _("This has been decided already."))


def _open(claim_id: int) -> Claim:
    found = Claim.objects.select_for_update().filter(pk=claim_id, state=Claim.State.OPEN).first()
    if found is None:
        raise ReceiptErrorFinal("claim-over", _("This has been decided already."))
    return found
