"""A shop with a till, a seller and members who can be found; a client that speaks as the page."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.models import Member, Seller, Till
from chaland.hub.loyalty.till import devices, sellers
from tests.builders import build_cast
from tests.loyalty_builders import Loyalty, build_loyalty

NOON = datetime(2026, 6, 2, 10, tzinfo=UTC)
PIN = "2580"
PHONE = "06 12 34 56 78"


@dataclass
class Page:
    """The till page's requests, without a browser."""

    client: Client = field(default_factory=Client)
    shift: str = ""
    """What the right PIN gave; each receipt carries it."""

    def post(self, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
        answer = self.client.post(
            f"/till/{path}", json.dumps(body), content_type="application/json",
            headers={"X-Till": "1"},
        )  # fmt: skip
        assert answer.status_code == status, (answer.status_code, answer.content)
        return dict(answer.json())

    def write(self, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
        return self.post(path, status, **{"key": str(uuid.uuid4()), **body})

    def sign_in(self, seller: int, pin: str = PIN) -> None:
        self.shift = self.post("seller", seller=seller, pin=pin)["seller"]["shift"]

    def found(self, text: str = PHONE) -> dict[str, Any]:
        [row] = self.post("find", text=text)["found"]
        return dict(row)

    def attach(self, cents: int, status: int = 200, **more: Any) -> dict[str, Any]:
        body = {
            "amount_cents": cents, "issued_at": NOON.isoformat(), "shift": self.shift, **more
        }  # fmt: skip
        if "contact" not in body and "member" not in body:
            body["member"] = {"ref": self.found()["ref"]}
        return self.write("receipts", status, **body)


@dataclass
class Counter:
    """A shop's counter: till, seller, a member found by PHONE, the page."""

    loyalty: Loyalty
    till: Till
    seller: Seller
    member: Member
    page: Page


@pytest.fixture
def noon() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def enrol(loyalty: Loyalty, phone: str, first: str = "Marie", last: str = "Dupont") -> Member:
    return members.enrol(
        members.Enrolment(
            association_id=loyalty.cast.association.pk,
            shop_id=loyalty.cast.shops[0].pk,
            actor="system:tests",
            occurred_at=NOON,
            first_name=first,
            last_name=last,
            phone=phone,
            birth_day=3,
            birth_month=3,
            over_15=True,
        ),
        despite_duplicates=True,
    )


def paired(loyalty: Loyalty, shop: int = 0, page: Page | None = None) -> tuple[Till, Page]:
    """Make a till of a shop and pair a page with it."""
    shop_id = loyalty.cast.shops[shop].pk
    till, code = devices.add_till(
        association_id=loyalty.cast.association.pk, shop_id=shop_id, name="Comptoir"
    )
    page = page or Page()
    page.post("pair", code=code)
    return till, page


@pytest.fixture
def loyalty(db: None, noon: None) -> Loyalty:
    return build_loyalty(build_cast(2))


@pytest.fixture
def counter(loyalty: Loyalty) -> Counter:
    till, page = paired(loyalty)
    seller = sellers.add_seller(
        association_id=till.association_id, shop_id=till.shop_id, name="Sami", pin=PIN
    )
    page.sign_in(seller.pk)
    return Counter(loyalty, till, seller, enrol(loyalty, PHONE), page)
