"""The closed list of criteria by which members may be chosen (L16)."""

from collections.abc import Sequence
from typing import Any


def uses_purchases(criteria: Sequence[Any]) -> bool:
    """Say whether a campaign's criteria look at purchases: they need the portrait's consent."""
    return bool(criteria)
