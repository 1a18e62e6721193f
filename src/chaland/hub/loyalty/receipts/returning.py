"""Returns, line by line: at any shop of the coalition, before the purchase arrives or after.

What comes back is found in the purchase first; then the programmes take back what exactly those
lines had earned, and what was spent already becomes a debt that is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Receipt, ReceiptLine
from chaland.hub.loyalty.programmes import rules as earning
from chaland.hub.loyalty.programmes import services as programmes
from chaland.hub.loyalty.receipts import codes, rows, rules
from chaland.hub.loyalty.receipts.rules import Bought, NoMatchErrorFinal, ReceiptErrorFinal
from chaland.hub.loyalty.receipts.shapes import Earned, LineIn, ReceiptIn


def write(
    said: ReceiptIn, digest: str, raw_id: int | None, now: datetime
) -> tuple[Receipt, list[Earned]]:
    """Store a return, and take back what its lines had earned.

    Call it in a transaction: the purchase is locked, so that two returns of one article can't both
    go through. A purchase known by the source's own number may come later: the return waits.
    ReceiptErrorFinal: ``no-such-purchase``, ``no-such-line``, ``returned-already``, ``which-line``.
    """
    purchase = _purchase(said)
    if purchase is None:
        lines = [replace(li, quantity_milli=abs(li.quantity_milli)) for li in said.lines]
        waiting = replace(said, lines=lines, code="")
        return rows.write([rows.Ready(waiting, digest)], raw_id, now)[0], []
    try:
        lines = rules.match(said.lines, bought(purchase))
    except NoMatchErrorFinal as error:
        raise _refusal(error) from error
    said = replace(said, lines=lines, code="", attached_how=purchase.attached_how)
    ready = rows.Ready(said, digest, purchase.member_id, purchase)
    receipt = rows.write([ready], raw_id, now)[0]
    return receipt, take_back(receipt)


def take_back(receipt: Receipt) -> list[Earned]:
    """Take back what a return's lines had earned, if the purchase is a member's."""
    return list(programmes.take_back(receipt)) if receipt.member_id is not None else []


def awaited(purchases: Sequence[Receipt]) -> list[Receipt]:
    """Join to new purchases the returns that came before them; those that fit are returned."""
    by_key = {(p.shop_id, p.source, p.external_id): p for p in purchases}
    waiting = (
        Receipt.objects.select_for_update()
        .exclude(returns_reference="")
        .filter(
            shop_id__in={key[0] for key in by_key},
            source__in={key[1] for key in by_key},
            returns_reference__in=[key[2] for key in by_key],
            returns=None,
        )
        .order_by("pk")
    )
    pairs = [
        (receipt, by_key.get((receipt.shop_id, receipt.source, receipt.returns_reference)))
        for receipt in waiting
    ]
    return [receipt for receipt, purchase in pairs if purchase and _joined(receipt, purchase)]


@transaction.atomic(using="loyalty")
def join(return_id: int, purchase_id: int) -> list[Earned]:
    """Say by hand of what purchase a return without one is; ReceiptErrorFinal as for ``write``."""
    receipt = Receipt.objects.select_for_update().get(pk=return_id)
    purchase = Receipt.objects.select_for_update().get(pk=purchase_id)
    if receipt.returns_id is not None or receipt.gross_cents > 0:
        raise ReceiptErrorFinal("a-return", _("This return has its purchase already."))
    if purchase.association_id != receipt.association_id or purchase.gross_cents < 0:
        raise _unknown()
    try:
        _match(receipt, purchase)
    except NoMatchErrorFinal as error:
        raise _refusal(error) from error
    return take_back(receipt)


def _joined(receipt: Receipt, purchase: Receipt) -> bool:
    """Join a return to its purchase; one that doesn't fit stays in the list of those to sort."""
    try:
        _match(receipt, purchase)
    except NoMatchErrorFinal:
        return False
    return True


