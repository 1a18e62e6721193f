"""What the tabs of campaigns ask."""

from typing import Any

from django import template

from chaland.hub.association.access import is_director
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Gateway, PrivateSale
from chaland.hub.loyalty.sales import selectors
from chaland.hub.loyalty.web.sales import shown

register = template.Library()


@register.simple_tag(takes_context=True)
def outbox_used(context: dict[str, Any]) -> bool:
    """Say whether the association's messages go to the local outbox: then it has a tab."""
    role = context.get("current_role")
    return (
        role is not None
        and Gateway.objects.filter(association_id=role.association_id, driver="outbox").exists()
    )


@register.simple_tag(takes_context=True)
def sales_asked(context: dict[str, Any]) -> list[tuple[PrivateSale, str]]:
    """List the association's sales that wait for the shop's answer, each with its dates."""
    role = context.get("current_role")
    if role is None or role.shop is None or is_director(role):
        return []
    found = selectors.unanswered(role.association.pk, role.shop.pk, clock.now())
    return [(sale, shown.dates(sale)) for sale in found]
