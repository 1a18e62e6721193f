"""All that programmes write: what receipts earn, what balances buy."""

from chaland.hub.loyalty.programmes.services.earning import award, take_back
from chaland.hub.loyalty.programmes.services.quoting import Quote, quote
from chaland.hub.loyalty.programmes.services.rewards import (
    Ask,
    Redeemed,
    Reserved,
    cancel,
    confirm,
    redeem,
    reserve,
    undo,
)
from chaland.hub.loyalty.programmes.services.setting_up import (
    add_rule,
    end_rule,
    start_points,
    start_purse,
    start_stamps,
)
from chaland.hub.loyalty.programmes.services.vouchers import Used, lapse_vouchers
from chaland.hub.loyalty.programmes.services.vouchers import use as use_voucher

__all__ = [
    "Ask",
    "Quote",
    "Redeemed",
    "Reserved",
    "Used",
    "add_rule",
    "award",
    "cancel",
    "confirm",
    "end_rule",
    "lapse_vouchers",
    "quote",
    "redeem",
    "reserve",
    "start_points",
    "start_purse",
    "start_stamps",
    "take_back",
    "undo",
    "use_voucher",
]
