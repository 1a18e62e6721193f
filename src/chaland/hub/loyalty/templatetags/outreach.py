"""What the tabs of campaigns ask."""

from typing import Any

from django import template

from chaland.hub.loyalty.models import Gateway

register = template.Library()


@register.simple_tag(takes_context=True)
def outbox_used(context: dict[str, Any]) -> bool:
    """Say whether the association's messages go to the local outbox: then it has a tab."""
    role = context.get("current_role")
    return (
        role is not None
        and Gateway.objects.filter(association_id=role.association_id, driver="outbox").exists()
    )
