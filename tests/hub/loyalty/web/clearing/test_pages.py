"""Who sees which statement, and what a director does with a month."""

import re

import pytest
from django.test import Client
from django.utils.formats import date_format

from chaland.hub.association.models import User
from chaland.hub.loyalty.clearing import rules
from chaland.hub.loyalty.models import BankDetails, Clearing, Statement
from tests.builders import Cast
from tests.hub.loyalty.clearing.conftest import IBANS, Coalition

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(coalition: Coalition) -> Clearing:
    coalition.everybody(100, at=0, spend=60, where=1)
    return coalition.close()


def _as(user: User) -> Client:
    user.language = "en"
    user.save()
    client = Client()
    client.force_login(user)
    return client


def _cast(coalition: Coalition) -> Cast:
    return coalition.loyalty.cast


def test_a_shopkeeper_sees_the_own_statement_and_no_other(
    coalition: Coalition, closed: Clearing
) -> None:
    """L19, by any door: page, PDF, month, bank files."""
    cast = _cast(coalition)
    own, other = (coalition.statement(closed, shop) for shop in (0, 1))
    keeper = _as(cast.shopkeeper)
    assert keeper.get("/clearing/").status_code == 200
    for path in ("", "statement.pdf"):
        assert keeper.get(f"/clearing/statements/{own.pk}/{path}").status_code == 200
        assert keeper.get(f"/clearing/statements/{other.pk}/{path}").status_code == 404
        assert _as(cast.stranger).get(f"/clearing/statements/{own.pk}/{path}").status_code == 404
    for path in ("", "statements.csv", "transfers.xml", "debits.xml"):
        assert keeper.get(f"/clearing/{closed.pk}/{path}").status_code == 403
        assert Client().get(f"/clearing/{closed.pk}/{path}").status_code == 302
    assert keeper.post(f"/clearing/statements/{own.pk}/settle/").status_code == 403
    assert keeper.post(f"/clearing/{closed.pk}/settle/", {"way": "credit"}).status_code == 403
    assert b"Boulangerie" not in keeper.get("/clearing/").content


def test_another_towns_clearing_is_not_there(coalition: Coalition, closed: Clearing) -> None:
    Clearing.objects.update(association_id=coalition.town + 999)
    director = _as(_cast(coalition).director)
    assert director.get(f"/clearing/{closed.pk}/").status_code == 404
    statement = Statement.objects.first()
    assert director.get(f"/clearing/statements/{statement.pk}/").status_code == 404


def test_a_director_reads_files_and_settles(coalition: Coalition, closed: Clearing) -> None:
    director = _as(_cast(coalition).director)
    page = director.get(f"/clearing/{closed.pk}/").content.decode()
    assert "Boulangerie Morel" in page
    assert "seal intact" in page
    answer = director.get(f"/clearing/{closed.pk}/transfers.xml", follow=True)
    assert "own bank details first" in answer.content.decode()
    coalition.bank(None)
    coalition.bank(1)
    file = director.get(f"/clearing/{closed.pk}/transfers.xml")
    assert b"<pain.001" in file.content or b"pain.001.001.09" in file.content
    csv = director.get(f"/clearing/{closed.pk}/statements.csv").content.decode("utf-8-sig")
    assert "Librairie du Pont,-12.00,0.00" in csv
    for _ in range(2):
        director.post(f"/clearing/{closed.pk}/settle/", {"way": "credit"})
    assert coalition.statement(closed, 1).settled_by is not None
    assert coalition.purses[0].position(1) == 0
    director.post(f"/clearing/statements/{coalition.statement(closed, 0).pk}/settle/")
    assert "to settle" not in director.get("/clearing/").content.decode()
    assert director.post(f"/clearing/{closed.pk}/settle/", {"way": "none"}).status_code == 404


def test_bank_details_are_checked_sealed_and_never_shown_whole(coalition: Coalition) -> None:
    keeper = _as(_cast(coalition).shopkeeper)
    given = {"holder": "Librairie du Pont", "iban": IBANS[0], "bic": ""}
    wrong = keeper.post("/clearing/bank/", given | {"iban": "FR7630006000011234567890180"})
    assert "typing error" in wrong.content.decode()
    assert not BankDetails.objects.exists()
    assert keeper.post("/clearing/bank/", given | {"mandate": "mine"}).status_code == 302
    bank = BankDetails.objects.get()
    assert (bank.shop_id, bank.mandate) == (coalition.shop_ids[0], "")
    page = keeper.get("/clearing/bank/").content.decode()
    assert IBANS[0] not in page
    assert IBANS[0][-4:] in page
    director = _as(_cast(coalition).director)
    there = f"/clearing/bank/?shop={_cast(coalition).shop.slug}"
    half = director.post(there, given | {"mandate": "M-1"})
    assert "or neither" in half.content.decode()
    director.post(there, given | {"mandate": "M-1", "mandate_signed_on": "2026-01-15"})
    bank.refresh_from_db()
    assert bank.mandate == "M-1"
    assert director.get("/clearing/bank/?shop=nowhere").status_code == 404


def test_a_keeper_cannot_reach_another_shops_bank_details(coalition: Coalition) -> None:
    keeper = _as(_cast(coalition).shopkeeper)
    other = _cast(coalition).shops[1]
    keeper.post(f"/clearing/bank/?shop={other.slug}", {"holder": "x", "iban": IBANS[0]})
    assert BankDetails.objects.get().shop_id == coalition.shop_ids[0]


def _cents(cell: str) -> int:
    return int(cell.replace("€", "").replace(".", "").replace(",", "").replace("−", "-"))


def test_each_row_adds_up_on_the_page(coalition: Coalition, closed: Clearing) -> None:
    """What came back, lapsed or was corrected stands in a column of its own, on a phone too."""
    Statement.objects.filter(shop_id=coalition.shop_ids[0]).update(
        reversed_cents=200, lapsed_cents=30, adjusted_cents=-4, net_cents=-974
    )
    director = _as(_cast(coalition).director)
    page = director.get(f"/clearing/{closed.pk}/").content.decode()
    rows = re.findall(
        r'"Given to customers">(.*?)</td>.*?"Paid from the purse">(.*?)</td>'
        r'.*?"Returns and other">(.*?)</td>.*?<strong>(.*?)</strong>',
        page,
    )
    told = [[_cents(cell) for cell in row] for row in rows]
    assert [-1200, 0, 226, -974] in told
    assert all(sum(row[:3]) == row[3] for row in told)


def test_the_open_month_says_since_when(coalition: Coalition, closed: Clearing) -> None:
    director = _as(_cast(coalition).director)
    first = rules.month_after(closed.month)
    assert (
        f"Since {date_format(first, 'DATE_FORMAT')}" in director.get("/clearing/").content.decode()
    )
    Clearing.objects.all().delete()
    assert "From the first purchase" in director.get("/clearing/").content.decode()
