"""How well a receipt fits a claim: by shop, amount and time, of 100 points. No Django."""

from dataclasses import dataclass
from datetime import timedelta

NEAR = timedelta(hours=3)
"""Receipts further away than this are no candidates."""
_SHOP, _AMOUNT, _TIME = 30, 40, 30
_CERTAIN_S = 5 * 60
_HALF_S = 15 * 60
"""After so long the points for time have halved."""


@dataclass(frozen=True)
class Factors:
    """What speaks for a pair. ``amount_off_cents`` >= 0 is how far apart the amounts are, None
    where the claim told none."""

    same_shop: bool
    amount_off_cents: int | None
    apart_s: float
    score: int

    @property
    def certain(self) -> bool:
        """Same shop, same amount to the cent, within five minutes."""
        return self.same_shop and self.amount_off_cents == 0 and self.apart_s <= _CERTAIN_S


def factors(
    *, same_shop: bool, claimed_cents: int | None, gross_cents: int, apart_s: float
) -> Factors:
    """Score a pair: 30 points for the shop, up to 40 for the amount, up to 30 for the time.

    An amount loses all its points at a tenth away; no amount told gets half of them. Too far away
    in time, or another amount at another shop, scores 0: no candidate.
    """
    off = None if claimed_cents is None else abs(gross_cents - claimed_cents)
    amount = _AMOUNT / 2 if off is None else _amount(off, claimed_cents or 0)
    if apart_s > NEAR.total_seconds() or (amount == 0 and not same_shop):
        return Factors(same_shop, off, apart_s, 0)
    time = _TIME * 0.5 ** (apart_s / _HALF_S)
    return Factors(same_shop, off, apart_s, round(_SHOP * same_shop + amount + time))


def _amount(off_cents: int, claimed_cents: int) -> float:
    if claimed_cents <= 0:
        return float(_AMOUNT) if off_cents == 0 else 0.0
    return _AMOUNT * max(0.0, 1 - 10 * off_cents / claimed_cents)
