"""Founds the demo's loyalty: the coalition's purse and its sponsor, a points shop, the
cheesemonger's stamp card, tills, sellers, a key. Import after ``django.setup()``.

Programmes are written as their pages would leave them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from chaland.demo import cast
from chaland.demo.loyalty_people import seller_names
from chaland.hub.association.models import Association
from chaland.hub.loyalty.clearing import services as clearing
from chaland.hub.loyalty.connect import keys
from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.ledger.postings import Funding
from chaland.hub.loyalty.models import (
    Advantage,
    Asset,
    BankDetails,
    Programme,
    Reward,
    Rule,
    Seller,
    Sponsor,
    Tier,
    Till,
)
from chaland.hub.loyalty.till import devices, sellers
from chaland.simulate.purchases import SELLERS
from chaland.simulate.town import Town

ACTOR = "system:demo"
TILL_NAME = "Caisse 1"
HISTORY_TIMES = 2
"""Receipts reach back so many times further than the footfall: two years behind a year."""
_NOTE = "loyalty.json"
_TILL_FILE = "simulated-till.json"
_EXAMPLE_IBAN = "FR1420041010050500013M02606"
_SPONSORED_DAYS = 365
_SPONSOR_CENTS = 250_000


@dataclass(frozen=True)
class Staff:
    """A shop's till and sellers, by number."""

    till_id: int
    seller_ids: list[int]
    names: list[str]

    def actor(self, seller: int) -> str:
        """Return who acts, as the ledger writes it."""
        return f"till:{self.till_id} seller:{self.seller_ids[seller]}"


def first_day(founded: date, days: int) -> date:
    """Return the day of the first receipt, behind ``days`` of footfall."""
    return founded - timedelta(days=HISTORY_TIMES * days)


def found(town: Town, founded: date, days: int, state: Path) -> None:
    """Make all that shops need before their first receipt; pair the cashier's till."""
    association = Association.objects.get()
    shops = dict(association.shops.values_list("slug", "pk"))
    now = datetime.combine(founded, time(9), UTC)
    first = first_day(founded, days)
    begins = datetime.combine(first, time(0), UTC)
    _purse(association, first, begins, now)
    for slug, shop_id in shops.items():
        if slug == cast.POINTS_SHOP:
            _points(association.pk, shop_id, first, begins)
        if slug == cast.STAMPS_SHOP:
            _stamps(association.pk, shop_id, first, begins)
        if slug == cast.ADVANTAGE_SHOP:
            Advantage.objects.create(
                association_id=association.pk, shop_id=shop_id, percent=5, starts_on=first,
                name="5 % toute l’année",
            )  # fmt: skip
    for index, shop in enumerate(town.shops):
        _staff(association.pk, shops[shop.slug], index)
    cashier = cast.till_shop([shop.slug for shop in town.shops])
    _pair(association.pk, shops[cashier], state)
    keys.make_key(association.pk, shops[cashier], "Logiciel de caisse", now)
    _banks(association, shops, begins.date())
    note_loaded(state, begins)


def _programme(
    association_id: int, kind: str, shop_id: int | None, name: str, first: date
) -> Programme:
    asset = Asset.objects.create(
        association_id=association_id, kind=kind, shop_id=shop_id, name=name
    )
    return Programme.objects.create(
        association_id=association_id, shop_id=shop_id, asset=asset, name=name, starts_on=first,
        expires_after_months=None if kind == Asset.Kind.STAMPS else 24,
    )  # fmt: skip


def _rule(
    programme: Programme,
    name: str,
    kind: str,
    begins: datetime,
    *,
    sponsor: Sponsor | None = None,
    **more: object,
) -> None:
    Rule.objects.create(
        programme=programme, name=name, kind=kind, parameters=more, starts_at=begins,
        created_at=begins, created_by=ACTOR, sponsor=sponsor,
    )  # fmt: skip


