"""What receipts earn, what returns take back, and the dry run of both."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.ledger.postings import Award, Part, Reversal
from chaland.hub.loyalty.models import (
    Account,
    Hold,
    Member,
    Programme,
    Receipt,
    Reward,
    Transfer,
)
from chaland.hub.loyalty.programmes import rules
from chaland.hub.loyalty.programmes.facts import MemberFacts
from chaland.hub.loyalty.programmes.services.vouchers import void_if_open
from chaland.hub.loyalty.programmes.terms import InForce, Terms, lines_of
from chaland.hub.loyalty.programmes.words import (
    kept_line,
    parts_of,
    return_line,
    snapshot,
    why_line,
)
from chaland.hub.loyalty.receipts.shapes import Earned

ACTOR = "system:programmes"


@transaction.atomic(using="loyalty", savepoint=False)
def award(receipts: Sequence[Receipt]) -> dict[int, list[Earned]]:
    """Let attached receipts earn, each in every programme that counts it; one batch, one posting.

    Receipts come saved, with ``member`` set and ``lines`` prefetched, in the order in which they
    are to count. Returns, unattached receipts and those of members who paused earn nothing (an
    empty list). Calling again for the same attachment changes nothing.
    Raises the ledger's errors; then nothing of the batch is posted, nor of the transaction that
    the caller has open.
    """
    answers: dict[int, list[Earned]] = {receipt.pk: [] for receipt in receipts}
    earning = [r for r in receipts if r.returns_id is None and _member_earns(r)]
    if not earning:
        return answers
    in_force = InForce({r.association_id for r in earning}, {r.shop_id for r in earning})
    chosen = [(r, t) for r in earning for t in _terms_for(in_force, r)]
    facts = MemberFacts([terms for _, terms in chosen], earning)
    awards: list[Award] = []
    for receipt, terms in chosen:
        made = _award(receipt, terms, in_force, facts)
        if made is not None:
            awards.append(made)
    languages = {r.pk: r.member.language for r in earning if r.member}
    for transfer, made in zip(ledger.earn_inside(awards), awards, strict=True):
        receipt_id = made.receipt_id or 0
        why = why_line({**made.why, **transfer.why}, languages[receipt_id])
        unfunded = int(transfer.why.get("unfunded", 0))
        amount = sum(part.amount for part in made.parts) - unfunded
        answers[receipt_id].append(Earned(made.asset_id, amount, why))
    return answers


def _member_earns(receipt: Receipt) -> bool:
    return receipt.member is not None and receipt.member.state == Member.State.ACTIVE


def _terms_for(in_force: InForce, receipt: Receipt) -> list[Terms]:
    day = in_force.local(receipt.association_id, receipt.issued_at).date()
    return in_force.at(receipt.association_id, receipt.shop_id, day)


def basket_of(
    lines: Sequence[rules.Line],
    local: datetime,
    *,
    first: bool = False,
    birth_month: int | None = None,
    tier: rules.Standing | None = None,
) -> rules.Basket:
    """Return a basket bought at a local time."""
    minute = local.hour * 60 + local.minute
    return rules.Basket(lines, local.weekday(), minute, local.month, first, birth_month, tier)


def _award(receipt: Receipt, terms: Terms, in_force: InForce, facts: MemberFacts) -> Award | None:
    member = receipt.member
    if member is None:
        return None
    local = in_force.local(receipt.association_id, receipt.issued_at)
    lines = lines_of(receipt)
    basket = basket_of(
        lines,
        local,
        first=facts.first(terms, member.pk, receipt.pk),
        birth_month=member.birth_month,
        tier=facts.standing(terms, member.pk, receipt.issued_at),
    )
    in_time = terms.rules_at(receipt.issued_at)
    parts = rules.earn(basket, in_time)
    if not parts:
        return None
    net_cents = sum(rules.net_lines(lines).values())
    return Award(
        key=f"earn:{receipt.pk}:{receipt.attached_times}:{terms.asset_id}",
        association_id=receipt.association_id,
        shop_id=receipt.shop_id,
        occurred_at=receipt.issued_at,
        actor=receipt.attached_by or ACTOR,
        asset_id=terms.asset_id,
        member_id=member.pk,
        parts=_ledger_parts(parts),
        expires_on=terms.lapses_on(local.date()),
        receipt_id=receipt.pk,
        why=snapshot(parts, terms.asset_kind, net_cents, in_time),
    )


def _ledger_parts(parts: Sequence[rules.EarnedPart]) -> list[Part]:
    """Sum the rules' parts by line and payer, which is what the ledger keeps."""
    sums: dict[tuple[int, int | None], int] = defaultdict(int)
    for part in parts:
        for number, amount in part.lines.items():
            sums[number, part.sponsor_id] += amount
    return [Part(number, amount, sponsor) for (number, sponsor), amount in sums.items()]


def take_back(return_receipt: Receipt) -> list[Earned]:
    """Take back what the returned lines earned, and give back what was spent on them.

    By line, from the breakdown that was stored when it was earned; a part of a line's quantity by
    the floor over all returns of the purchase together. The return may be another shop's. Calling
    again changes nothing. The caller holds the purchase's row locked, and calls in the order in
    which returns came. An answer's amount is negative for what was taken back.
    """
    purchase = return_receipt.returns
    if purchase is None:
        return []
    lines = lines_of(purchase)
    before, after = _returned(purchase, return_receipt)
    answers = []
    language = purchase.member.language if purchase.member else "fr"
    for done in _standing_transfers(purchase):
        if done.kind == Transfer.Kind.EARN:
            amounts = _to_reverse(done, lines, before, after)
        else:
            amounts, kept = _to_give_back(done, lines, before, after)
            if kept:
                asset = done.entries.filter(account__role=Account.Role.MEMBER)[0].account.asset_id
                answers.append(Earned(asset, 0, kept_line(kept, language)))
        if amounts:
            answers += _reverse(return_receipt, done, amounts, language)
    return answers


