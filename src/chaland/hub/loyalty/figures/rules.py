"""What of a figure may be told: the threshold, what else must be hidden with it, and how sure a
share is. Pure.

A cell that stands on fewer than ``MEMBERS_MIN`` members is hidden. Where cells add up to a total
that is told, a single hidden cell would be the total less the others: then the smallest cell that
could be told is hidden, too, so that what can be found by subtraction stands on enough members.
People are told in fives: of two figures that overlap (this month's active members and last
month's) the difference of one is not seen.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from chaland.hub.loyalty import few

MEMBERS_MIN = few.FROM
"""Fewer members than this are not shown to others than the shop."""
STEP = few.STEP


def fives(people: int) -> int:
    """Return a number of people as it is told: rounded down to a multiple of five."""
    return few.fives(people)


def enough(people: int) -> bool:
    """Say whether a cell of so many members may be told."""
    return people >= MEMBERS_MIN


def told(members: Sequence[int]) -> list[bool]:
    """Say which cells of a partition may be told beside its total.

    ``members`` has the members behind each cell; 0 is an empty cell, which nobody is in.
    """
    shown = [n == 0 or enough(n) for n in members]
    if all(shown):
        return shown
    tellable = [i for i, n in enumerate(members) if enough(n)]
    if tellable:
        shown[min(tellable, key=lambda i: members[i])] = False
    return shown


def part(some: int, all_of_them: int) -> tuple[int, int] | None:
    """Return a part of some people, and all of them, as both may be told; None where either the
    part or the rest is too few (and not nobody)."""
    rest = all_of_them - some
    if not enough(all_of_them) or 0 < some < MEMBERS_MIN or 0 < rest < MEMBERS_MIN:
        return None
    return fives(some), fives(all_of_them)


SAMPLE_MIN = 30
"""A share of fewer is not told: its interval could be more than thirty points wide."""
_Z = 1.959964
"""Normal quantile of a two-sided 95 %."""


class Share(NamedTuple):
    """A share of a sample of ``of``, with its 95 % interval (Wilson's score, 1927)."""

    value: float
    of: int
    low: float
    high: float

    def clearly_apart(self, other: "Share") -> bool:
        """Tell whether two samples' shares differ beyond chance (Newcombe's method 10, 1998)."""
        first, second = (self, other) if self.value >= other.value else (other, self)
        below, above = first.value - first.low, second.high - second.value
        return first.value - second.value > sqrt(below**2 + above**2)


def share(some: int, of: int) -> Share | None:
    """Return a share and its interval; None where the sample is too small to tell it."""
    if of < SAMPLE_MIN:
        return None
    value = some / of
    spread = _Z * sqrt(value * (1 - value) / of + _Z**2 / (4 * of**2))
    centre, scale = value + _Z**2 / (2 * of), 1 + _Z**2 / of
    # rounding may pass the ends of 0 and 1, and the value itself there
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return Share(value, of, min(max(low, 0.0), value), max(min(high, 1.0), value))
