"""Many small rows at once, past the ORM, where its cost a row would be most of a batch's."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections, models


def insert(model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of plain values (numbers, text, booleans, None), in the order of ``fields``.

    No keys come back, no signals are sent. Database errors pass through.
    """
    connection = connections["loyalty"]
    quote = connection.ops.quote_name
    named: dict[str, Any] = {field.name: field for field in model._meta.concrete_fields}
    columns = [quote(named[name].column) for name in fields]
    into = f"{quote(model._meta.db_table)} ({', '.join(columns)})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {into} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(columns))
            sql = f"INSERT INTO {into} VALUES ({places})"  # noqa: S608  # our own tables' names
            cursor.executemany(sql, list(rows))


def update(model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Set ``fields`` of rows by their ``id``: each row is the values, then the id."""
    connection = connections["loyalty"]
    quote = connection.ops.quote_name
    named: dict[str, Any] = {field.name: field for field in model._meta.concrete_fields}
    setting = ", ".join(f"{quote(named[name].column)} = %s" for name in fields)
    sql = f"UPDATE {quote(model._meta.db_table)} SET {setting} WHERE id = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(sql, list(rows))
