"""What a till page is shown: masked members, balances, what a receipt moved. Built anew for each
answer, never kept with one."""

from collections.abc import Iterable, Mapping
from typing import Any

from chaland.hub.loyalty.members import lookups
from chaland.hub.loyalty.members.rules import Found
from chaland.hub.loyalty.models import Asset, Member, Till
from chaland.hub.loyalty.receipts.shapes import Earned
from chaland.hub.loyalty.till import refs

Json = dict[str, Any]


def rows(till: Till, found: Iterable[Found]) -> list[Json]:
    """Return masked rows, each with the reference by which this till may name it."""
    return [
        {
            "ref": refs.ref_of(till, one.member_id),
            "name": one.name,
            "hint": one.hint,
            "own": one.own,
        }
        for one in found
    ]


def member_row(till: Till, member: Member) -> Json:
    """Return one member, masked as in a look-up."""
    return rows(till, lookups.masked([member], till.shop_id))[0]


def earned(moved: Iterable[Earned]) -> list[Json]:
    """Return what a receipt moved, as it can be kept."""
    return [{"asset": one.asset_id, "amount": one.amount, "why": one.why} for one in moved]


def with_kinds(moved: Iterable[Mapping[str, Any]]) -> list[Json]:
    """Add what is counted (``purse``, ``points``, ``stamps``) to what was kept."""
    kept = list(moved)
    kinds = dict(
        Asset.objects.filter(pk__in={one["asset"] for one in kept}).values_list("pk", "kind")
    )
    return [{**one, "kind": kinds[one["asset"]]} for one in kept]
