"""What a campaign brought, from two groups that chance alone told apart. Pure.

By intention to treat: all whom the campaign meant against all who were kept apart, whether their
message arrived or not; else the groups would differ by more than chance. Derivation, sources and
the measured coverage of both intervals: docs/explanation/measured-effect.md.
"""

from dataclasses import dataclass
from math import sqrt

READABLE = 30
"""Members in each group before an effect is read at all."""
Z = 1.959964
"""Normal quantile of a two-sided 95 %."""
_POWER_Z = 0.841621
"""Normal quantile of 80 %."""
VARIANCE_CHANGE = 0.2
"""By how much, as a share, a campaign is thought to change the variance of spending at most times:
so far the variance of a small group kept apart is taken from both groups (`_held_out_variance`)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Members of one group, and what they spent: how many bought, and the sums over its members of
    the first four powers of each one's spending, in euro (who bought nothing adds nothing)."""

    members: int
    buyers: int
    powers: tuple[float, float, float, float]

    @property
    def mean(self) -> float:
        return self.powers[0] / self.members

    @property
    def variance(self) -> float:
        """Without bias, in euro squared; 0 of one member."""
        summed = self.powers[1] - self.members * self.mean**2
        return max(summed, 0.0) / max(self.members - 1, 1)

    @property
    def kurtosis(self) -> float:
        """The fourth central moment over the variance squared; 1, its least, where none varies."""
        first, second, third, fourth = (power / self.members for power in self.powers)
        central = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
        spread = second - first**2
        return max(central / spread**2, 1.0) if spread > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Effect:
    """A difference, treated less held out, and its 95 % interval, in one unit."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves no doubt that there is one, and of its direction."""
        return self.low > 0 or self.high < 0

    def times(self, factor: float) -> "Effect":
        return Effect(self.value * factor, self.low * factor, self.high * factor)


def readable(treated: Group, held_out: Group) -> bool:
    """Say whether both groups are large enough for their difference to be read."""
    return min(treated.members, held_out.members) >= READABLE


def buyers(treated: Group, held_out: Group) -> Effect:
    """Return the effect on the share of members who bought (Newcombe's hybrid score interval,
    method 10 of Statistics in Medicine 17 (1998), 873-890)."""
    share, low, high = _wilson(treated.buyers, treated.members)
    kept, kept_low, kept_high = _wilson(held_out.buyers, held_out.members)
    value = share - kept
    below = sqrt((share - low) ** 2 + (kept_high - kept) ** 2)
    above = sqrt((high - share) ** 2 + (kept - kept_low) ** 2)
    return Effect(value, value - below, value + above)


def spending(treated: Group, held_out: Group) -> Effect:
    """Return the effect on spending per member, in euro.

    A normal interval; not Welch's, whose coverage falls to 75 % where some thirty members of whom
    few bought were kept apart (see the page named above).
    """
    value = treated.mean - held_out.mean
    variance = treated.variance / treated.members
    half = Z * sqrt(variance + _held_out_variance(treated, held_out) / held_out.members)
    return Effect(value, value - half, value + half)


def over_audience(effect: Effect, treated: Group) -> Effect:
    """Return what the effect on spending per member makes over all who were meant, in euro."""
    return effect.times(treated.members)


def smallest_effect(members: int, holdout_percent: int, share: float) -> float:
    """Return by how much the share of buyers (``share`` without the campaign) must change for the
    change to be found in four of five campaigns, as a share; infinite without two groups."""
    held = round(members * holdout_percent / 100)
    if not 0 < held < members:
        return float("inf")
    spread = sqrt(share * (1 - share) * (1 / held + 1 / (members - held)))
    return (Z + _POWER_Z) * spread


def _held_out_variance(treated: Group, held_out: Group) -> float:
    """Return the variance of spending in the group kept apart: its own, drawn to that of both.

    Its own is poor where spending is skewed: the relative error of a variance found in n members is
    about sqrt((kurtosis - 1) / n), and it comes out small just when the mean does. The less it is
    to be trusted, against a true change of some `VARIANCE_CHANGE`, the less it weighs (the linear
    Bayes rule). The kurtosis is the larger group's.
    """
    both = treated.members + held_out.members - 2
    pooled = (treated.members - 1) * treated.variance + (held_out.members - 1) * held_out.variance
    pooled /= max(both, 1)
    larger = max(treated, held_out, key=lambda group: group.members)
    change = VARIANCE_CHANGE**2
    weight = change / (change + (larger.kurtosis - 1) / held_out.members)
    return pooled + weight * (held_out.variance - pooled)


def _wilson(some: int, of: int) -> tuple[float, float, float]:
    """Return a share and Wilson's score interval (1927)."""
    share = some / of
    spread = Z * sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    centre, scale = share + Z**2 / (2 * of), 1 + Z**2 / of
    # rounding may pass the ends of 0 and 1, and the share itself there
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return share, min(max(low, 0.0), share), max(min(high, 1.0), share)
