"""What a typed name may mean: conditions on the column of names, each served by its index."""

from django.db.models import Q
from django.utils.translation import gettext as _

from chaland.hub.loyalty.members.rules import (
    PREFIX_AT_LEAST,
    MemberErrorFinal,
    after,
    surname_splits,
    turned,
)


def readings(text: str, column: str = "name_key") -> list[Q]:
    """Return one condition for each reading of a typed name, the likeliest first.

    ``dup`` begins a name; ``dupont ma`` and ``marie dup`` begin its two parts in either order.
    Ask them one by one: joined by OR, no engine reads its index in order. MemberErrorFinal under
    three letters.
    """
    orders = turned(text)
    if not orders or len(orders[0].replace(" ", "")) < PREFIX_AT_LEAST:
        raise MemberErrorFinal("name", _("Give at least three letters of the name."), "name")
    whole = [_begins(order, column) for order in orders if len(order) >= PREFIX_AT_LEAST]
    parts = [
        _begins(surname, column) & Q(**{f"{column}__contains": f" {first}"})
        for surname, first in surname_splits(text)
        if first and len(surname) >= PREFIX_AT_LEAST
    ]
    return whole + parts


def _begins(prefix: str, column: str) -> Q:
    return Q(**{f"{column}__gte": prefix, f"{column}__lt": after(prefix)})
