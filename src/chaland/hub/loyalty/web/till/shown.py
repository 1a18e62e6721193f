"""What a till page is shown: masked members, balances, what a receipt moved. Built anew for each
answer, never kept with one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from chaland.hub.common import clock
from chaland.hub.loyalty.ledger.postings import Balance
from chaland.hub.loyalty.members import lookups
from chaland.hub.loyalty.members.references import How
from chaland.hub.loyalty.members.rules import Found
from chaland.hub.loyalty.models import Asset, Member, Till
from chaland.hub.loyalty.receipts.shapes import Earned
from chaland.hub.loyalty.till import refs

Json = dict[str, Any]


def rows(till: Till, found: Sequence[Found], how: How, ago: timedelta = timedelta()) -> list[Json]:
    """Return masked rows, each with the reference by which this till may name it.

    Found just now or some time ``ago``; ``sure``: by more than a name: it may be spent from.
    """
    given = refs.refs_of(till, [one.member_id for one in found], how, ago)
    return [
        {
            "ref": given[one.member_id],
            "sure": how != How.NAME,
            "name": one.name,
            "hint": one.hint,
            "own": one.own,
        }
        for one in found
        if one.member_id in given  # else erased in this moment
    ]


def enrolled(till: Till, member: Member) -> Json:
    """Return who was enrolled here, masked as in a look-up."""
    found = lookups.masked([member], till.shop_id)
    return rows(till, found, How.ENROLLED, clock.now() - member.enrolled_at)[0]


def earned(moved: Iterable[Earned]) -> list[Json]:
    """Return what a receipt moved, as it can be kept."""
    return [{"asset": one.asset_id, "amount": one.amount, "why": one.why} for one in moved]


def with_kinds(moved: Iterable[Mapping[str, Any]], known: Iterable[Balance] = ()) -> list[Json]:
    """Add what is counted (``purse``, ``points``, ``stamps``) to what was kept; ``known`` balances
    tell most of it already."""
    kept = list(moved)
    kinds = {of.asset_id: of.kind for of in known}
    missing = {one["asset"] for one in kept} - kinds.keys()
    if missing:
        kinds |= dict(Asset.objects.filter(pk__in=missing).values_list("pk", "kind"))
    return [{**one, "kind": kinds[one["asset"]]} for one in kept]
