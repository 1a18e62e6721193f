"""The queue's rows, read by the partial indexes made for them."""

from datetime import datetime

from django.db import connections
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from chaland.hub.loyalty.models import Delivery


def waiting() -> QuerySet[Delivery]:
    """Return the deliveries that a worker may claim."""
    return _where("loyalty_delivery.state IN ('planned', 'held', 'ready')")


def has_due(channel: str, now: datetime) -> RawSQL:
    """Return the condition that something of a campaign may be claimed now, by a channel."""
    return RawSQL(
        "EXISTS (SELECT 1 FROM loyalty_delivery d WHERE d.campaign_id = loyalty_campaign.id"
        " AND d.channel = %s AND d.not_before <= %s AND d.state IN ('planned', 'held', 'ready'))",
        (channel, connections["loyalty"].ops.adapt_datetimefield_value(now)),
        output_field=BooleanField(),
    )


def leased() -> QuerySet[Delivery]:
    """Return the deliveries that a worker holds."""
    return _where("loyalty_delivery.state IN ('claimed', 'sending')")


def unknown() -> QuerySet[Delivery]:
    """Return the deliveries of which nothing is known."""
    return _where("loyalty_delivery.state = 'unknown'")


def _where(condition: str) -> QuerySet[Delivery]:
    """Say a condition as the index says it: SQLite takes a partial index for literals only."""
    return Delivery.objects.extra(where=[condition])  # noqa: S610  # literals of this file
