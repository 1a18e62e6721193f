"""How a number of people may be told to others than themselves. Pure.

In fives, and nothing of fewer than ten, not even that it is nobody: asked of a few whose purchases
one knows, "nobody" and "somebody" would each be an answer about one person.
"""

FROM = 10
"""Fewer people than this are not told of."""
STEP = 5


def fives(people: int) -> int:
    """Return a number of people as it is told: rounded down to a multiple of five."""
    return people - people % STEP


def told(people: int) -> int | None:
    """Return a number of people in fives; None: fewer than `FROM`, nobody included."""
    return fives(people) if people >= FROM else None
