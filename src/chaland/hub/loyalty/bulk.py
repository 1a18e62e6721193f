"""Many small rows at once, past the ORM, where its cost a row would be most of a batch's."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connections, models

_AT_ONCE = 500
"""Rows of one statement that gives keys back."""
_FEW = 20
"""So few rows are sent sooner as one INSERT than by COPY."""


def insert(model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of plain values (numbers, text, bytes, booleans, times, UUIDs, None), in the
    order of ``fields``. No keys come back, no signals are sent. Database errors pass through."""
    connection = connections["loyalty"]
    written = list(rows)
    if not written:
        return
    into = _into(model, fields)
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            places = _places(len(fields))
            sql = f"INSERT INTO {into} VALUES {places}"  # noqa: S608  # our own tables' names
            cursor.executemany(sql, [_for_sqlite(row) for row in written])
        elif len(written) <= _FEW:
            places = ", ".join([_places(len(fields))] * len(written))
            sql = f"INSERT INTO {into} VALUES {places}"  # noqa: S608  # our own tables' names
            cursor.execute(sql, [value for row in written for value in row])
        else:
            with cursor.copy(f"COPY {into} FROM STDIN") as copy:
                for row in written:
                    copy.write_row(row)


def insert_keyed(
    model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]
) -> list[int]:
    """Insert rows as `insert` does; return their keys, in the order of the rows."""
    return list(_returning(model, fields, list(rows), ""))


def insert_new(
    model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]
) -> list[int]:
    """Insert those rows that break no unique constraint; return the keys of what went in.

    Where another transaction is about to write the same, this waits for its end.
    """
    return list(_returning(model, fields, list(rows), "ON CONFLICT DO NOTHING "))


def _returning(
    model: type[models.Model], fields: Sequence[str], rows: Sequence[Sequence[Any]], clause: str
) -> Iterator[int]:
    connection = connections["loyalty"]
    into, places = _into(model, fields), _places(len(fields))
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        if connection.vendor != "postgresql":
            some = [_for_sqlite(row) for row in some]
        values = ", ".join([places] * len(some))
        sql = f"INSERT INTO {into} VALUES {values} {clause}RETURNING id"  # noqa: S608  # as above
        with connection.cursor() as cursor:
            cursor.execute(sql, [value for row in some for value in row])
            yield from [key for (key,) in cursor.fetchall()]


def update(model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Set ``fields`` of rows by their ``id``: each row is the values, then the id."""
    connection = connections["loyalty"]
    changed = list(rows)
    if not changed:
        return
    if connection.vendor != "postgresql":
        changed = [_for_sqlite(row) for row in changed]
    setting = ", ".join(f"{column} = %s" for column in _columns(model, fields))
    table = connection.ops.quote_name(model._meta.db_table)
    sql = f"UPDATE {table} SET {setting} WHERE id = %s"  # noqa: S608  # our own tables' names
    with connection.cursor() as cursor:
        cursor.executemany(sql, changed)


def _into(model: type[models.Model], fields: Sequence[str]) -> str:
    table = connections["loyalty"].ops.quote_name(model._meta.db_table)
    return f"{table} ({', '.join(_columns(model, fields))})"


def _places(count: int) -> str:
    return f"({', '.join(['%s'] * count)})"


def _columns(model: type[models.Model], fields: Sequence[str]) -> list[str]:
    named: dict[str, Any] = {field.name: field for field in model._meta.concrete_fields}
    quote = connections["loyalty"].ops.quote_name
    return [quote(named[name].column) for name in fields]


def _for_sqlite(row: Sequence[Any]) -> list[Any]:
    """Write UUIDs and times as Django does where the database has no types for them."""
    return [_TO_SQLITE[type(value)](value) if type(value) in _TO_SQLITE else value for value in row]


_TO_SQLITE: dict[type, Any] = {
    UUID: lambda value: value.hex,
    date: str,
    datetime: lambda value: connections["loyalty"].ops.adapt_datetimefield_value(value),  # noqa: PLW0108  # no connection yet
}
