"""Files of receipts: preview, saved maps, batches that go on after a kill, cards."""

import pytest

from chaland.hub.common import clock
from chaland.hub.loyalty.connect import files
from chaland.hub.loyalty.connect.files import FileErrorFinal, Uploader
from chaland.hub.loyalty.members import cards
from chaland.hub.loyalty.models import ColumnMap, Receipt, ReceiptFile
from chaland.hub.loyalty.receipts import services
from tests.builders import Cast
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(cast: Cast) -> Uploader:
    return Uploader(cast.association.pk, cast.shop.pk, "user:7")


def csv_of(count: int, card: str = "") -> bytes:
    rows = [f"T{n};14/03/2026 15:{n % 60:02};{n % 50 + 1},50;{card}" for n in range(count)]
    return ("Ticket;Date;Montant;Carte\n" + "\n".join(rows)).encode("cp1252")


def test_a_file_is_previewed_before_anything_is_written(who: Uploader) -> None:
    file = files.upload(csv_of(3), "mars.csv", who)
    table = files.table_of(file)
    assert (len(table.rows), table.problem_count) == (3, 0)
    assert file.columns == {
        "number": "Ticket", "day": "Date", "amount": "Montant", "card": "Carte",
    }  # fmt: skip
    assert not Receipt.objects.exists()


def test_a_started_file_goes_in_and_earns_and_leaves_nothing(
    who: Uploader, loyalty: Loyalty
) -> None:
    file = files.upload(csv_of(30, cards.token(loyalty.member)), "mars.csv", who)
    files.start(file, files.table_of(file))
    file.refresh_from_db()
    assert file.finished_at is not None
    assert file.content is None
    assert (file.report["done"], file.report["new"], file.report["refused"]) == (30, 30, 0)
    assert Receipt.objects.filter(member=loyalty.member, attached_how="key").count() == 30
    again = files.upload(csv_of(31), "mars2.csv", who)
    table = files.table_of(again)
    assert files.known_numbers(again, table) == 30
    files.start(again, table)
    again.refresh_from_db()
    assert (again.report["repeated"], again.report["new"]) == (30, 1)


def test_a_killed_import_goes_on_where_it_was(
    who: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCH", 10)
    monkeypatch.setattr(files, "AT_ONCE", 20)
    file = files.upload(csv_of(45), "mars.csv", who)
    files.start(file, files.table_of(file))
    file.refresh_from_db()
    assert (file.report["done"], file.finished_at) == (20, None)
    real, calls = services.take_in, []

    def dying(receipts: object, **more: object) -> object:
        answers = real(receipts, **more)  # type: ignore[arg-type]
        calls.append(len(answers))
        if len(calls) == 2:
            raise KeyboardInterrupt  # as if the process were ended before its commit
        return answers

    monkeypatch.setattr(services, "take_in", dying)
    with pytest.raises(KeyboardInterrupt):
        files.import_due(clock.now())
    file.refresh_from_db()
    assert (file.report["done"], Receipt.objects.count()) == (30, 30)
    monkeypatch.setattr(services, "take_in", real)
    assert files.import_due(clock.now()) == 15
    file.refresh_from_db()
    assert (file.report["new"], Receipt.objects.count()) == (45, 45)
    assert files.import_due(clock.now()) == 0


def test_the_map_is_kept_for_the_next_file(who: Uploader) -> None:
    odd = b"a;b;c\nT1;2026-01-05;3,00\n"
    file = files.upload(odd, "x.csv", who)
    assert files.table_of(file).problem_count == 3  # it guesses nothing from such names
    files.set_columns(file, {"number": "a", "day": "b", "amount": "c", "till": ""}, "Caisse")
    assert len(files.table_of(file).rows) == 1
    next_file = files.upload(b"c;b;a\n4,00;2026-01-06;T2\n", "y.csv", who)
    assert next_file.columns == {"number": "a", "day": "b", "amount": "c"}
    assert ColumnMap.objects.get().name == "Caisse"
    other = Uploader(who.association_id, who.shop_id + 1, "user:8")
    assert files.upload(odd, "x.csv", other).columns == {}


def test_a_file_that_is_no_csv_is_not_kept(who: Uploader) -> None:
    with pytest.raises(FileErrorFinal):
        files.upload(b"PK\x03\x04", "x.xlsx", who)
    assert not ReceiptFile.objects.exists()


def test_files_nobody_started_go_within_a_day(who: Uploader) -> None:
    file = files.upload(csv_of(1), "x.csv", who)
    assert files.prune(clock.now()) == 0
    assert files.prune(clock.now() + files.KEPT) == 1
    assert not ReceiptFile.objects.filter(pk=file.pk).exists()
