"""What a till asks before and after it takes money off: quote, reserve, confirm, cancel."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from chaland.hub.common import clock
from chaland.hub.loyalty.answers import Answer
from chaland.hub.loyalty.connect.fields import CENTS_AT_MOST, Reader, few
from chaland.hub.loyalty.connect.intake import sender_of
from chaland.hub.loyalty.connect.keys import Caller
from chaland.hub.loyalty.connect.people import known_by, member_of, spender_of
from chaland.hub.loyalty.connect.problems import Fault, ProblemErrorFinal
from chaland.hub.loyalty.connect.receipt_json import NUMBER_AT_MOST, Kind, read_receipt
from chaland.hub.loyalty.ledger.postings import (
    Balance,
    HoldOverErrorFinal,
    LedgerErrorFinal,
    NotEnoughErrorFinal,
)
from chaland.hub.loyalty.members import lookups
from chaland.hub.loyalty.models import Receipt
from chaland.hub.loyalty.programmes import selectors, services
from chaland.hub.loyalty.programmes.refusals import ProgrammeErrorFinal
from chaland.hub.loyalty.programmes.selectors import Offer
from chaland.hub.loyalty.programmes.services import Ask

TTL_S_AT_MOST = 3600
_Did = TypeVar("_Did")


def quote(given: object, who: Caller) -> dict[str, Any]:
    """Say what a receipt would do; nothing is written. Raises ProblemErrorFinal.

    A till asks with every article, so this tells no balance: those are asked for once, on record.
    """
    faults: list[Fault] = []
    said = read_receipt(given, "", sender_of(who), faults, Kind.QUOTE)
    total = sum(line.gross_cents for line in said.receipt.lines)
    if not faults and said.receipt.lines and total != said.receipt.gross_cents:
        faults.append(Fault("gross_cents", "is not the sum of the lines"))
    if faults:
        raise ProblemErrorFinal("invalid", faults=few(faults))
    member = member_of(said.member, who) if said.member else None
    told = _done(lambda: services.quote(said.receipt, member.pk if member else None))
    return {
        "earned": [{"asset": e.asset_id, "amount": e.amount, "why": e.why} for e in told.earned],
        "reductions": [
            {"line": r.line, "advantage": r.advantage, "cents": r.cents} for r in told.reductions
        ],
    }


def standing(text: str, who: Caller) -> dict[str, Any]:
    """Say what a member has that counts in this shop; this is on the member's record."""
    member, spends = known_by(text, who)
    lookups.opened(lookups.Asker(who.association_id, who.shop_id, who.actor), member)
    has = selectors.standing(who.association_id, who.shop_id, member.pk, clock.now())
    return {
        "balances": [_balance(b) for b in has.balances],
        "rewards": [_offer(o) for o in has.offers],
        "tiers": [{"programme": t.programme, "name": t.name} for t in has.tiers if t.name],
        "vouchers": [
            {
                "code": v.code if spends else "",
                "name": v.name,
                "cents": v.cents,
                "expires_on": v.expires_on.isoformat(),
            }
            for v in has.vouchers
        ],
    }


def _balance(balance: Balance) -> dict[str, Any]:
    lapse = balance.next_lapse
    return {
        "asset": balance.asset_id,
        "kind": balance.kind,
        "name": balance.name,
        "balance": balance.balance,
        "held": balance.held,
        "debt": balance.debt,
        "next_lapse": {"on": lapse[0].isoformat(), "amount": lapse[1]} if lapse else None,
    }


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "reward": offer.reward_id,
        "kind": offer.kind,
        "name": offer.name,
        "asset": offer.asset_id,
        "units": offer.units,
        "cents": offer.cents,
        "missing": offer.missing,
    }


