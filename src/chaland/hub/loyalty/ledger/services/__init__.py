"""All that moves units. Each service is one transaction, and answers a repeated key as before."""

from chaland.hub.loyalty.ledger.services.changes import adjust, close, fund, merge, settle
from chaland.hub.loyalty.ledger.services.earning import earn, earn_inside
from chaland.hub.loyalty.ledger.services.expiry import expire_due, lapse_holds
from chaland.hub.loyalty.ledger.services.holds import cancel, confirm, reserve
from chaland.hub.loyalty.ledger.services.reversals import reverse
from chaland.hub.loyalty.ledger.services.spending import redeem

__all__ = [
    "adjust",
    "cancel",
    "close",
    "confirm",
    "earn",
    "earn_inside",
    "expire_due",
    "fund",
    "lapse_holds",
    "merge",
    "redeem",
    "reserve",
    "reverse",
    "settle",
]
