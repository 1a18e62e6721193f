"""The database itself refuses to change the past, on both engines."""

import uuid

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models import Model

from chaland.hub.loyalty.models import Account, Entry, LotUse, Transfer
from tests.hub.loyalty.ledger.building import Purse

pytestmark = pytest.mark.django_db


@pytest.fixture
def spent(purse: Purse) -> Transfer:
    purse.earn(100)
    return purse.redeem(30)


def _execute(query: str) -> None:
    with transaction.atomic("loyalty"), connections["loyalty"].cursor() as cursor:
        cursor.execute(query)


@pytest.mark.parametrize("model", [Transfer, Entry, LotUse])
def test_no_row_of_the_ledger_is_changed_or_deleted(spent: Transfer, model: type) -> None:
    assert model.objects.exists()
    column = {Transfer: "actor", Entry: "amount", LotUse: "amount"}[model]
    for query in (f"UPDATE {{}} SET {column} = {column}", "DELETE FROM {}"):
        with pytest.raises(IntegrityError, match="append-only"):
            _execute(query.format(model._meta.db_table))


def _replace(row: Model, **changes: object) -> None:
    """What SQLite offers beside UPDATE; PostgreSQL's ON CONFLICT DO UPDATE comes to the same."""
    fields = [field for field in row._meta.concrete_fields if field.name not in changes]
    names = [*(field.column for field in fields), *changes]
    chosen = [*(field.column for field in fields), *("%s" for _ in changes)]
    table = row._meta.db_table
    over = ", ".join(f"{name} = excluded.{name}" for name in names)
    sqlite = connections["loyalty"].vendor == "sqlite"
    query = (
        f"INSERT {'OR REPLACE' if sqlite else ''} INTO {table} ({', '.join(names)})"
        f" SELECT {', '.join(chosen)} FROM {table} WHERE id = %s"
        f"{'' if sqlite else f' ON CONFLICT (id) DO UPDATE SET {over}'}"
    )
    pk = row.pk.hex if sqlite and isinstance(row.pk, uuid.UUID) else row.pk
    with transaction.atomic("loyalty"), connections["loyalty"].cursor() as cursor:
        cursor.execute(query, [*changes.values(), pk])


def test_no_row_is_put_in_place_of_another(spent: Transfer) -> None:
    forged: list[tuple[Model, dict[str, object]]] = [
        (spent, {"why": "{}"}),
        (spent, {"actor": "user:1", "kind": "earn"}),
        (spent.entries.get(account__role="member"), {"amount": -1}),
        (LotUse.objects.get(entry__transfer=spent), {"amount": 1}),
    ]
    for row, changes in forged:
        with pytest.raises(IntegrityError, match=r"append-only|sealed"):
            _replace(row, **changes)
    spent.refresh_from_db()
    assert (spent.kind, spent.actor) == ("redeem", "till:1")


def test_nor_under_an_id_of_its_own_with_the_others_key(spent: Transfer) -> None:
    entry = spent.entries.get(account__role="member")
    for row, pk in ((spent, uuid.uuid4().hex), (entry, entry.pk + 1_000)):
        with pytest.raises(IntegrityError, match=r"append-only|sealed|duplicate key"):
            _replace(row, id=pk)


def test_a_sealed_transfer_takes_no_more_entries_and_no_more_uses_of_lots(spent: Transfer) -> None:
    entry = spent.entries.first()
    more = Entry(transfer=spent, account=entry.account, amount=1)
    use = LotUse(entry=entry, lot=LotUse.objects.get(entry__transfer=spent).lot, amount=1)
    for row in (more, use):
        with pytest.raises(IntegrityError, match="sealed"), transaction.atomic("loyalty"):
            row.save()


def _forge(like: Transfer, *legs: tuple[Account, int]) -> None:
    """Write a transfer by hand, without the services."""
    forged = Transfer(id=uuid.uuid4(), idempotency_key="forged")
    for name in ("association_id", "kind", "occurred_at", "recorded_at", "actor"):
        setattr(forged, name, getattr(like, name))
    with transaction.atomic("loyalty"):
        for account, amount in legs:
            Entry.objects.create(transfer_id=forged.pk, account=account, amount=amount)
        forged.save(force_insert=True)


def test_a_transfer_whose_entries_do_not_sum_to_zero_is_refused(purse: Purse) -> None:
    transfer = purse.earn(100)
    shop, member = (entry.account for entry in transfer.entries.order_by("pk"))
    with pytest.raises(IntegrityError, match="sum to zero"):
        _forge(transfer, (shop, -5), (member, 4))
    _forge(transfer, (shop, -5), (member, 5))


def test_balanced_over_two_assets_but_not_in_each_is_refused(purse: Purse, points: Purse) -> None:
    transfers = [purse.earn(100), points.earn(100)]
    cents, point = (each.entries.get(account__role="member").account for each in transfers)
    with pytest.raises(IntegrityError, match="sum to zero"):
        _forge(transfers[0], (cents, 5), (point, -5))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("again", [1, 2])
def test_guards_stand_again_after_a_flush(purse: Purse, again: int) -> None:
    """Each of the two runs begins with an emptied database, and is guarded."""
    assert Transfer.objects.count() == 0
    purse.earn(100)
    with pytest.raises(IntegrityError, match="append-only"):
        Transfer.objects.all()._raw_delete("loyalty")
