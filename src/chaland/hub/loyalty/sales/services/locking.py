"""The one lock of a private sale: its row."""

from chaland.hub.loyalty.models import PrivateSale
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal

_State = PrivateSale.State


def sale_locked(sale_id: int) -> PrivateSale:
    """Return a sale, locked until the transaction ends; SaleErrorFinal (``no-sale``).

    New invitations, which only refer to the row, don't wait for it.
    """
    sale = PrivateSale.objects.select_for_update(no_key=True).filter(pk=sale_id).first()
    if sale is None:
        raise SaleErrorFinal("no-sale")
    return sale


def draft_locked(sale_id: int) -> PrivateSale:
    """Return a sale in preparation, locked; SaleErrorFinal (``not-draft``) where it is no more."""
    sale = sale_locked(sale_id)
    if sale.state != _State.DRAFT:
        raise SaleErrorFinal("not-draft")
    return sale


def live_locked(sale_id: int) -> PrivateSale:
    """Return a sale that is announced and not over, locked; SaleErrorFinal (``not-open``)."""
    sale = sale_locked(sale_id)
    if sale.state != _State.OPEN:
        raise SaleErrorFinal("over" if sale.state == _State.OVER else "not-open")
    return sale
