"""The fixed cast of the demo: its staff, and the shops whose sensors are in trouble."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from chaland.simulate.town import drawn_town

PASSWORD = "bellerive-2026"  # noqa: S105  # printed on the sign-in page: the demo has no secrets


@dataclass(frozen=True)
class Member:
    """Somebody who signs in; ``shop`` is None for a director."""

    name: str
    email: str
    shop: str | None
    post: str


STAFF = (
    Member("Claire Fontaine", "directrice@bellerive.example", None, "directrice"),
    Member(
        "Hugo Lemaire", "librairie@bellerive.example", "le-coin-des-livres", "Le Coin des Livres"
    ),
    Member("Nadia Benali", "cafe@bellerive.example", "cafe-du-marche", "Café du Marché"),
)


def staff(shops: int) -> list[Member]:
    """Return who signs in to a town of so many shops."""
    slugs = {shop.slug for shop in drawn_town(shops).shops}
    return [member for member in STAFF if member.shop is None or member.shop in slugs]


POINTS_SHOP, STAMPS_SHOP = "le-coin-des-livres", "fromagerie-berangere"
ADVANTAGE_SHOP = "parfumerie-azelie"
TILL_SHOP = STAMPS_SHOP
"""Where the cashier's tablet stands; in a smaller town, in its first shop."""
CLAIMING_SHOPS = ("le-coin-des-livres", "cafe-du-marche", STAMPS_SHOP)
"""Where members wait for their receipt: the shops whose staff signs in, and the cashier's."""
SELLER_PIN = "2604"
"""Of every seller: the demo has no secrets."""


def till_shop(shops: list[str]) -> str:
    """Return the shop of the cashier's tablet."""
    return TILL_SHOP if TILL_SHOP in shops else shops[0]


WITHOUT_BANK = frozenset({"antiquites-du-vieux-pont", "cycles-roue-libre", "l-epi-d-or"})
"""Shops that haven't told their bank details: they get invoices, and can't be paid by file."""

UNCALIBRATED = frozenset(
    {"bulles-et-planches", "antiquites-du-vieux-pont", "cave-les-sarments", "fleurs-de-capucine"}
)
"""Shops without a door counter: their figures are an index."""

OCCUPANCY_ONLY = frozenset({"optique-lumiere"})
"""Shops whose door counter says how many are inside, not who came in: no visits, an index."""

JOINED_DAYS_AGO: Mapping[str, int] = {"bulles-et-planches": 75}
"""Shops whose sensor came later than the others."""

GAPS_DAYS_AGO: Mapping[str, tuple[int, int]] = {"cycles-roue-libre": (26, 20)}
"""Shops whose box was unplugged for some days: nothing came at all."""

DEAF_SINCE_DAYS: Mapping[str, int] = {"cave-les-sarments": 3}
"""Shops whose antenna came loose: the box reports, and hears nothing."""


def is_silent(shop: str, day: date, founded: date) -> bool:
    """Tell whether a shop's box sent nothing on a day; days count from the demo's first."""
    ago = (founded - day).days
    first, last = GAPS_DAYS_AGO.get(shop, (-1, 0))
    return ago > JOINED_DAYS_AGO.get(shop, ago) or last <= ago <= first


def is_deaf(shop: str, day: date, founded: date) -> bool:
    """Tell whether a shop's box heard nothing on a day."""
    return founded - day < timedelta(days=DEAF_SINCE_DAYS.get(shop, -1))
