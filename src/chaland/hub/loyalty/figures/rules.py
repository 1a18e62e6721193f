"""What of a figure may leave a shop: the threshold, and what else must be hidden with it. Pure.

A cell that stands on fewer than ``MEMBERS_MIN`` members is hidden. Where cells add up to a total
that is told, a single hidden cell would be the total less the others: then the smallest cell that
could be told is hidden, too, so that what can be found by subtraction stands on enough members.
People are told in fives: of two figures that overlap (this month's active members and last
month's) the difference of one is not seen.
"""

from collections.abc import Sequence

MEMBERS_MIN = 10
"""Fewer members than this are not shown to others than the shop."""
STEP = 5


def fives(people: int) -> int:
    """Return a number of people as it is told: rounded down to a multiple of five."""
    return people - people % STEP


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