def _returned(purchase: Receipt, this: Receipt) -> tuple[dict[int, int], dict[int, int]]:
    """Return thousandths by line that came back before this return, and with it."""
    before: dict[int, int] = defaultdict(int)
    after: dict[int, int] = defaultdict(int)
    # Those that were taken back already, whatever their numbers: a return may be joined late.
    earlier = purchase.returned_by.filter(attached_at__isnull=False).exclude(pk=this.pk)
    for receipt in [*earlier.prefetch_related("lines"), this]:
        for line in receipt.lines.all():
            if line.returns_number is not None:
                after[line.returns_number] += abs(line.quantity_milli)
                if receipt.pk != this.pk:
                    before[line.returns_number] += abs(line.quantity_milli)
    return before, after


def _standing_transfers(purchase: Receipt) -> list[Transfer]:
    """List what the purchase moved and nobody undid, oldest first."""
    kinds = (Transfer.Kind.EARN, Transfer.Kind.REDEEM)
    found = purchase.transfers.filter(kind__in=kinds).exclude(reversals__kind=Transfer.Kind.UNDO)
    return list(found.order_by("recorded_at", "id"))


def _to_reverse(
    earned: Transfer,
    lines: Sequence[rules.Line],
    before: Mapping[int, int],
    after: Mapping[int, int],
) -> dict[int, int]:
    """Of what was earned, by line; never more than was paid in (a sponsor's budget may end)."""
    parts = parts_of(earned.why)
    payers = (Account.Role.SHOP, Account.Role.SPONSOR)
    paid = {line: -amount for line, amount in _by_role(earned, payers).items()}
    then, now = (rules.take_back(lines, parts, returned) for returned in (before, after))
    amounts = {
        line: min(now[line], paid.get(line, 0)) - min(then.get(line, 0), paid.get(line, 0))
        for line in now
    }
    return {line: amount for line, amount in amounts.items() if amount}


def _to_give_back(
    spent: Transfer,
    lines: Sequence[rules.Line],
    before: Mapping[int, int],
    after: Mapping[int, int],
) -> tuple[dict[int, int], str]:
    """Return what of a spending on the purchase is given back (0: no line), and the kind of what
    it bought that stays bought ("": none, or not all of the purchase has come back).

    An amount off comes back with its share of the price. What was got for the units besides is
    not in the price: a voucher that nobody used is voided once the whole purchase is back, and
    gives its units; a used one, a gift, a free article give none (staff may undo a reward)."""
    moved = -sum(_by_role(spent, (Account.Role.MEMBER,)).values())
    (then, whole), (now, _) = (rules.returned_share(lines, r) for r in (before, after))
    if whole <= 0 or now == then:
        return {}, ""
    kind = _bought_by(spent)
    if kind in ("", Reward.Kind.AMOUNT):
        amount = moved * now // whole - moved * then // whole
        return ({0: amount} if amount else {}), ""
    if now < whole:
        return {}, ""
    if kind == Reward.Kind.VOUCHER and void_if_open(spent.pk):
        return {0: moved}, ""
    return {}, kind


def _bought_by(spent: Transfer) -> str:
    """Return the kind of the reward that a spending paid for; "" where it paid for none."""
    hold = Hold.objects.filter(transfer=spent).values_list("reward_id", flat=True).first()
    number = hold or spent.why.get("reward", 0)
    return Reward.objects.filter(pk=number).values_list("kind", flat=True).first() or ""


def _by_role(transfer: Transfer, roles: Sequence[str]) -> dict[int, int]:
    """Return what a transfer moved on accounts of some roles, by receipt line (0: none)."""
    sums: dict[int, int] = defaultdict(int)
    rows = transfer.entries.filter(account__role__in=roles).values_list("line", "amount")
    for line, amount in rows:
        sums[line or 0] += amount
    return sums


def _reverse(
    return_receipt: Receipt, done: Transfer, amounts: dict[int, int], language: str
) -> list[Earned]:
    account = done.entries.select_related("account__asset__programme").filter(
        account__role__in=(Account.Role.MEMBER, Account.Role.DEBT)
    )
    asset = account[0].account.asset
    programme = getattr(asset, "programme", None)
    within = programme is not None and programme.returns == Programme.Returns.BALANCE
    transfer = ledger.reverse(
        Reversal(
            key=f"back:{return_receipt.pk}:{done.pk}",
            association_id=return_receipt.association_id,
            shop_id=return_receipt.shop_id,
            occurred_at=return_receipt.issued_at,
            actor=return_receipt.attached_by or ACTOR,
            transfer_id=done.pk,
            amounts=amounts,
            receipt_id=return_receipt.pk,
            within_balance=within and done.kind == Transfer.Kind.EARN,
        )
    )
    if transfer is None:
        return []
    moved = sum(_by_role(transfer, (Account.Role.MEMBER, Account.Role.DEBT)).values())
    why = return_line(moved, asset.kind, language, int(transfer.why.get("owed", 0)))
    return [Earned(asset.pk, moved, why)] if moved else []
