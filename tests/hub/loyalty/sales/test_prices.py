"""A shop's prices, entered and from files: never changed, said twice counted once."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.models import ArticlePrice
from chaland.hub.loyalty.sales import prices, reference_price, services
from chaland.hub.loyalty.sales.price_csv import PROBLEMS, cents_of, read_prices
from chaland.hub.loyalty.sales.prices import PriceIn
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from tests.hub.loyalty.sales.conftest import TODAY, Town

SALE_DAY = date(2026, 12, 4)


def lowest(town: Town) -> reference_price.Lowest:
    found = prices.articles(town.shop, SALE_DAY, item_ids=["COAT"])
    return reference_price.lowest_before(found[0].held if found else [], SALE_DAY)


@pytest.mark.django_db
def test_of_a_long_history_only_what_the_thirty_days_need_is_read(town: Town) -> None:
    old = [(5_000 + n, date(2026, 1, 1) + timedelta(days=n)) for n in range(200)]
    town.asks("COAT", *old, (9_000, date(2026, 11, 10)), group="Coats")
    town.asks("SOCK", (500, date(2026, 1, 1)), group="Coats")
    (coat, sock) = prices.articles(town.shop, SALE_DAY, group="Coats")
    assert [price.cents for price in coat.held] == [5_199, 9_000]
    assert [price.cents for price in sock.held] == [500]
    (whole,) = prices.articles(town.shop, None, item_ids=["COAT"])
    assert len(whole.held) == 201
    town.time.now += timedelta(hours=1)  # what was said last of it is its name and group now
    town.asks("COAT", (5_100, date(2026, 2, 1)), group="Hats")
    assert [(a.item_id, a.group) for a in prices.names(town.shop)] == [
        ("COAT", "Hats"), ("SOCK", "Coats"),
    ]  # fmt: skip
    assert [a.item_id for a in prices.articles(town.shop, SALE_DAY, group="Coats")] == ["SOCK"]


@pytest.mark.django_db
def test_what_is_unknown_of_the_thirty_days_is_said(town: Town) -> None:
    assert lowest(town).missing == (
        date(2026, 11, 4), date(2026, 12, 3),
    )  # fmt: skip
    town.asks("COAT", (9_000, date(2026, 11, 10)))
    found = lowest(town)
    assert found.missing == (date(2026, 11, 4), date(2026, 11, 9))
    assert not found.complete
    town.asks("COAT", (8_000, date(2026, 1, 1)))
    found = lowest(town)
    assert (found.complete, found.price and found.price.cents) == (True, 8_000)
    assert found.price is not None
    assert found.price.recorded_by == "user:1"


@pytest.mark.django_db
def test_a_shops_prices_are_its_own(town: Town) -> None:
    town.asks("COAT", (1_000, date(2026, 1, 1)), shop=town.shops[1])
    assert lowest(town).price is None


@pytest.mark.django_db
def test_said_again_is_not_written_and_corrected_stays_to_be_seen(town: Town) -> None:
    assert town.asks("COAT", (9_000, date(2026, 1, 1)), (8_000, date(2026, 3, 1))) == 2
    assert town.asks("COAT", (9_000, date(2026, 1, 1)), (8_000, date(2026, 3, 1))) == 0
    town.time.now += timedelta(hours=1)
    assert town.asks("COAT", (7_000, date(2026, 3, 1))) == 1
    assert town.asks("COAT", (8_000, date(2026, 3, 1))) == 1, "back to what was said first"
    assert [row.cents for row in prices.prices_of(town.shop, "COAT")] == [
        8_000,
        7_000,
        8_000,
        9_000,
    ]
    found = lowest(town)
    assert found.price is not None
    assert found.price.cents == 8_000


@pytest.mark.django_db
@pytest.mark.parametrize(
    "bad",
    [
        PriceIn("", "x", 100, TODAY), PriceIn("x" * 65, "x", 100, TODAY),
        PriceIn("x", "", 100, TODAY),
        PriceIn("x", "x", 0, TODAY), PriceIn("x", "x", -5, TODAY),
        PriceIn("x", "x", 100, TODAY + timedelta(1)), PriceIn("x", "x", 100, date(1999, 12, 31)),
        PriceIn("x", "x", 100, TODAY, "g" * 65), PriceIn("x", "x", 10**9, TODAY),
    ],
)  # fmt: skip
def test_a_bad_price_writes_nothing(town: Town, bad: PriceIn) -> None:
    good = PriceIn("ok", "ok", 100, TODAY)
    with pytest.raises(SaleErrorFinal):
        services.take_prices(town.id, town.shop, [good, bad], "user:1", today=TODAY)
    assert not ArticlePrice.objects.exists()


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("12,90", 1290), ("12.9", 1290), ("12", 1200), ("12,90 €", 1290), ("1 234,50", 123_450),
        ("1\u202f234,50 EUR", 123_450), ("1.234,50", 123_450), ("1,234.50", 123_450), ("0,01", 1),
        ("1234,5", 123_450), ("0", None), ("-3", None), ("12,905", None), ("douze", None),
        ("", None), ("1e3", None), ("١٢", None), ("12,,5", None), ("9999999999", None),
        ("0,005", None),
    ],
)  # fmt: skip
def test_prices_as_people_write_them(text: str, cents: int | None) -> None:
    if text == "12,905":
        with pytest.raises(ValueError, match="unclear"):
            cents_of(text)
    else:
        assert cents_of(text) == cents


def test_a_file_of_a_french_till_is_read() -> None:
    data = (
        "Référence;Désignation;Rayon;Prix TTC;Depuis le;Stock\r\n"
        "COAT;Manteau « Élan »;Manteaux;119,90 €;01/06/2026;4\r\n"
        "\r\n"
        "COAT;Manteau « Élan »;Manteaux;99,00;2026-09-01;4\r\n"
        "SCARF;;;1 019,5;1/9/26 08:00;1\r\n"
    ).encode("cp1252")
    table = read_prices(data, TODAY)
    assert table.problems == []
    assert table.prices == [
        PriceIn("COAT", "Manteau « Élan »", 11_990, date(2026, 6, 1), "Manteaux"),
        PriceIn("COAT", "Manteau « Élan »", 9_900, date(2026, 9, 1), "Manteaux"),
        PriceIn("SCARF", "SCARF", 101_950, date(2026, 9, 1), ""),
    ]
    assert table.ignored_columns == ["Stock"]
    assert table.articles == 2


def test_each_bad_row_is_named_with_its_field_and_the_others_stay() -> None:
    lines = [
        "référence;prix;depuis le;désignation",
        "A;12,90;01/06/2026;Bon",
        ";12,90;01/06/2026;",
        "B;gratuit;01/06/2026;",
        "C;12,90;31/02/2026;",
        "D;12,90;01/01/2027;",
        "E;1.234;01/06/2026;",
        "F;5;01/06/2026;;;trop",
        "A;13,00;01/06/2026;",
        "A;12,90;01/06/2026;Bon",
        f"{'G' * 65};;01/06/2026;",
        "'=H;1,00;01/06/2026;formule",
    ]
    table = read_prices("\n".join(lines).encode(), TODAY)
    assert [p.item_id for p in table.prices] == ["A", "=H"]
    assert [(p.row, p.column, p.code) for p in table.problems] == [
        (3, "référence", "missing"),
        (4, "prix", "price"),
        (5, "depuis le", "date"),
        (6, "depuis le", "future"),
        (7, "prix", "unclear-price"),
        (8, "", "cells"),
        (9, "prix", "two-prices"),
        (11, "référence", "long"),
        (11, "prix", "missing"),
    ]
    assert table.bad_rows == 8
    assert all(problem.advice for problem in table.problems)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"), (b"PK\x03\x04", "spreadsheet"), (b"\x81\0", "not-text"),
        (b"reference;prix\nA;3", "no-column"), (b"ref;reference;prix;date\n", "double-column"),
        (b"ref;prix;date\n", "empty"), (b'ref;prix;date\n"A;3;01/01/2026', "quotes"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_why(data: bytes, code: str) -> None:
    table = read_prices(data, TODAY)
    assert table.prices == []
    assert code in {problem.code for problem in table.problems}


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_nothing_that_is_uploaded_raises(data: bytes) -> None:
    head = "référence;prix;depuis le\n".encode()
    for whole in (data, head + data):
        table = read_prices(whole, TODAY)
        assert bool(table.prices) or bool(table.problems)
        assert {problem.code for problem in table.problems} <= set(PROBLEMS)


@pytest.mark.django_db
def test_a_file_sent_again_writes_nothing_new(town: Town) -> None:
    body = "".join(f"A{n};{n},50;01/06/2026\n" for n in range(1, 1201))
    table = read_prices(("ref;prix;date\n" + body).encode(), TODAY)
    for new in (1200, 0):
        told = services.take_prices(
            town.id, town.shop, table.prices, "user:1", today=TODAY, source="imported"
        )
        assert told == new
    assert set(ArticlePrice.objects.values_list("source", flat=True)) == {"imported"}
