"""Files of receipts as tills and spreadsheets write them: each bad row named, nothing guessed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.connect import cells
from chaland.hub.loyalty.connect.cells import CellErrorFinal, DayOrder, Reason
from chaland.hub.loyalty.connect.receipt_csv import (
    ReceiptTable,
    Whose,
    guessed_map,
    headers_of,
    read_receipts,
    text_of,
)

WHOSE = Whose(1, 5, ZoneInfo("Europe/Paris"), "user:7", datetime(2026, 6, 1, tzinfo=UTC))
HEAD = "N° ticket;Date;Heure;Article;Qté;Montant TTC;TVA\n"


def table(text: str) -> ReceiptTable:
    return read_receipts(text, guessed_map(headers_of(text)), WHOSE)


def problems(text: str) -> list[tuple[int, str, str]]:
    return [(p.row, p.column, p.reason) for p in table(text).problems]


def test_rows_of_one_number_are_one_receipt() -> None:
    read = table(
        HEAD + "T1;14/03/2026;15h09;Comté;0,350;9,50 €;5,5\nT1;14/03/2026;15h09;Vin;2;1 014,00;20\n"
        "T2;15/03/2026;09:30:15;Pain;1;-1,20;5,5\n"
    )
    assert not read.problems
    first, second = [row.receipt for row in read.rows]
    assert (first.external_id, first.gross_cents, len(first.lines)) == ("T1", 102350, 2)
    assert first.issued_at == datetime(2026, 3, 14, 14, 9, tzinfo=UTC)
    assert [(li.quantity_milli, li.vat_permyriad) for li in first.lines] == [
        (350, 550),
        (2000, 2000),
    ]
    assert (second.gross_cents, read.lines, read.day_order) == (-120, 3, DayOrder.DAY_FIRST)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("mark", [";", ",", "\t"])
def test_encodings_and_separators(encoding: str, mark: str) -> None:
    said = 'Numéro;Date;Montant\n"É;1";2026-03-14;"9,50"\n'.replace(";", mark)
    text = text_of(said.encode(encoding))
    assert isinstance(text, str)
    [row] = table(text).rows
    assert (row.receipt.external_id, row.receipt.gross_cents) == (f"É{mark}1", 950)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY_FILE), (b" \n ", Reason.EMPTY_FILE), (b"a\0b", Reason.NOT_TEXT),
        (b"PK\x03\x04...", Reason.SPREADSHEET), (b"x" * (10 * 1024 * 1024 + 1), Reason.TOO_BIG),
    ],
)  # fmt: skip
def test_what_is_no_csv_file_is_said(data: bytes, reason: Reason) -> None:
    assert text_of(data) is reason


def test_each_bad_cell_is_named_and_spoils_only_its_receipt() -> None:
    text = (
        HEAD + "T1;14/03/2026;10:00;A;1;1,00;20\nT1;14/03/2026;10:00;B;1;1.234;20\n"
        "T2;31/02/2026;10:00;A;1;1,00;20\nT3;14/03/2026;25:00;A;1;1,00;20\n"
        ";14/03/2026;10:00;A;1;1,00;20\nT5;14/03/2026;10:00;A;zwei;1,00;20\n"
        "T6;14/03/2026;10:00;A;1;1,00;2000\nT7;0000-00-00;10:00;A;1;1,00;20\n"
        "T8;14/03/2026;10:00;A;1;;20\nT9;14/03/2026;10:00;A;1;1,00;20;extra\n"
        "T10;14/03/2026;10:00;A;1;1,00;20\nT11;14/03/2099;10:00;A;1;1,00;20\n"
        "T10;15/03/2026;10:00;A;1;1,00;20\nT12;14/03/2026;10:00;A;1;1,00;20\n"
    )
    assert problems(text) == [
        (3, "Montant TTC", "unclear-amount"), (4, "Date", "bad-day"), (5, "Date", "bad-time"),
        (6, "N° ticket", "missing-value"), (7, "Qté", "bad-quantity"), (8, "TVA", "bad-rate"),
        (9, "Date", "bad-day"), (10, "Montant TTC", "missing-value"), (11, "", "extra-cells"),
        (13, "Date", "bad-day"), (14, "Date", "other-date"),
    ]  # fmt: skip
    read = table(text)
    assert [row.receipt.external_id for row in read.rows] == ["T12"]
    assert read.spoiled == 10


def test_missing_and_double_columns_are_said() -> None:
    assert problems("Date;Montant\n2026-01-01;1\n") == [(1, "number", "missing-column")]
    text = "Ticket;Date;Montant;Montant\nT;2026-01-01;1;2\n"
    assert problems(text) == [(1, "Montant", "double-column")]


def test_days_are_read_as_the_file_writes_them() -> None:
    days = "Ticket;Date;Montant\nA;03/14/2026;1\nB;04/03/2026;1\n"
    assert [row.receipt.issued_at.month for row in table(days).rows] == [3, 4]
    days = "Ticket;Date;Montant\nA;14/03/2026;1\nB;04/03/2026;1\n"
    assert [row.receipt.issued_at.month for row in table(days).rows] == [3, 3]
    assert problems("Ticket;Date;Montant\nA;14/03/2026;1\nB;03/14/2026;1\n") == [
        (3, "Date", "bad-day")
    ]


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("12", 1200), ("12,5", 1250), ("12.50", 1250), ("1 234,56 €", 123456), ("-3,00", -300),
        ("(3,00)", -300), ("1.234,56", 123456), ("1,234.56", 123456), ("1\u202f234,56", 123456),
        ("1.234.567", 123456700), ("0,999", None), ("EUR 5", 500), (",5", 50), ("+2", 200),
        ("1.234", None), ("12,345", None), ("1,23,4", None), ("", None), ("abc", None),
        ("1e5", None), ("--1", None), ("١٢", None), ("9" * 30, None), ("0,10", 10),
    ],
)  # fmt: skip
def test_amounts(text: str, cents: int | None) -> None:
    if cents is None:
        with pytest.raises(CellErrorFinal):
            cells.cents(text)
    else:
        assert cells.cents(text) == cents


@given(
    st.integers(-(10**8), 10**8), st.sampled_from([",", "."]), st.sampled_from(["", " ", "\u202f"])
)
def test_amounts_as_people_write_them_are_read_back(cents: int, mark: str, group: str) -> None:
    whole = f"{abs(cents) // 100:,}".replace(",", group)
    text = f"{'-' if cents < 0 else ''}{whole}{mark}{abs(cents) % 100:02}"
    assert cells.cents(text) == cents


@given(st.text(max_size=300))
def test_reading_never_raises(text: str) -> None:
    encoded = text_of((HEAD + text).encode("utf-8", "replace"))
    if isinstance(encoded, str):
        table(encoded)


@given(st.text(alphabet="0123456789/-.:hT ,+€()-", max_size=25))
def test_no_cell_raises_anything_else(text: str) -> None:
    for read in (cells.cents, cells.thousandths, cells.permyriad, cells.time_of_day, cells.local):
        try:
            read(text)
        except CellErrorFinal:
            continue


def test_broken_quotes_are_said() -> None:
    assert problems(HEAD + 'T1;"14/03/2026;10:00;A;1;1,00;20\n') == [(0, "", "broken-quotes")]
