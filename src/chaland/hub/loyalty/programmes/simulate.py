"""What a rule would have done: run it on past receipts before it goes live.

Figures only, rounded, and none where fewer than ten members are concerned, by the change or by the
receipts looked at: whoever simulates sees what a rule costs, never what somebody bought.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import F, QuerySet

from chaland.hub.loyalty.models import Member, Programme, Receipt, ReceiptLine
from chaland.hub.loyalty.programmes import rules
from chaland.hub.loyalty.programmes.facts import MemberFacts
from chaland.hub.loyalty.programmes.services.earning import basket_of
from chaland.hub.loyalty.programmes.terms import DatedRule, InForce, Terms, line_of, terms_of

MEMBERS_MIN = 10
RECEIPTS_MAX = 20_000
"""Beyond that, one member in so many is looked at, and the result is scaled."""
_CHUNK = 2_000


@dataclass(frozen=True)
class Simulation:
    """What a change of rules would have done to past receipts; amounts in units of the asset.

    ``hidden``: too few members to say anything, even how many receipts. Else ``receipts`` looked
    at, ``touched`` receipts and ``members`` that would have earned otherwise, ``now`` what the
    rules as they are would have given, ``extra`` what the change adds (or takes). ``one_in``: 1, or
    the share looked at.
    """

    hidden: bool
    receipts: int = 0
    touched: int = 0
    members: int = 0
    now: int = 0
    extra: int = 0
    one_in: int = 1


def run(
    programme: Programme,
    draft: rules.EarningRule,
    since: datetime,
    until: datetime,
    *,
    replaces: int | None = None,
) -> Simulation:
    """Run the programme's rules of today, with and without a draft (in place of rule ``replaces``),
    on the attached purchases issued from ``since`` to before ``until``."""
    terms = terms_of(programme)
    today = terms.rules_at(until)
    then = [rule for rule in today if rule.id != replaces] + [draft]
    past = _purchases(programme, since, until)
    one_in = -(-past.count() // RECEIPTS_MAX) or 1
    if one_in > 1:
        past = past.alias(part=F("member_id") % one_in).filter(part=0)
    found = _Sum()
    in_force = InForce([programme.association_id], [])
    facts = MemberFacts.of_members(_asking(terms, then), _members(past))
    for receipt in past.prefetch_related("lines").iterator(chunk_size=_CHUNK):
        basket = _basket(receipt, terms, in_force, facts)
        found.add(receipt, _earned(basket, today), _earned(basket, then))
    return found.told(one_in)


def _purchases(programme: Programme, since: datetime, until: datetime) -> QuerySet[Receipt]:
    past = Receipt.objects.filter(
        association_id=programme.association_id,
        member__isnull=False,
        returns__isnull=True,
        gross_cents__gt=0,
        issued_at__gte=since,
        issued_at__lt=until,
    )
    if programme.shop_id is not None:
        past = past.filter(shop_id=programme.shop_id)
    return past.select_related("member").order_by("issued_at", "pk")


def _members(past: QuerySet[Receipt]) -> set[int]:
    return {pk for pk in past.order_by().values_list("member_id", flat=True).distinct() if pk}


def _asking(terms: Terms, then: Sequence[rules.EarningRule]) -> list[Terms]:
    """Return the terms as they would be, so that what the draft asks of members is read."""
    dated = [DatedRule(rule, datetime.min, None) for rule in then]  # noqa: DTZ901  # never compared
    return [replace(terms, rules=dated)]


def _basket(receipt: Receipt, terms: Terms, in_force: InForce, facts: MemberFacts) -> rules.Basket:
    member: Member | None = receipt.member
    lines: list[ReceiptLine] = sorted(receipt.lines.all(), key=lambda line: line.number)
    member_id = receipt.member_id or 0
    return basket_of(
        [line_of(line) for line in lines],
        in_force.local(receipt.association_id, receipt.issued_at),
        first=facts.earliest(terms, member_id, receipt.pk),
        birth_month=member.birth_month if member else None,
        tier=facts.standing(terms, member_id, receipt.issued_at),
    )


def _earned(basket: rules.Basket, given: Sequence[rules.EarningRule]) -> int:
    return sum(part.amount for part in rules.earn(basket, given))


class _Sum:
    def __init__(self) -> None:
        self.receipts = self.touched = self.now = self.then = 0
        self.buyers: set[int] = set()
        self.members: set[int] = set()

    def add(self, receipt: Receipt, now: int, then: int) -> None:
        self.receipts += 1
        self.buyers.add(receipt.member_id or 0)
        self.now += now
        self.then += then
        if now != then:
            self.touched += 1
            self.members.add(receipt.member_id or 0)

    def told(self, one_in: int) -> Simulation:
        if len(self.buyers) < MEMBERS_MIN or 0 < len(self.members) < MEMBERS_MIN:
            return Simulation(hidden=True)
        return Simulation(
            hidden=False,
            receipts=rounded(self.receipts * one_in),
            touched=rounded(self.touched * one_in),
            members=rounded(len(self.members) * one_in),
            now=rounded(self.now * one_in),
            extra=rounded((self.then - self.now) * one_in),
            one_in=one_in,
        )


def rounded(number: int) -> int:
    """Round to two meaningful figures: enough to decide by, too little to single somebody out."""
    return round(number, 2 - len(str(abs(number))))
