"""Files of shops: as Excel and LibreOffice write them, broken ones, hostile ones."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.association.rules import format_day
from chaland.hub.association.shop_csv import (
    BYTES_AT_MOST,
    ROWS_AT_MOST,
    Reason,
    read_shops,
    safe_cell,
    slug_of,
    write_shops,
)

FRENCH = "Nom du commerce;Quartier;Activité;Lundi;Mardi\nCafé de la Gare;Gare;Café;fermé;7h-20h\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_however_it_was_saved(encoding: str, end: str, separator: str) -> None:
    text = FRENCH.replace("\n", end).replace(";", separator)
    file = read_shops(text.encode(encoding))
    assert file.problems == []
    [shop] = file.rows
    assert (shop.name, shop.zone, shop.trade) == ("Café de la Gare", "Gare", "Café")
    assert shop.week is not None
    assert [format_day(day) for day in shop.week[:2]] == ["", "07:00-20:00"]


def test_english_headers_in_any_order_and_unknown_ones_named() -> None:
    file = read_shops(b"zone,colour,Shop\nHarbour,blue,Bakery\n\n,,\n")
    assert [row.name for row in file.rows] == ["Bakery"]
    assert file.ignored_columns == ["colour"]
    assert file.blank_rows == 2
    assert file.rows[0].week is None, "no column of days: hours stay as they are"


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (";Centre;;;;;", "nom", Reason.MISSING_VALUE),
        ("Café;;;;;;", "zone", Reason.MISSING_VALUE),
        ("!!!;Centre;;;;;", "nom", Reason.BAD_NAME),
        ("Café;Centre;9h-25h;;;;", "lundi", Reason.HOURS_NO_SUCH_TIME),
        ("Café;Centre;midi;;;;", "lundi", Reason.HOURS_UNREADABLE),
        ("Café;Centre;9h-14h 13h-15h;;;;", "lundi", Reason.HOURS_OVERLAP),
        ("Café;Centre;;20h-3h;;;", "mardi", None),
        ("Café;Centre;;;pas d’adresse;;", "e-mail", Reason.BAD_EMAIL),
        ("Café;Centre;;;;nord;2", "latitude", Reason.BAD_NUMBER),
        ("Café;Centre;;;;91;2", "latitude", Reason.BAD_NUMBER),
        ("Café;Centre;;;;nan;2", "latitude", Reason.BAD_NUMBER),
        ("Café;Centre;;;;47,2;", "latitude", Reason.HALF_PLACE),
        ("Café;Centre;;;;47,2;-1,5", "latitude", None),
        ("Café;Centre;;;;;;de trop", "", Reason.EXTRA_CELLS),
        (f"{'a' * 121};Centre;;;;;", "nom", Reason.TOO_LONG),
        ('Café "du coin;Centre;;;;;', "nom", None),
        ('"Café;Centre;;;;;', "", Reason.BROKEN_QUOTES),
        ("PREMIER;Centre;;;;;", "nom", Reason.DOUBLE_SHOP),
    ],
)
def test_each_mistake_is_named_with_its_line_and_column(
    line: str, column: str, reason: Reason | None
) -> None:
    header = "nom;zone;lundi;mardi;e-mail;latitude;longitude"
    file = read_shops(f"{header}\nPremier;Centre;;;;;\n\n{line}\n".encode())
    if reason is None:
        assert file.problems == []
        assert len(file.rows) == 2
        return
    [problem] = file.problems
    assert (problem.column, problem.reason) == (column, reason)
    assert problem.row == 4, "lines are counted as a spreadsheet does, blank ones too"
    assert len(file.rows) == 1, "a row with a mistake is no shop"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY_FILE),
        (b"\xef\xbb\xbf \n\n", Reason.EMPTY_FILE),
        (b"nom;zone\n", Reason.EMPTY_FILE),
        (b"PK\x03\x04rest", Reason.SPREADSHEET),
        (b"\xd0\xcf\x11\xe0rest", Reason.SPREADSHEET),
        (b"nom;zone\nA\x00;B\n", Reason.NOT_TEXT),
        (b"nom;lundi\nA;9h-12h\n", Reason.MISSING_COLUMN),
        (b"nom;zone;Shop\nA;B;C\n", Reason.DOUBLE_COLUMN),
        (b"x" * (BYTES_AT_MOST + 1), Reason.TOO_BIG),
        (
            ("nom;zone\n" + "".join(f"S{n};Z\n" for n in range(ROWS_AT_MOST + 1))).encode(),
            Reason.TOO_MANY_ROWS,
        ),
    ],
)
def test_files_that_cannot_be_taken(data: bytes, reason: Reason) -> None:
    assert [problem.reason for problem in read_shops(data).problems] == [reason]


@given(st.binary(max_size=400))
def test_any_bytes_give_shops_or_problems(data: bytes) -> None:
    file = read_shops(data)
    assert file.rows or file.problems


@given(st.text(max_size=200))
def test_any_text_gives_shops_or_problems(text: str) -> None:
    file = read_shops(f"nom;zone;lundi;e-mail;latitude\n{text}".encode())
    assert file.rows or file.problems


plain = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40
)


@given(st.lists(st.tuples(plain, plain), max_size=5))
def test_what_is_exported_can_be_imported(names: list[tuple[str, str]]) -> None:
    rows = read_shops(
        b"nom;zone;lundi\n"
        + "".join(
            f'"{name.replace(chr(34), "")}";"{zone.replace(chr(34), "")}";20h-2h\n'
            for name, zone in names
        ).encode()
    ).rows
    again = read_shops(write_shops(rows).encode())
    assert [(r.name, r.zone, r.week) for r in again.rows] == [
        (r.name, r.zone, r.week) for r in rows
    ]


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "+33", "-2", "@SUM(A1)", "\tx"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert safe_cell(cell).startswith("'")
    shop = read_shops(f'nom;zone\n"x";"{cell}a"\n'.encode()).rows
    text = write_shops(shop)
    for row in csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)


def test_two_spellings_of_a_name_are_one_shop() -> None:
    assert slug_of("  Café—DE la  Gare ") == slug_of("cafe de la gare") == "cafe-de-la-gare"


def test_signs_that_nobody_sees_leave_a_name() -> None:
    file = read_shops("nom;zone\nCafé\u200b \u202edes  Halles;Centre\n".encode())
    assert [row.name for row in file.rows] == ["Café des Halles"]
