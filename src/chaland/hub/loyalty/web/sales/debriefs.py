"""A sale's debrief, to its own shop whole, to others as far as it may leave."""

from collections.abc import Mapping
from typing import Any

from chaland.hub.loyalty.models import PrivateSale
from chaland.hub.loyalty.sales.selectors import TOLD_FROM
from chaland.hub.loyalty.web.outreach.scope import Scope


def shown_to(sale: PrivateSale, scope: Scope) -> Mapping[str, Any] | None:
    """Return a sale's figures for a scope, None before there are any.

    The sale's own shop sees them as they are; a shop that took part, its own part and how many
    were invited; the association of a shop's sale, nothing of fewer than ten people.
    """
    told: Mapping[str, Any] = sale.debrief
    if not told:
        return None
    if sale.shop_id == scope.shop_id and scope.shop_id is not None:
        return {**told, "part": told.get("whole", {})}
    if scope.shop_id is not None:
        return {**told, "part": told.get("shops", {}).get(str(scope.shop_id), {})}
    whole = told.get("whole", {})
    few = 0 < whole.get("bought", 0) < TOLD_FROM
    part = {name: None if few and name != "came" else n for name, n in whole.items()}
    came = whole.get("came", 0)
    part["came"] = came if came >= TOLD_FROM else None
    return {**told, "part": part, "few": few}
