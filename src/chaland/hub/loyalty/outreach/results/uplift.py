"""What a campaign brought, from two groups that chance alone told apart. Pure.

By intention to treat: all whom the campaign meant against all who were kept apart, whether their
message arrived or not; else the groups would differ by more than chance. Derivation, sources and
the measured coverage of both intervals: docs/explanation/measured-effect.md.
"""

from dataclasses import dataclass
from math import sqrt

READABLE = 30
"""Members in each group before an effect is read at all."""
FEWEST_BUYERS = 5
"""Buyers that the smaller group would have if both bought alike, before an effect is read: of fewer
no interval holds what it says."""
Z = 1.959964
"""Normal quantile of a two-sided 95 %."""
_POWER_Z = 0.841621
"""Normal quantile of 80 %."""
VARIANCE_CHANGE = 0.3
"""By how much, as a share, the variance of spending of those kept apart is thought to differ at
most times from what their mean says: so far it is taken from the mean (`spending`)."""


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
    """Say whether both groups are large enough, and bought enough, for an effect to be read."""
    smaller, members = min(treated.members, held_out.members), treated.members + held_out.members
    buyers = treated.buyers + held_out.buyers
    return smaller >= READABLE and buyers * smaller >= FEWEST_BUYERS * members


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
    """Return the effect on spending per member, in euro: a score interval, Wilson's for sums.

    It holds each mean ``u`` of those kept apart for possible that is no further from the mean found
    than 1.96 standard errors *as they would be if u were true*: as many more or fewer buy, and what
    buyers spend varies as it does in both groups together. So far as their own variance is known,
    it counts instead. Derivation: docs/explanation/measured-effect.md.
    """
    mean = held_out.mean
    total = treated.powers[0] + held_out.powers[0]
    basket = (treated.powers[1] + held_out.powers[1]) / total if total > 0 else 0.0
    # where returns outweigh purchases, or all buy alike, no mean says how spending varies
    own = _own_weight(treated, held_out) if 0 <= mean < basket else 1.0
    per = Z**2 / held_out.members
    drawn = per * (1 - own)
    known = Z**2 * treated.variance / treated.members + per * own * held_out.variance
    # (u - mean)^2 <= known + drawn (basket u - u^2), solved for u
    square, half = 1 + drawn, mean + drawn * basket / 2
    root = sqrt(max(half**2 - square * (mean**2 - known), 0.0))
    low, high = min((half - root) / square, mean), max((half + root) / square, mean)
    return Effect(treated.mean - mean, treated.mean - high, treated.mean - low)


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


def _own_weight(treated: Group, held_out: Group) -> float:
    """Return how much the variance found in the group kept apart counts, 0 to 1.

    It is poor where spending is skewed: the relative error of a variance found in n members is
    about sqrt((kurtosis - 1) / n), and it comes out small just when the mean does. The less it is
    to be trusted, against a true difference of some `VARIANCE_CHANGE`, the less it weighs (the
    linear Bayes rule). The kurtosis is that of those addressed, who are more.
    """
    change = VARIANCE_CHANGE**2
    return change / (change + (treated.kurtosis - 1) / held_out.members)


def _wilson(some: int, of: int) -> tuple[float, float, float]:
    """Return a share and Wilson's score interval (1927)."""
    share = some / of
    spread = Z * sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    centre, scale = share + Z**2 / (2 * of), 1 + Z**2 / of
    # rounding may pass the ends of 0 and 1, and the share itself there
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return share, min(max(low, 0.0), share), max(min(high, 1.0), share)
