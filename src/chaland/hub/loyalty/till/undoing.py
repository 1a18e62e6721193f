"""Undoing at the till, for ten seconds of the hub's own clock, whatever a tablet's clock says.

What can be undone is named by a signed reference that holds until when. It is made of what the
first answer kept, so that asking again doesn't make it longer.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Claim, Receipt, Source, Till, Transfer
from chaland.hub.loyalty.programmes import services as programmes
from chaland.hub.loyalty.receipts import matching, services
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal, new_code
from chaland.hub.loyalty.till import devices, private_sales
from chaland.hub.loyalty.till.refs import StaleRefErrorFinal

FOR = timedelta(seconds=15)
"""The page gives ten seconds; the request may take some more."""
What = Literal["receipt", "claim", "transfer", "arrival"]


def undo_ref(till: Till, what: What, of: int | str | Sequence[Any], done_at: str) -> str:
    """Return the reference under which this till may undo what was done at ``done_at`` (ISO 8601,
    of ``clock.real_now``)."""
    until = datetime.fromisoformat(done_at) + FOR
    return _signer(till).sign_object([what, of, int(until.timestamp())])


def undo(till: Till, ref: str, key: str) -> None:
    """Take an attaching, a claim, a redemption or a check-in back.

    Raises:
        StaleRefErrorFinal: the reference is another till's.
        ReceiptErrorFinal: ``too-late``, or what the parts refuse.
    """
    try:
        what, of, until = _signer(till).unsign_object(ref)
    except signing.BadSignature:
        raise StaleRefErrorFinal from None
    if clock.real_now() > datetime.fromtimestamp(until, UTC):
        raise ReceiptErrorFinal("too-late", _("It is too late to undo this."))
    match what:
        case "receipt":
            _undo_receipt(till, of)
        case "claim":
            matching.drop(Claim.objects.get(pk=of, shop_id=till.shop_id).pk)
        case "arrival":
            private_sales.take_back(till, of)
        case _:
            of_shop = Transfer.objects.get(pk=UUID(of), shop_id=till.shop_id)
            asked = programmes.Ask(till.association_id, till.shop_id, key, devices.actor_of(till))
            programmes.undo(asked, of_shop.pk)


@transaction.atomic(using="loyalty")
def _undo_receipt(till: Till, receipt_id: int) -> None:
    """Detach a receipt. One that was typed gives its number free: the right one is typed next. Its
    code changes, too: else who has seen it could claim what is attached under another."""
    services.detach(receipt_id, devices.actor_of(till), clock.now())
    receipt = Receipt.objects.get(pk=receipt_id, shop_id=till.shop_id)
    if receipt.source == Source.TILL and receipt.attached_at is None:
        receipt.external_id, receipt.code = f"undone {receipt.pk}", new_code()
        receipt.save(update_fields=["external_id", "code"])


def _signer(till: Till) -> signing.Signer:
    return signing.Signer(salt=f"chaland.till.{till.pk}.undo")
