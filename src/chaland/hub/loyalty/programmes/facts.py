"""What rules ask of a member: is it the first purchase, which tier; for a batch, in few reads."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from chaland.hub.loyalty.models import Receipt
from chaland.hub.loyalty.programmes import costs
from chaland.hub.loyalty.programmes.rules import MULTIPLIER, Standing
from chaland.hub.loyalty.programmes.terms import Terms

TIER_WINDOW = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class _Bought:
    at: datetime
    receipt_id: int
    shop_id: int
    gross_cents: int


class MemberFacts:
    """Purchases of the members of a batch, as far as the programmes in question ask for them.

    "First" means: no other receipt of the programme's shops is the member's yet, and none stands
    before this one in the batch. So of receipts that come in the wrong order one is the first.
    """

    def __init__(self, terms: Sequence[Terms], receipts: Sequence[Receipt]) -> None:
        self._order = {receipt.pk: place for place, receipt in enumerate(receipts)}
        self._bought: dict[int, list[_Bought]] = defaultdict(list)
        if any(t.tiers or _asks_first(t) for t in terms):
            self._read({receipt.member_id for receipt in receipts if receipt.member_id})

    @classmethod
    def of_member(cls, terms: Sequence[Terms], member_id: int) -> Self:
        """Return the facts of one member, apart from any receipt in hand."""
        return cls.of_members(terms, {member_id})

    @classmethod
    def of_members(cls, terms: Sequence[Terms], member_ids: set[int]) -> Self:
        """Return the facts of members, apart from any receipt in hand."""
        facts = cls(terms, [])
        if any(t.tiers or _asks_first(t) for t in terms):
            facts._read(member_ids)
        return facts

    def earliest(self, terms: Terms, member_id: int, receipt_id: int) -> bool:
        """Say whether a past receipt is the member's earliest purchase in a programme."""
        for bought in self._bought.get(member_id, ()):
            if bought.gross_cents > 0 and terms.shop_id in (None, bought.shop_id):
                return bought.receipt_id == receipt_id
        return False

    def _read(self, members: set[int]) -> None:
        rows = (
            Receipt.objects.filter(member_id__in=members)
            .order_by("issued_at", "id")
            .values_list("member_id", "issued_at", "id", "shop_id", "gross_cents")
        )
        for member_id, at, receipt_id, shop_id, gross_cents in rows.iterator():
            self._bought[member_id or 0].append(_Bought(at, receipt_id, shop_id, gross_cents))

    def first(self, terms: Terms, member_id: int, receipt_id: int | None) -> bool:
        """Say whether a receipt is the member's first purchase in a programme."""
        mine = self._order.get(receipt_id, len(self._order)) if receipt_id else len(self._order)
        return not any(
            bought.gross_cents > 0
            and terms.shop_id in (None, bought.shop_id)
            and bought.receipt_id != receipt_id
            and self._order.get(bought.receipt_id, -1) < mine
            for bought in self._bought.get(member_id, ())
        )

    def tier(self, terms: Terms, member_id: int, before: datetime) -> costs.TierStep | None:
        """Return the tier that a member has reached in the twelve months before an instant."""
        if not terms.tiers:
            return None
        spent, shops = self.bought(terms, member_id, before)
        return costs.standing(terms.tiers, spent, shops)

    def bought(self, terms: Terms, member_id: int, before: datetime) -> tuple[int, int]:
        """Return cents spent (returns taken off) and different shops, in the twelve months before
        an instant, at the programme's shops."""
        bought = self._bought.get(member_id, [])
        start = bisect_left(bought, before - TIER_WINDOW, key=lambda b: b.at)
        end = bisect_left(bought, before, key=lambda b: b.at)
        counted = [b for b in bought[start:end] if terms.shop_id in (None, b.shop_id)]
        spent = sum(b.gross_cents for b in counted)
        return spent, len({b.shop_id for b in counted if b.gross_cents > 0})

    def standing(self, terms: Terms, member_id: int, before: datetime) -> Standing | None:
        """Return the tier as the engine takes it."""
        step = self.tier(terms, member_id, before)
        return Standing(step.name, step.percent) if step else None


def _asks_first(terms: Terms) -> bool:
    return any(
        dated.rule.kind == MULTIPLIER and dated.rule.parameters.get("first_purchase")
        for dated in terms.rules
    )