def reserve(given: object, who: Caller, name: str) -> Answer:
    """Keep what a reward costs. Raises ProblemErrorFinal."""
    faults: list[Fault] = []
    read = Reader(given, "", faults)
    read.only(frozenset(("member", "reward", "wanted_cents", "ttl_s")))
    text = read.text("member", 200, required=True)
    reward = read.required_whole("reward", 1, 2**53)
    wanted = read.whole("wanted_cents", 1, CENTS_AT_MOST, None)
    ttl_s = read.whole("ttl_s", 10, TTL_S_AT_MOST, 600)
    if faults:
        raise ProblemErrorFinal("invalid", faults=few(faults))
    member = spender_of(text, who)
    kept = _done(
        lambda: services.reserve(
            _ask(who, name), reward, member.pk, wanted_cents=wanted, ttl_s=ttl_s
        )
    )
    return Answer(
        201,
        {
            "id": str(kept.hold_id),
            "units": kept.units,
            "cents": kept.cents,
            "expires_at": kept.expires_at.isoformat(),
        },
    )


def confirm(hold: str, given: object, who: Caller, name: str) -> Answer:
    """Spend a reservation, or a part of it. Raises ProblemErrorFinal."""
    faults: list[Fault] = []
    read = Reader(given, "", faults)
    read.only(frozenset(("wanted_cents", "receipt")))
    wanted = read.whole("wanted_cents", 1, CENTS_AT_MOST, None)
    number = read.text("receipt", NUMBER_AT_MOST)
    receipt_id = _receipt(number, who)
    if number and receipt_id is None:
        read.fault("receipt", "is no receipt that this shop's till has sent")
    if faults:
        raise ProblemErrorFinal("invalid", faults=few(faults))
    spent = _done(
        lambda: services.confirm(
            _ask(who, name), _uuid(hold), receipt_id=receipt_id, wanted_cents=wanted
        )
    )
    return Answer(
        200,
        {
            "id": hold.lower(),
            "units": spent.units,
            "cents": spent.cents,
            "voucher_code": spent.voucher_code,
        },
    )


def cancel(hold: str, who: Caller, name: str) -> Answer:
    """Give a reservation up. Raises ProblemErrorFinal."""
    _done(lambda: services.cancel(_ask(who, name), _uuid(hold)))
    return Answer(200, {"id": hold.lower(), "cancelled": True})


def use_voucher(given: object, who: Caller, name: str) -> Answer:
    """Use a voucher, once. Raises ProblemErrorFinal."""
    faults: list[Fault] = []
    read = Reader(given, "", faults)
    read.only(frozenset(("code",)))
    code = read.text("code", 40, required=True)
    if faults:
        raise ProblemErrorFinal("invalid", faults=few(faults))
    used = _done(lambda: services.use_voucher(who.association_id, who.shop_id, code, f"api:{name}"))
    return Answer(200, {"name": used.name, "cents": used.cents})


def _ask(who: Caller, name: str) -> Ask:
    return Ask(who.association_id, who.shop_id, f"api:{name}", who.actor)


def _uuid(text: str) -> UUID:
    """Return a reservation's number. Raises ProblemErrorFinal."""
    try:
        return UUID(text)
    except ValueError:
        raise ProblemErrorFinal("not-found") from None


def _receipt(number: str, who: Caller) -> int | None:
    if not number:
        return None
    found = Receipt.objects.filter(shop_id=who.shop_id, source="api", external_id=number)
    return found.values_list("pk", flat=True).first()


_CODES = {
    "no-hold": "not-found",
    "no-reward": "not-found",
    "no-voucher": "not-found",
    "paused": "member-closed",
}


def _done(work: Callable[[], _Did]) -> _Did:
    """Do it; what programmes and ledger refuse becomes a problem."""
    try:
        return work()
    except ProgrammeErrorFinal as error:
        raise ProblemErrorFinal(_CODES.get(error.code, "refused"), str(error)) from None
    except NotEnoughErrorFinal as error:
        raise ProblemErrorFinal("not-enough", f"{error.available} available") from None
    except HoldOverErrorFinal:
        raise ProblemErrorFinal("hold-over") from None
    except LedgerErrorFinal as error:
        raise ProblemErrorFinal("refused", str(error)) from None
