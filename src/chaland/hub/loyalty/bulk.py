"""Many small rows at once, past the ORM, where its cost a row would be most of a batch's."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connections, models


def insert(model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of plain values (numbers, text, booleans, UUIDs, None), in the order of
    ``fields``. No keys come back, no signals are sent. Database errors pass through."""
    connection = connections["loyalty"]
    written = list(rows)
    if not written:
        return
    columns = ", ".join(_columns(model, fields))
    into = f"{connection.ops.quote_name(model._meta.db_table)} ({columns})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {into} FROM STDIN") as copy:
                for row in written:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(fields))
            sql = f"INSERT INTO {into} VALUES ({places})"  # noqa: S608  # our own tables' names
            cursor.executemany(sql, [_for_sqlite(row) for row in written])


def update(model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Set ``fields`` of rows by their ``id``: each row is the values, then the id."""
    connection = connections["loyalty"]
    changed = list(rows)
    if not changed:
        return
    setting = ", ".join(f"{column} = %s" for column in _columns(model, fields))
    table = connection.ops.quote_name(model._meta.db_table)
    sql = f"UPDATE {table} SET {setting} WHERE id = %s"  # noqa: S608  # our own tables' names
    with connection.cursor() as cursor:
        cursor.executemany(sql, changed)


def _columns(model: type[models.Model], fields: Sequence[str]) -> list[str]:
    named: dict[str, Any] = {field.name: field for field in model._meta.concrete_fields}
    quote = connections["loyalty"].ops.quote_name
    return [quote(named[name].column) for name in fields]


def _for_sqlite(row: Sequence[Any]) -> list[Any]:
    """Write UUIDs as Django does where the database has no type for them."""
    return [value.hex if isinstance(value, UUID) else value for value in row]
