"""Receipts of a small town for tests of what is read: rows as taking in leaves them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from chaland.hub.loyalty.models import Member, Receipt
from tests.builders import Cast

_CLIENTS = (60, 45, 30, 20, 6)
"""Members of each shop: the first ones of the list."""


def build_receipts(
    cast: Cast, members: Sequence[Member], until: datetime, *, days: int = 120, seed: int = 1
) -> None:
    """Store about two purchases a month and member at each shop, half as many of strangers."""
    rng = np.random.default_rng(seed)
    rows = []
    for place, shop in enumerate(cast.shops):
        clients = _CLIENTS[place % len(_CLIENTS)]
        for number in range(clients * days // 10):
            at = until - timedelta(days=int(rng.integers(days)), minutes=int(rng.integers(0, 360)))
            member = members[int(rng.integers(clients))] if number % 3 else None
            late = member is not None and rng.random() < 0.1
            attached = at + timedelta(days=2 if late else 0) if member else None
            rows.append(
                Receipt(
                    association_id=cast.association.pk, shop_id=shop.pk, source="simulated",
                    external_id=f"{place}-{number}", content_digest="", code=f"{place}C{number:06}",
                    issued_at=at, recorded_at=at, gross_cents=int(rng.integers(300, 6000)),
                    till_label=f"Caisse {number % 2 + 1}", seller_label=("Zoé", "Yann")[number % 2],
                    member=member, attached_at=attached, attached_how="till" if member else "",
                    attached_by=f"till:1 seller:{number % 2 + 1}" if member else "",
                )
            )  # fmt: skip
    Receipt.objects.bulk_create(rows)
