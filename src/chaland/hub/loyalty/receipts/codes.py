"""Purchases by the code on their receipt, for whoever doesn't try codes through."""

from datetime import timedelta

from django.utils.translation import gettext as _

from chaland.hub.association import limits
from chaland.hub.loyalty.models import Receipt
from chaland.hub.loyalty.receipts import rules
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal

MISSES_AN_HOUR = 20
_HOUR = timedelta(hours=1)


def purchase(association_id: int, typed: str, actor: str) -> Receipt | None:
    """Return the purchase with this code; None, and a miss of the actor's, where there is none.

    Whatever door it comes through, a device, key, user or member misses MISSES_AN_HOUR times;
    then ReceiptErrorFinal (``codes``), for right and wrong codes alike.
    """
    who = f"receipt-codes:{actor.partition(' ')[0]}"
    if limits.reached(who, MISSES_AN_HOUR, _HOUR):
        raise ReceiptErrorFinal("codes", _("Too many wrong codes: wait for an hour."))
    code = rules.read_code(typed)
    purchases = Receipt.objects.filter(
        association_id=association_id, code=code, gross_cents__gte=0, returns=None
    )
    found = purchases.first() if code else None
    if found is None:
        limits.count(who, MISSES_AN_HOUR, _HOUR)
    return found
