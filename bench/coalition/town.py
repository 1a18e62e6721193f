"""A coalition for benchmarks: an association of so many shops, members, a purse; and its tills.

Receipts go in by the public API, each shop with its own key, in the requests that a till makes.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.test import Client

from bench.coalition.journey import ZONE, Basket
from chaland.hub.association.models import Association, Shop, Zone
from chaland.hub.common import clock
from chaland.hub.loyalty.connect.keys import make_key
from chaland.hub.loyalty.members import cards
from chaland.hub.loyalty.models import Account, Asset, Member, Programme, Rule

BATCH = 500
BEGAN = datetime(2016, 12, 31, tzinfo=UTC)
DOUBLE = {1: 200}
"""On Tuesdays the purse fills twice as fast."""


@dataclass(frozen=True)
class Coalition:
    """What a till of each store needs to send its receipts."""

    association_id: int
    shops: Mapping[int, int]
    keys: Mapping[int, str]
    members: Mapping[int, int]
    cards: Mapping[int, str]
    purse: Programme


def found(stores: Iterable[int], households: Iterable[int]) -> Coalition:
    """Make the association with its shops, keys, members, and a purse of 1 %."""
    association = Association.objects.create(name="Coalition", town="Journey", timezone=ZONE)
    zone = Zone.objects.create(association=association, name="Centre", slug="centre")
    shops = Shop.objects.bulk_create(
        Shop(association=association, zone=zone, name=f"Store {store}", slug=f"store-{store}")
        for store in sorted(set(stores))
    )
    by_store = {int(shop.slug.removeprefix("store-")): shop.pk for shop in shops}
    now = clock.now()
    keys = {s: make_key(association.pk, shop, "Till", now) for s, shop in by_store.items()}
    wanted = sorted(set(households))
    members = Member.objects.bulk_create(
        Member(
            association_id=association.pk, chain_salt=bytes(32), enrolled_at=BEGAN,
            enrolled_by="system:bench", last_active_on=BEGAN.date(),
        )
        for _ in wanted
    )  # fmt: skip
    return Coalition(
        association_id=association.pk,
        shops=by_store,
        keys=keys,
        members={h: member.pk for h, member in zip(wanted, members, strict=True)},
        cards={h: cards.token(member) for h, member in zip(wanted, members, strict=True)},
        purse=_purse(association.pk),
    )


def _purse(association_id: int) -> Programme:
    asset = Asset.objects.create(association_id=association_id, kind="purse", name="Purse")
    programme = Programme.objects.create(
        association_id=association_id, asset=asset, name="Purse", starts_on=date(2016, 1, 1)
    )
    rules: list[tuple[str, dict[str, object]]] = [("spend", {"per_cents": 100, "units": 1})]
    rules += [
        ("multiplier", {"weekdays": [day], "percent": percent}) for day, percent in DOUBLE.items()
    ]
    for kind, parameters in rules:
        Rule.objects.create(
            programme=programme, name=kind, kind=kind, parameters=parameters, starts_at=BEGAN,
            created_at=BEGAN, created_by="system:bench",
        )  # fmt: skip
    return programme


@dataclass(frozen=True)
class Request:
    """One call of a store's till."""

    store: int
    key: str
    receipts: int
    body: bytes

    def send(self, client: Client, coalition: Coalition) -> list[str]:
        """Send it; returns the outcome of each receipt. RuntimeError on any refusal."""
        answer = client.post(
            "/api/v1/loyalty/receipts/batch",
            self.body,
            "application/json",
            headers={
                "Authorization": f"Bearer {coalition.keys[self.store]}",
                "Idempotency-Key": self.key,
            },
        )
        if answer.status_code != 200:
            raise RuntimeError(f"status {answer.status_code}: {answer.content[:300]!r}")
        return [receipt["outcome"] for receipt in answer.json()["receipts"]]


def requests(
    baskets: Iterable[Basket], coalition: Coalition, first: str = "batch"
) -> Iterator[Request]:
    """Put receipts into requests of up to 500, store by store, as their tills would send them."""
    waiting: dict[int, list[dict[str, object]]] = {}
    number = itertools.count()
    for basket in baskets:
        own = waiting.setdefault(basket.store, [])
        own.append({**basket.body, "member": coalition.cards[basket.household]})
        if len(own) == BATCH:
            yield _request(basket.store, f"{first}-{next(number)}", waiting.pop(basket.store))
    for store, own in waiting.items():
        yield _request(store, f"{first}-{next(number)}", own)


def _request(store: int, key: str, receipts: list[dict[str, object]]) -> Request:
    body = json.dumps({"receipts": receipts}).encode()
    return Request(store, key, len(receipts), body)


def purses(coalition: Coalition) -> dict[int, int]:
    """Return each household's balance as the ledger has it."""
    rows = Account.objects.filter(asset_id=coalition.purse.asset_id, role=Account.Role.MEMBER)
    held = dict(rows.values_list("member_id", "balance"))
    return {household: held.get(member, 0) for household, member in coalition.members.items()}
