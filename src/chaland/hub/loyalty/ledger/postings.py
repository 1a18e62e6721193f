"""What the ledger is asked to do, and what it answers. Amounts are whole units of one asset:
cents of a purse, points, stamps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID


class LedgerErrorFinal(Exception):
    """What was asked can't be done, and won't be by asking again. ``code`` is for machines."""

    code = "ledger"


class NotEnoughErrorFinal(LedgerErrorFinal):
    """The account holds less than that, holds (reservations) taken off."""

    code = "not-enough"

    def __init__(self, available: int) -> None:
        super().__init__(f"{available} available")
        self.available = available


class KeyReusedErrorFinal(LedgerErrorFinal):
    """The idempotency key was used for another request."""

    code = "key-reused"


class TooMuchErrorFinal(LedgerErrorFinal):
    """More would be reversed of a line than it moved."""

    code = "reversed-already"


class HoldOverErrorFinal(LedgerErrorFinal):
    """The reservation was spent, given up, or ran out of time."""

    code = "hold-over"


@dataclass(frozen=True)
class Asked:
    """What every request says. ``key`` is unique for good, over all shops; ``actor`` is
    ``till:3 seller:5``, ``key:2``, ``user:7``, ``system:expiry``; times are aware."""

    key: str
    association_id: int
    shop_id: int | None
    occurred_at: datetime
    actor: str


@dataclass(frozen=True)
class Part:
    """What one line earned under one rule. A sponsored part is paid by the sponsor's account."""

    line: int
    amount: int
    sponsor_id: int | None = None


@dataclass(frozen=True)
class Award(Asked):
    """A member earns at a shop. ``expires_on``: the first day on which it can't be spent."""

    asset_id: int
    member_id: int
    parts: Sequence[Part]
    expires_on: date | None
    receipt_id: int | None
    why: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Spending(Asked):
    """A member spends at a shop; the oldest lots first."""

    asset_id: int
    member_id: int
    amount: int
    receipt_id: int | None = None
    why: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Reservation(Asked):
    """Part of a balance is kept for a while: posted, voided, or lapsed, once."""

    asset_id: int
    member_id: int
    amount: int
    ttl_s: int
    reward_id: int | None = None


@dataclass(frozen=True)
class Reversal(Asked):
    """Take back what a transfer moved. ``amounts`` by receipt line, each at most what is left of
    it; ``None`` reverses all that is left. ``within_balance``: take no more than is there, what is
    reserved included."""

    transfer_id: UUID
    amounts: Mapping[int, int] | None
    receipt_id: int | None = None
    within_balance: bool = False
    undo: bool = False


@dataclass(frozen=True)
class Balance:
    """What a member has of one asset; ``debt`` >= 0 is what returns took back beyond it."""

    asset_id: int
    kind: str
    shop_id: int | None
    name: str
    balance: int
    held: int
    debt: int
    next_lapse: tuple[date, int] | None


@dataclass(frozen=True)
class Correction(Asked):
    """Staff give (``amount`` > 0) or take units, at the expense of the shop or, without one, of
    the association. Taking finds no more than what is spendable."""

    asset_id: int
    member_id: int
    amount: int
    expires_on: date | None = None
    why: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Funding(Asked):
    """A sponsor's budget grows, or is paid back (``amount`` < 0, at most what is left)."""

    asset_id: int
    sponsor_id: int
    amount: int


@dataclass(frozen=True)
class Settlement(Asked):
    """A shop paid the association (``amount`` > 0) or was paid by it, by bank."""

    asset_id: int
    amount: int
