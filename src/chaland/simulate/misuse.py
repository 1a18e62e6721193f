"""Three cases of misuse, staged so that the page of signals has something to show.

A seller takes strangers' receipts for her own account; somebody's card goes through the till five
times within the hour; and one member buys to bring back.
"""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from chaland.simulate.town import Town

Ints = NDArray[np.int64]

SELF_AWARD_SHOP = "galerie-saint-luc"
VELOCITY_SHOP = "superette-val-frais"
REFUND_SHOPS = ("maison-delorme", "chaussures-marchais", "galerie-saint-luc")
SELLER, SELLERS_MEMBER, FAST_MEMBER, RING_MEMBER = 1, 11, 23, 37
"""Numbers of a seller in the shop, and of members in the order in which they joined."""
_DAYS = 24
"""The staged days lie so long before the ``STAGED_BACK``-th day from the end."""
STAGED_BACK = 62


def staged(
    town: Town, epoch_s: Ints, days: int, joined_s: Ints
) -> tuple[Ints, Ints, Ints, Ints, Ints] | None:
    """Return time, shop, member, seller and delay of the staged purchases; None for a small town
    or a short history."""
    slugs = [shop.slug for shop in town.shops]
    wanted = {SELF_AWARD_SHOP, VELOCITY_SHOP, *REFUND_SHOPS}
    if not wanted <= set(slugs) or days < STAGED_BACK + _DAYS or len(joined_s) <= RING_MEMBER:
        return None
    begin = days - STAGED_BACK - _DAYS
    rows: list[tuple[int, int, int, int, int]] = []
    for index, day in enumerate(_open_days(town, SELF_AWARD_SHOP, begin, epoch_s)):
        at = int(epoch_s[day]) + 16 * 3600 + 97 * index
        rows.append((at, slugs.index(SELF_AWARD_SHOP), SELLERS_MEMBER, SELLER, 1500))
    day = _open_days(town, VELOCITY_SHOP, begin + 9, epoch_s)[0]
    rows += [
        (int(epoch_s[day]) + 11 * 3600 + 540 * i, slugs.index(VELOCITY_SHOP), FAST_MEMBER, 0, 0)
        for i in range(5)
    ]
    for slug in REFUND_SHOPS:
        rows += [
            (int(epoch_s[day]) + 15 * 3600 + 1800, slugs.index(slug), RING_MEMBER, 2, 0)
            for day in _open_days(town, slug, begin, epoch_s)[3:9:2]
        ]
    columns = np.array(rows, np.int64).T
    return columns[0], columns[1], columns[2], columns[3], columns[4]


def returned(town: Town, shop: Ints, who: Ints, time_s: Ints) -> NDArray[np.bool_]:
    """Tell which purchases the one who buys to bring back brings back: the staged half past three
    ones, all of them."""
    slugs = [place.slug for place in town.shops]
    ring = [slugs.index(slug) for slug in REFUND_SHOPS if slug in slugs]
    half_past = time_s % 3600 == 1800
    brings: NDArray[np.bool_] = (who == RING_MEMBER) & np.isin(shop, ring) & half_past
    return brings


def _open_days(town: Town, slug: str, begin: int, epoch_s: Ints) -> list[int]:
    place = town.shop(slug)
    days = range(begin, begin + _DAYS)
    noon = {i: datetime.fromtimestamp(int(epoch_s[i]) + 43_200, UTC).date() for i in days}
    return [i for i in days if place.openings_on(noon[i])]
