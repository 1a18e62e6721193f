"""How whole units are shared, exactly: pure arithmetic."""

from collections.abc import Sequence


def shares(amount: int, weights: Sequence[int], before: int = 0) -> list[int]:
    """Share the part from ``before`` to ``before + amount`` of a sum over its parts.

    Cumulative floors: whatever steps the whole sum of the weights is shared in, each part ends at
    exactly its weight, and no share is negative.

    >>> shares(5, [1, 9]), shares(5, [1, 9], before=5)
    ([0, 5], [1, 4])
    """
    total = sum(weights)
    found, prefix, earlier = [], 0, 0
    for weight in weights:
        prefix += weight
        edge = prefix * (before + amount) // total - prefix * before // total
        found.append(edge - earlier)
        earlier = edge
    return found
