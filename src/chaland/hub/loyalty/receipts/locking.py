"""Locks of a batch that touches several purchases: all at its beginning, in one order.

A purchase, then another one's return, and another batch the other way round, would else wait for
each other. Rows of receipts come first, by number, then the accounts of all members concerned.
"""

from collections.abc import Collection, Sequence

from django.db.models import Q

from chaland.hub.loyalty.ledger.accounts import Accounts
from chaland.hub.loyalty.models import Receipt
from chaland.hub.loyalty.receipts import rules, whose
from chaland.hub.loyalty.receipts.shapes import ReceiptIn


def lock(returns: Sequence[ReceiptIn], late: Sequence[int], members: Collection[int]) -> None:
    """Lock the purchases of returns, ``late`` receipts (by number) that may get a member now, and
    the accounts of their members and of ``members``."""
    wanted = Q(pk__in=[*late, *(said.returns_id for said in returns if said.returns_id)])
    for said in returns:
        if said.returns_code:
            code = rules.read_code(said.returns_code)
            wanted |= Q(association_id=said.association_id, code=code or "-")
        elif said.returns_external_id:
            wanted |= Q(
                shop_id=said.shop_id, source=said.source, external_id=said.returns_external_id
            )
    receipts = Receipt.objects.filter(wanted).order_by("pk").select_for_update()
    owners = {member for _pk, member in receipts.values_list("pk", "member_id") if member}
    heirs = {member.pk for member in whose.members(owners).values()}
    Accounts().lock_members({(member, 0) for member in owners | heirs | set(members)})
