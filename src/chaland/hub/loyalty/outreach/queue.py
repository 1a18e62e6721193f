"""The queue's rows, read by the partial indexes made for them."""

from django.db.models import QuerySet

from chaland.hub.loyalty.models import Delivery


def waiting() -> QuerySet[Delivery]:
    """Return the deliveries that a worker may claim."""
    return _where("loyalty_delivery.state IN ('planned', 'held', 'ready')")


def leased() -> QuerySet[Delivery]:
    """Return the deliveries that a worker holds."""
    return _where("loyalty_delivery.state IN ('claimed', 'sending')")


def unknown() -> QuerySet[Delivery]:
    """Return the deliveries of which nothing is known."""
    return _where("loyalty_delivery.state = 'unknown'")


def _where(condition: str) -> QuerySet[Delivery]:
    """Say a condition as the index says it: SQLite takes a partial index for literals only."""
    return Delivery.objects.extra(where=[condition])  # noqa: S610  # literals of this file
