"""Purchases and returns as receipts leave them, for programmes to award and to take back."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.ledger.postings import Funding
from chaland.hub.loyalty.ledger.selectors import balances
from chaland.hub.loyalty.models import Member, Programme, Receipt, ReceiptLine, Rule, Sponsor
from chaland.hub.loyalty.programmes.parameters import checked
from chaland.hub.loyalty.programmes.services import award, take_back
from chaland.hub.loyalty.receipts.shapes import Earned
from tests.loyalty_builders import BEGAN, Loyalty

TUESDAY = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
"""10:30 in Paris."""
WEDNESDAY = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)
_numbers = count(1)


def receipt(
    town: Loyalty,
    lines: Sequence[int | dict[str, Any]],
    *,
    member: Member | None = None,
    shop: int = 0,
    at: datetime = WEDNESDAY,
    returns: Receipt | None = None,
) -> Receipt:
    """Store a receipt of lines (cents, or the fields of a line), attached to a member."""
    plain = [{"gross_cents": x} if isinstance(x, int) else x for x in lines]
    number = next(_numbers)
    made = Receipt.objects.create(
        association_id=town.cast.association.pk,
        shop_id=town.cast.shops[shop].pk,
        source="till",
        external_id=str(number),
        content_digest="",
        code=f"T{number}",
        issued_at=at,
        recorded_at=at,
        gross_cents=sum(x["gross_cents"] for x in plain),
        member=member or town.member,
        attached_at=at,
        attached_how="till",
        attached_by="till:1 seller:1",
        attached_times=1,
        returns=returns,
    )
    ReceiptLine.objects.bulk_create(
        ReceiptLine(receipt=made, **{"number": n, **x}) for n, x in enumerate(plain, 1)
    )
    return made


def buy(town: Loyalty, *lines: int | dict[str, Any], **more: Any) -> Receipt:
    """Store a purchase and let it earn."""
    made = receipt(town, lines, **more)
    award([made])
    return made


def bring_back(
    town: Loyalty, purchase: Receipt, quantities: dict[int, int], **more: Any
) -> list[Earned]:
    """Store a return of thousandths by line, at any shop, and take back what it earned."""
    lines = [
        {"gross_cents": -1, "quantity_milli": milli, "returns_number": number}
        for number, milli in quantities.items()
    ]
    return take_back(receipt(town, lines, returns=purchase, **more))


def add_rule(programme: Programme, kind: str, name: str = "", **parameters: Any) -> Rule:
    sponsor = parameters.pop("sponsor", None)
    return Rule.objects.create(
        programme=programme,
        name=name,
        kind=kind,
        parameters=checked(kind, parameters),
        sponsor=sponsor,
        starts_at=BEGAN,
        created_at=BEGAN,
        created_by="user:1",
    )


def has(town: Loyalty, programme: Programme, member: Member | None = None) -> tuple[int, int]:
    """Return a member's (balance, debt) of a programme."""
    for balance in balances((member or town.member).pk):
        if balance.asset_id == programme.asset_id:
            return balance.balance, balance.debt
    return 0, 0


def fund(town: Loyalty, sponsor: Sponsor, cents: int) -> None:
    """Let a sponsor pay into the purse."""
    ledger.fund(
        Funding(
            key=f"fund:{next(_numbers)}",
            association_id=town.cast.association.pk,
            shop_id=None,
            occurred_at=WEDNESDAY,
            actor="user:1",
            asset_id=town.purse.asset_id,
            sponsor_id=sponsor.pk,
            amount=cents,
        )
    )
