"""Attaching a receipt to a member: at the till, later by its code, from the queue; and undoing."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.ledger.postings import Reversal
from chaland.hub.loyalty.models import Claim, Member, Receipt, Transfer
from chaland.hub.loyalty.programmes import services as programmes
from chaland.hub.loyalty.receipts import codes, whose
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.selectors import earned_of
from chaland.hub.loyalty.receipts.shapes import Taken

CLAIM_DAYS = 30
"""How long after the purchase a receipt can be claimed by its code."""


@transaction.atomic(using="loyalty")
def attach(receipt_id: int, member_id: int, how: str, actor: str, at: datetime) -> Taken:
    """Make a purchase a member's, and let it earn; doing it again changes nothing.

    What has come back of it meanwhile is taken off at once: else returning first and attaching
    later would earn for goods that nobody kept. ReceiptErrorFinal: ``no-such-receipt``,
    ``attached`` (to another), ``a-return``, ``no-such-member``, ``paused``.
    """
    receipt = _locked(receipt_id)
    member = whose.members([member_id]).get(member_id)
    if member and receipt.member_id == member.pk:
        return as_it_is(receipt)
    if receipt.attached_at is not None:
        raise ReceiptErrorFinal("attached", _("This receipt is another member’s already."))
    if receipt.gross_cents < 0 or receipt.returns_id is not None:
        text = _("This is a return: it belongs to whom the purchase belongs to.")
        raise ReceiptErrorFinal("a-return", text)
    against = whose.obstacle(member, receipt.association_id)
    if member is None or against:
        raise ReceiptErrorFinal(*(against or ("no-such-member", "")))
    _give(receipt, member, how, actor, at)
    earned = list(programmes.award([receipt]).get(receipt.pk, ()))
    for back in receipt.returned_by.order_by("pk"):
        _give(back, member, how, actor, at)
        earned += programmes.take_back(back)
    whose.bought([receipt], [member])
    return Taken("new", receipt.pk, code=receipt.code, earned=tuple(earned))


@transaction.atomic(using="loyalty")
def detach(receipt_id: int, actor: str, at: datetime) -> None:
    """Undo an attaching: all that the receipt earned goes back, and it can be attached again.

    Detaching what isn't attached changes nothing. The caller limits how long it may be done.
    ReceiptErrorFinal: ``no-such-receipt``, ``returned`` (something came back meanwhile), ``spent``
    (a reward was paid with it).
    """
    receipt = _locked(receipt_id)
    if receipt.attached_at is None:
        return
    if receipt.returns_id is not None or receipt.returned_by.exists():
        text = _("Something of this receipt came back: it can’t be detached any more.")
        raise ReceiptErrorFinal("returned", text)
    transfers = Transfer.objects.filter(receipt=receipt)
    if transfers.filter(kind=Transfer.Kind.REDEEM, reversals=None).exists():
        text = _("A reward was used on this receipt: cancel that first.")
        raise ReceiptErrorFinal("spent", text)
    for transfer in transfers.filter(kind=Transfer.Kind.EARN, reversals=None).order_by("pk"):
        ledger.reverse(_undoing(transfer, receipt, actor, at))
    member_id = receipt.member_id
    receipt.member = receipt.attached_at = None
    receipt.attached_how = receipt.attached_by = ""
    receipt.save(update_fields=["member", "attached_at", "attached_how", "attached_by"])
    Claim.objects.filter(receipt=receipt).update(state=Claim.State.OPEN, receipt=None)
    if member_id is not None:
        whose.no_customer_after_all(member_id, receipt.shop_id)


def claim_by_code(
    association_id: int, typed: str, member_id: int, actor: str, at: datetime
) -> Taken:
    """Attach the receipt that carries a code, for whoever holds it; for CLAIM_DAYS after it.

    A wrong code, one of another town and one that is too old answer alike. ReceiptErrorFinal:
    ``no-such-code``, ``codes`` (too many wrong ones) and those of ``attach``.
    """
    found = codes.purchase(association_id, typed, actor)
    if found is None or found.issued_at < at - timedelta(days=CLAIM_DAYS):
        text = _(
            "No receipt of the last %(days)d days has this code. Check it: it has 8 to 12 digits "
            "and letters."
        )
        raise ReceiptErrorFinal("no-such-code", text % {"days": CLAIM_DAYS})
    return attach(found.pk, member_id, Receipt.How.LATE, actor, at)


def _locked(receipt_id: int) -> Receipt:
    receipt = Receipt.objects.select_for_update().filter(pk=receipt_id).first()
    if receipt is None:
        raise ReceiptErrorFinal("no-such-receipt", _("There is no such receipt."))
    return receipt


def _give(receipt: Receipt, member: Member, how: str, actor: str, at: datetime) -> None:
    receipt.member = member
    receipt.attached_at = at
    receipt.attached_how = how
    receipt.attached_by = actor
    receipt.attached_times += 1
    receipt.save(
        update_fields=["member", "attached_at", "attached_how", "attached_by", "attached_times"]
    )


def as_it_is(receipt: Receipt) -> Taken:
    """Return the answer to what is there already: what it earned then, in the same words."""
    language = receipt.member.language if receipt.member else ""
    earned = tuple(earned_of([receipt.pk], language).get(receipt.pk, ()))
    return Taken("repeated", receipt.pk, code=receipt.code, earned=earned)


def _undoing(transfer: Transfer, receipt: Receipt, actor: str, at: datetime) -> Reversal:
    return Reversal(
        key=f"undo:{transfer.pk}",
        association_id=receipt.association_id,
        shop_id=transfer.shop_id,
        occurred_at=at,
        actor=actor,
        transfer_id=transfer.pk,
        amounts=None,
        receipt_id=receipt.pk,
        undo=True,
    )
