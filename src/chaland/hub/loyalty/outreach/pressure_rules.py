"""How many messages a member may get, over all shops and channels, and whose turn it is. Pure.

A place is counted from the moment it is taken, for rolling seven and thirty days: no window of
that length, wherever it begins, holds more messages than its cap.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chaland.hub.loyalty import few

WEEK = timedelta(days=7)
MONTH = timedelta(days=30)
FAIR = timedelta(days=90)
"""How far back it counts how many messages each shop has had with a member."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Messages at most in any seven and in any thirty days; 0 is none at all."""

    week: int = 2
    month: int = 4

    def lowered(self, week: int | None, month: int | None) -> "Caps":
        """Return the lower of each; None: nothing was chosen."""
        return Caps(
            self.week if week is None else min(self.week, week),
            self.month if month is None else min(self.month, month),
        )


USUAL = Caps()


@dataclass(frozen=True, slots=True)
class Asking:
    """A delivery that wants a place: whose it is, and what breaks a tie (`lot`)."""

    delivery_id: int
    controller: int
    lot: bytes


def places(taken: Iterable[datetime], at: datetime, caps: Caps) -> int:
    """Return how many places are left at an instant.

    Places taken after ``at`` (by a worker whose clock read later) count as well.
    """
    times = list(taken)
    week = caps.week - sum(time > at - WEEK for time in times)
    month = caps.month - sum(time > at - MONTH for time in times)
    return max(0, min(week, month))


def next_place(taken: Iterable[datetime], at: datetime, caps: Caps) -> datetime | None:
    """Return when there is a place, if no other is taken: ``at`` or later; None: never."""
    if not caps.week or not caps.month:
        return None
    times, found = sorted(taken), at
    for length, cap in ((WEEK, caps.week), (MONTH, caps.month)):
        counted = [time for time in times if time > at - length]
        if len(counted) >= cap:
            found = max(found, counted[len(counted) - cap] + length)
    return found


def winners(waiting: Sequence[Asking], had: Mapping[int, int], free: int) -> list[Asking]:
    """Return who gets the ``free`` places, each in turn to who has had the fewest (``had``, by
    controller), ties by lot. Two messages of one controller wait for each other."""
    so_far, left, found = dict(had), list(waiting), []
    for _place in range(min(free, len(left))):
        first = min(left, key=lambda w: (so_far.get(w.controller, 0), w.lot))
        left.remove(first)
        found.append(first)
        so_far[first.controller] = so_far.get(first.controller, 0) + 1
    return found


def lot(member_id: int, campaign_id: int, seed: int) -> bytes:
    """Return what breaks a tie between campaigns, for each member otherwise: a hash under the
    campaign's secret ``seed``, so that nobody can choose to win."""
    return hashlib.sha256(f"{seed} {member_id} {campaign_id}".encode()).digest()[:8]


def told(members: Mapping[int, int]) -> dict[int, int | None]:
    """Return a distribution of members as it may be shown: in fives, cells of fewer than ten
    hidden (None), and with a single hidden one the smallest other, so that it isn't the rest."""
    hidden = {cell for cell, people in members.items() if 0 < people < few.FROM}
    if len(hidden) == 1:
        others = [cell for cell, people in members.items() if people >= few.FROM]
        hidden |= set(sorted(others, key=lambda cell: members[cell])[:1])
    return {cell: None if cell in hidden else few.fives(people) for cell, people in members.items()}