def _match(receipt: Receipt, purchase: Receipt) -> None:
    said = [
        LineIn(
            number=line.number,
            gross_cents=line.gross_cents,
            item_id=line.item_id,
            item_name=line.item_name,
            group=line.group,
            quantity_milli=line.quantity_milli,
            vat_permyriad=line.vat_permyriad,
            discount=line.discount,
            returns_number=line.returns_number,
        )
        for line in receipt.lines.order_by("number")
    ]
    lines = rules.match(said, bought(purchase))
    receipt.returns = purchase
    receipt.member_id = purchase.member_id
    receipt.attached_at = purchase.attached_at
    receipt.attached_how = purchase.attached_how
    receipt.attached_by = purchase.attached_by
    receipt.attached_times = min(purchase.attached_times, 1)
    receipt.save()
    receipt.lines.all().delete()
    rows.write_lines(receipt, lines)


def _purchase(said: ReceiptIn) -> Receipt | None:
    """Find and lock the purchase; None if it may still come, or nothing says which it is."""
    receipts = Receipt.objects.select_for_update().filter(association_id=said.association_id)
    if said.returns_id is not None:
        found = receipts.filter(pk=said.returns_id).first()
    elif said.returns_code:
        found = codes.purchase(said.association_id, said.returns_code, said.actor)
        found = found and receipts.get(pk=found.pk)
    elif said.returns_external_id:
        found = receipts.filter(
            shop_id=said.shop_id, source=said.source, external_id=said.returns_external_id
        ).first()
        if found is None:
            return None
    else:
        return None
    if found is None or found.gross_cents < 0 or found.returns_id is not None:
        raise _unknown()
    return found


def bought(purchase: Receipt) -> list[Bought]:
    """Return a purchase's lines, what each cost after reductions, and what came back of each."""
    lines = list(purchase.lines.order_by("number"))
    paid = earning.net_lines(
        earning.Line(
            li.number, li.gross_cents, li.quantity_milli, li.item_id, li.group, li.discount
        )
        for li in lines
    )
    came_back = {
        number: (milli, -cents)
        for number, milli, cents in ReceiptLine.objects.filter(receipt__returns=purchase)
        .values("returns_number")
        .annotate(milli=Sum("quantity_milli"), cents=Sum("gross_cents"))
        .values_list("returns_number", "milli", "cents")
    }
    return [
        Bought(
            number=line.number,
            quantity_milli=line.quantity_milli,
            paid_cents=paid.get(line.number, 0),
            item_id=line.item_id,
            item_name=line.item_name,
            group=line.group,
            vat_permyriad=line.vat_permyriad,
            discount=line.discount,
            back_milli=came_back.get(line.number, (0, 0))[0],
            back_cents=came_back.get(line.number, (0, 0))[1],
        )
        for line in lines
    ]


def refund(lines: Sequence[Bought], quantities: Mapping[int, int]) -> list[LineIn]:
    """Price what comes back (line number: thousandths) as it was paid, cent by cent: parts of a
    line add up to the line. ReceiptErrorFinal if nothing is left of it, or nothing comes back."""
    priced = []
    for line in lines:
        quantity = quantities.get(line.number, 0)
        if quantity > line.left_milli:
            raise _refusal(NoMatchErrorFinal("returned-already", line.number, line.left_milli))
        if quantity > 0:
            upto = line.paid_cents * (line.back_milli + quantity) // line.quantity_milli
            before = line.paid_cents * line.back_milli // line.quantity_milli
            priced.append(
                LineIn(
                    number=line.number,
                    gross_cents=before - upto,
                    quantity_milli=quantity,
                    returns_number=line.number,
                )
            )
    if not priced:
        raise ReceiptErrorFinal("which-line", _("Say how much comes back, of one line at least."))
    return priced


def _unknown() -> ReceiptErrorFinal:
    text = _("No purchase here has this number or code. Check it on the receipt.")
    return ReceiptErrorFinal("no-such-purchase", text)


def _refusal(error: NoMatchErrorFinal) -> ReceiptErrorFinal:
    texts = {
        "no-such-line": _("Line %(line)d: the purchase has no such article."),
        "returned-already": _(
            "Line %(line)d: so much isn’t left of it, the rest came back before."
        ),
        "which-line": _(
            "Line %(line)d: say which line of the purchase comes back, an amount alone is not "
            "enough here."
        ),
        "more-money": _(
            "Line %(line)d: more money would come back than was paid for it. Check the amount, "
            "less what came back before."
        ),
    }
    return ReceiptErrorFinal(error.code, texts[error.code] % {"line": error.line})
