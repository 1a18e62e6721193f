"""Taking receipts in: what came is kept first, then read once, however often it is sent.

A batch is one transaction: receipts, what they earn, and who became a shop's customer by them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty import contention
from chaland.hub.loyalty.models import (
    Member,
    RawReceipt,
    Receipt,
    ReceiptLine,
    ReceiptLink,
    Source,
)
from chaland.hub.loyalty.receipts import links, matching, returning
from chaland.hub.loyalty.receipts.attaching import as_it_is, attach, claim_by_code, detach
from chaland.hub.loyalty.receipts.batch import Batch
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.shapes import ReceiptIn, Taken

__all__ = [
    "attach",
    "claim_by_code",
    "detach",
    "forget_member",
    "partly_read",
    "prune",
    "refuse_raw",
    "store_raw",
    "take_in",
    "take_return",
]

RAW_REFUSED_BYTES = 64 * 1024
RAW_REFUSED_DAYS = 90
"""So long can a shop see, and put right, what could not be read."""


def store_raw(*, association_id: int, shop_id: int, source: str, body: str) -> RawReceipt:
    """Keep what came in, as it came, before anything is read; sealed. Call it outside of the
    transaction that reads, so that nothing is lost when reading fails."""
    return RawReceipt.objects.create(
        association_id=association_id,
        shop_id=shop_id,
        source=source,
        body=body,
        digest=hashlib.sha256(body.encode()).hexdigest(),
        received_at=clock.now(),
    )


def refuse_raw(raw_id: int, reason: str) -> None:
    """Note why something that came in can't be read; the shop sees it, its first 64 KiB, and it
    once, however often it is sent: a machine that repeats itself doesn't fill the disk."""
    raw = RawReceipt.objects.get(pk=raw_id)
    refused = RawReceipt.objects.filter(state=RawReceipt.State.REFUSED, shop_id=raw.shop_id)
    if refused.filter(digest=raw.digest).exclude(pk=raw_id).exists():
        raw.delete()
        return
    raw.body = (raw.body or "").encode()[:RAW_REFUSED_BYTES].decode(errors="ignore")
    raw.state, raw.reason = RawReceipt.State.REFUSED, reason[:200]
    raw.save(update_fields=["body", "state", "reason"])


@contention.anew
def take_in(receipts: Sequence[ReceiptIn], *, raw_id: int | None = None) -> list[Taken]:
    """Store receipts and let them earn; the answers are in the order of the receipts.

    Each is known by (shop, source, external id): again the same is ``repeated``, other content
    ``conflict``. One that can't be taken is ``refused`` with its reason, and the others go in.
    A member who is gone or has paused doesn't stop a receipt: it goes in unattached, and ``error``
    says why. Database errors pass through, and then nothing of the batch is in.
    """
    try:
        return _take_in(receipts, raw_id)
    except IntegrityError:  # somebody brought one of them at the same instant: now it is there
        return _take_in(receipts, raw_id)


@transaction.atomic(using="loyalty")
def _take_in(receipts: Sequence[ReceiptIn], raw_id: int | None) -> list[Taken]:
    taken = Batch(receipts, raw_id).take()
    if raw_id is not None:
        refused = [one for one in taken if one.outcome == "refused"]
        if len(refused) == len(taken) and refused:
            refuse_raw(raw_id, refused[0].reason)
        else:
            _note_read(raw_id, taken, len(refused))
    return taken


def partly_read(raw_id: int) -> None:
    """Note that a body says more than became receipts: erasure can't find it by these."""
    RawReceipt.objects.filter(pk=raw_id).update(state=RawReceipt.State.PARTLY)


def _note_read(raw_id: int, taken: Sequence[Taken], refused: int) -> None:
    """Note what became of a body; one that brought what is here already, and nothing else, goes.

    What a body says beside its new receipts can't be found by them: such a body is ``partly`` read.
    """
    raw = RawReceipt.objects.filter(pk=raw_id)
    if taken and all(one.outcome == "repeated" for one in taken):
        raw.filter(receipts=None).delete()
        return
    whole = all(one.outcome == "new" for one in taken)
    reason = _("%(count)d refused") % {"count": refused} if refused else ""
    states = RawReceipt.State
    raw.update(state=states.READ if whole else states.PARTLY, reason=reason)


@contention.anew
@transaction.atomic(using="loyalty")
def take_return(
    purchase_id: int,
    quantities: Mapping[int, int],
    *,
    shop_id: int,
    external_id: str,
    actor: str,
    at: datetime,
) -> Taken:
    """Take back articles of a purchase at a shop of the coalition, priced as they were paid.

    ``quantities``: thousandths by line number. ``external_id`` names the return: sent again, it is
    ``repeated``. Raises ReceiptErrorFinal instead of answering ``refused`` or ``conflict``.
    """
    purchase = Receipt.objects.select_for_update().filter(pk=purchase_id).first()
    if purchase is None:
        raise ReceiptErrorFinal("no-such-purchase", _("There is no such receipt."))
    known = Receipt.objects.filter(shop_id=shop_id, source=Source.TILL, external_id=external_id)
    if again := known.first():
        return as_it_is(again)
    lines = returning.refund(returning.bought(purchase), quantities)
    said = ReceiptIn(
        association_id=purchase.association_id,
        shop_id=shop_id,
        source=Source.TILL,
        external_id=external_id,
        issued_at=at,
        gross_cents=sum(line.gross_cents for line in lines),
        lines=lines,
        actor=actor,
        returns_id=purchase_id,
    )
    taken = take_in([said])[0]
    if taken.outcome == "refused":
        raise ReceiptErrorFinal(taken.error, taken.reason)
    return taken


@transaction.atomic(using="loyalty")
def forget_member(member_id: int) -> None:
    """Take what names a member out of receipts, before the member goes (L14).

    The receipts stay, with their amounts and nobody's; what came in raw, links and the articles
    go. ``attached_at`` stays, so that no one can claim them. Of a body that wasn't read whole
    nobody can say whom it names: in the whole town those are emptied.
    """
    mine = Receipt.objects.filter(member_id=member_id)
    raws = set(mine.exclude(raw=None).values_list("raw_id", flat=True))
    towns = Member.objects.filter(pk=member_id).values("association_id")
    unclear = RawReceipt.objects.exclude(state="read").filter(association_id__in=towns)
    unclear.update(body="", digest="")
    ReceiptLink.objects.filter(receipt__member_id=member_id).delete()
    ReceiptLine.objects.filter(receipt__member_id=member_id).update(
        item_id="", item_name="", group=""
    )
    Receipt.objects.filter(raw_id__in=raws).update(raw=None)
    RawReceipt.objects.filter(pk__in=raws).delete()
    mine.update(member=None)


def prune(now: datetime) -> int:
    """Delete what is over: raw receipts that stayed refused, links, contacts on links that were
    never sent; give up claims whose receipt never came. Returns how many."""
    before = now - timedelta(days=RAW_REFUSED_DAYS)
    unread = RawReceipt.objects.exclude(state=RawReceipt.State.READ)
    old = unread.filter(received_at__lt=before, receipts=None)
    over = ReceiptLink.objects.filter(expires_at__lt=now)
    pruned = old.delete()[0] + over.delete()[0]
    return pruned + links.wipe_contacts(now) + matching.drop_old(now)
