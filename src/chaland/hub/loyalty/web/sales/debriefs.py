"""A sale's debrief as its page shows it: to each what `figures.sales` lets them know."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chaland.hub.loyalty.figures import rules
from chaland.hub.loyalty.figures import sales as figures
from chaland.hub.loyalty.models import PrivateSale
from chaland.hub.loyalty.web.outreach.scope import Scope


def shown_to(
    sale: PrivateSale, scope: Scope, names: Mapping[int, str], now: datetime
) -> dict[str, Any] | None:
    """Return a sale's figures for a scope, None before there are any.

    ``part`` is the scope's own shop's where it took part in another's sale, else all shops'; None
    where too few people are behind it.
    """
    told = figures.told(sale, scope.shop_id)
    if told is None:
        return None
    guest = scope.shop_id is not None and sale.shop_id != scope.shop_id
    shops = [] if guest or len(told.shops) < 2 else list(told.shops.items())
    return {
        "told": told,
        "part": told.shops.get(scope.shop_id or 0) if guest else told.whole,
        "guest": guest,
        "shops": sorted(
            ((names.get(pk, "–"), part) for pk, part in shops), key=lambda each: each[0]
        ),
        "weeks": figures.around(sale, scope.shop_id, now),
        "few": rules.MEMBERS_MIN,
    }
