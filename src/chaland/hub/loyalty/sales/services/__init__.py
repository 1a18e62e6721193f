"""Writes of private sales: set up, announced, filled and held.

Each locks the sale's row first (`sale_locked`), so that what a slot counts, its queue and the
state of the sale never disagree. SaleErrorFinal says in words what can't be done.
"""

from chaland.hub.loyalty.sales.services.arriving import Arrival, arrive, join_at_door
from chaland.hub.loyalty.sales.services.inviting import adopt, forget, invite
from chaland.hub.loyalty.sales.services.opening import (
    cancel_sale,
    close_due,
    open_sale,
    stops,
    take_prices,
)
from chaland.hub.loyalty.sales.services.places import (
    book,
    decline,
    give_back,
    remove_slot,
    set_slot,
)
from chaland.hub.loyalty.sales.services.setting_up import (
    SaleIn,
    add_shop,
    agree,
    create,
    edit,
    remove_offer,
    remove_shop,
    set_cost,
    set_offer,
    withdraw,
)
from chaland.hub.loyalty.sales.services.undoing import undo_arrival

__all__ = [
    "Arrival",
    "SaleIn",
    "add_shop",
    "adopt",
    "agree",
    "arrive",
    "book",
    "cancel_sale",
    "close_due",
    "create",
    "decline",
    "edit",
    "forget",
    "give_back",
    "invite",
    "join_at_door",
    "open_sale",
    "remove_offer",
    "remove_shop",
    "remove_slot",
    "set_cost",
    "set_offer",
    "set_slot",
    "stops",
    "take_prices",
    "undo_arrival",
    "withdraw",
]
