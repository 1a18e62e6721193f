"""The dry run: what a basket would earn, cost less, and allow to be bought. It writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from chaland.hub.loyalty.ledger.postings import Balance
from chaland.hub.loyalty.ledger.selectors import balances
from chaland.hub.loyalty.models import Member
from chaland.hub.loyalty.programmes import costs, rules, selectors
from chaland.hub.loyalty.programmes.facts import MemberFacts
from chaland.hub.loyalty.programmes.refusals import ProgrammeErrorFinal
from chaland.hub.loyalty.programmes.services.earning import basket_of
from chaland.hub.loyalty.programmes.terms import InForce, Terms
from chaland.hub.loyalty.programmes.words import snapshot, why_line
from chaland.hub.loyalty.receipts.shapes import Earned, ReceiptIn


@dataclass(frozen=True)
class Quote:
    """What a basket would do. Without a member: for somebody who joins now.

    ``reductions`` are the member's advantages that the till may take off first: they aren't in
    ``earned``. ``balances`` and ``offers`` are those before this purchase.
    """

    earned: Sequence[Earned]
    reductions: Sequence[costs.Reduction]
    balances: Sequence[Balance]
    offers: Sequence[selectors.Offer]


def quote(receipt: ReceiptIn, member_id: int | None) -> Quote:
    """Say what a receipt would earn, as ``award`` would do it now.

    ProgrammeErrorFinal: there is no such member in the association.
    """
    member = _member(receipt.association_id, member_id)
    in_force = InForce([receipt.association_id], [receipt.shop_id])
    local = in_force.local(receipt.association_id, receipt.issued_at)
    terms = in_force.at(receipt.association_id, receipt.shop_id, local.date())
    lines = [
        rules.Line(x.number, x.gross_cents, abs(x.quantity_milli), x.item_id, x.group, x.discount)
        for x in receipt.lines
    ] or [rules.Line(1, receipt.gross_cents)]
    prices = _prices(receipt, terms, member, in_force)
    rewards = selectors.rewards_at(receipt.association_id, receipt.shop_id)
    mine = [
        b for b in (balances(member.pk) if member else [])
        if b.shop_id in (None, receipt.shop_id)
    ]  # fmt: skip
    paused = member is not None and member.state != Member.State.ACTIVE
    return Quote(
        earned=[] if paused else _earned(receipt, terms, member, in_force, lines),
        reductions=[] if paused else costs.member_prices(lines, prices),
        balances=mine,
        offers=[] if paused else selectors.offers(rewards, mine),
    )


def _member(association_id: int, member_id: int | None) -> Member | None:
    if member_id is None:
        return None
    member = Member.objects.filter(pk=member_id, association_id=association_id).first()
    if member is None:
        raise ProgrammeErrorFinal("no-member")
    return member


def _earned(
    receipt: ReceiptIn,
    terms: Sequence[Terms],
    member: Member | None,
    in_force: InForce,
    lines: Sequence[rules.Line],
) -> list[Earned]:
    facts = MemberFacts.of_member(terms, member.pk if member else 0)
    local = in_force.local(receipt.association_id, receipt.issued_at)
    net_cents = sum(rules.net_lines(lines).values())
    found = []
    for each in terms:
        basket = basket_of(
            lines,
            local,
            first=facts.first(each, member.pk if member else 0, None),
            birth_month=member.birth_month if member else None,
            tier=facts.standing(each, member.pk, receipt.issued_at) if member else None,
        )
        in_time = each.rules_at(receipt.issued_at)
        parts = rules.earn(basket, in_time)
        if parts:
            why = snapshot(parts, each.asset_kind, net_cents, in_time)
            text = why_line(why, member.language if member else "fr")
            found.append(Earned(each.asset_id, sum(part.amount for part in parts), text))
    return found


def _prices(
    receipt: ReceiptIn, terms: Sequence[Terms], member: Member | None, in_force: InForce
) -> list[costs.MemberPrice]:
    facts = MemberFacts.of_member(terms, member.pk if member else 0)
    steps = [facts.tier(t, member.pk, receipt.issued_at) for t in terms] if member else []
    day = in_force.local(receipt.association_id, receipt.issued_at).date()
    tier_ids = [step.id for step in steps if step]
    return selectors.advantages(receipt.association_id, receipt.shop_id, day, tier_ids)