def _purse(association: Association, first: date, begins: datetime, now: datetime) -> None:
    name = f"Cagnotte {association.name.removeprefix('Les ')}"
    purse = _programme(association.pk, Asset.Kind.PURSE, None, name, first)
    _rule(purse, "1 % en cagnotte", "spend", begins, units=1, per_cents=100)
    town_hall = Sponsor.objects.create(
        association_id=association.pk, name=f"Ville de {association.town}"
    )
    ledger.fund(
        Funding(
            key="demo:sponsor", association_id=association.pk, shop_id=None,
            occurred_at=begins, actor=ACTOR, asset_id=purse.asset_id, sponsor_id=town_hall.pk,
            amount=_SPONSOR_CENTS,
        )
    )  # fmt: skip
    since = now - timedelta(days=_SPONSORED_DAYS)
    _rule(purse, "Mardi double", "multiplier", since, sponsor=town_hall, percent=200, weekdays=[1])
    Tier.objects.create(
        programme=purse, name="Flâneur", measure=Tier.Measure.SHOPS, threshold=6,
        multiplier_percent=125,
    )  # fmt: skip
    Reward.objects.create(
        programme=purse, kind=Reward.Kind.AMOUNT, name="Payer avec la cagnotte", cost=1,
        value_cents=1,
    )  # fmt: skip


def _points(association_id: int, shop_id: int, first: date, begins: datetime) -> None:
    points = _programme(association_id, Asset.Kind.POINTS, shop_id, "Points lecture", first)
    _rule(points, "1 point par euro", "spend", begins, units=1, per_cents=100)
    _rule(points, "Mois d’anniversaire", "multiplier", begins, percent=200, birthday_month=True)
    Reward.objects.create(
        programme=points, kind=Reward.Kind.VOUCHER, name="Bon de 5 €", cost=100, value_cents=500,
        valid_days=90,
    )  # fmt: skip


def _stamps(association_id: int, shop_id: int, first: date, begins: datetime) -> None:
    stamps = _programme(association_id, Asset.Kind.STAMPS, shop_id, "Carte fromage", first)
    _rule(stamps, "Un tampon par achat", "purchase", begins, units=1, min_cents=800)
    Reward.objects.create(
        programme=stamps, kind=Reward.Kind.STAMP, name="Un fromage au choix", cost=10,
        value_cents=800,
    )  # fmt: skip


def _staff(association_id: int, shop_id: int, index: int) -> None:
    devices.add_till(association_id=association_id, shop_id=shop_id, name=TILL_NAME)
    for name in seller_names(index, SELLERS):
        sellers.add_seller(
            association_id=association_id, shop_id=shop_id, name=name, pin=cast.SELLER_PIN
        )


def _pair(association_id: int, shop_id: int, state: Path) -> None:
    """Pair the cashier's tablet; its cookie's token lies in the demo's folder."""
    _till, code = devices.add_till(
        association_id=association_id, shop_id=shop_id, name="Tablette du comptoir"
    )
    _paired, token = devices.pair(code)
    (state / _TILL_FILE).write_text(json.dumps({"token": token}), encoding="ascii")


def till_token(state: Path) -> str:
    """Return the cookie's token of the cashier's till."""
    return str(json.loads((state / _TILL_FILE).read_text(encoding="ascii"))["token"])


def note_loaded(state: Path, until: datetime | None) -> None:
    """Write how far the history is, for the pages; None once it is whole."""
    new = state / f"{_NOTE}.new"
    text = json.dumps({"until": until.isoformat() if until else ""})
    new.write_text(text, encoding="ascii")
    new.replace(state / _NOTE)


def loaded_until(state: Path) -> datetime | None:
    """Return how far the history is loaded; None once it is whole."""
    try:
        until = json.loads((state / _NOTE).read_text(encoding="ascii"))["until"]
    except FileNotFoundError:
        return None
    return datetime.fromisoformat(until) if until else None


def _banks(association: Association, shops: Mapping[str, int], signed_on: date) -> None:
    """Give the association and most shops an account: the example of the IBAN's registry."""
    for_all = {"association_id": association.pk, "iban": _EXAMPLE_IBAN}
    clearing.save_bank(BankDetails(holder=association.name, creditor_id="FR72ZZZ123456", **for_all))
    for slug, shop_id in shops.items():
        if slug in cast.WITHOUT_BANK:
            continue
        clearing.save_bank(
            BankDetails(
                shop_id=shop_id, holder="Commerce de démonstration", mandate=f"DEMO-{shop_id}",
                mandate_signed_on=signed_on, **for_all,
            )
        )  # fmt: skip


def staff_of(shop_ids: list[int]) -> dict[int, Staff]:
    """Return each shop's till and sellers, in the order in which they were made."""
    found = {}
    for shop_id in shop_ids:
        people = list(Seller.objects.filter(shop_id=shop_id).order_by("pk")[:SELLERS])
        till = Till.objects.filter(shop_id=shop_id).earliest("pk")
        found[shop_id] = Staff(till.pk, [p.pk for p in people], [p.name for p in people])
    return found
