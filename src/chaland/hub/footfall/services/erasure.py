"""Deleted is gone: what was deleted of sketches and keys leaves the database's files, too.

SQLite: ``secure_delete`` (settings) zeroes deleted rows in the file, but the journal beside it
(write-ahead log) keeps their pages until it is emptied. PostgreSQL: both tables are UNLOGGED, so no
journal holds them; an emptied table's file is cut off by VACUUM. What a disk or a file system keeps
of blocks that it was told to free is beyond a program: docs/explanation/privacy-account.md.
"""

import logging
from datetime import datetime

from django.db import OperationalError, connections

from chaland.hub.footfall.models import SealedCopy, Sketch

_DATABASE = "footfall"
_WAITS_MS = 1_000
"""For readers to end; then it is tried again in a minute. Writers wait as long, and no longer."""
_log = logging.getLogger(__name__)


def erase(_now: datetime) -> int:
    """Take deleted rows out of the files; returns 0, there is nothing to tell. Does not raise.

    Each minute, whether or not something was deleted, so that nothing has to be remembered.
    """
    connection = connections[_DATABASE]
    if not connection.in_atomic_block:
        done = _truncate() if connection.vendor == "sqlite" else _vacuum()
        if not done:
            _log.warning("deleted rows are still in a file: it is in use; tried again in a minute")
    return 0


def _truncate() -> bool:
    """Empty SQLite's journal; tells whether it could."""
    with connections[_DATABASE].cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (usual_ms,) = cursor.fetchone()
        cursor.execute(f"PRAGMA busy_timeout={_WAITS_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy, _, _ = cursor.fetchone()
        except OperationalError:
            return False
        finally:
            cursor.execute(f"PRAGMA busy_timeout={usual_ms}")
    return not busy


def _vacuum() -> bool:
    """Cut off the files of tables that were emptied; tells whether it could."""
    done = True
    with connections[_DATABASE].cursor() as cursor:
        for model in (Sketch, SealedCopy):
            table = connections[_DATABASE].ops.quote_name(model._meta.db_table)
            if _bytes(table) and not model.objects.exists():
                cursor.execute(f"VACUUM {table}")
                done = done and not _bytes(table)
    return done


def _bytes(table: str) -> int:
    """Return the bytes of a table and of what it keeps apart (TOAST), without their maps."""
    with connections[_DATABASE].cursor() as cursor:
        cursor.execute(
            "SELECT pg_relation_size(oid) + CASE reltoastrelid WHEN 0 THEN 0"
            " ELSE pg_relation_size(reltoastrelid) END FROM pg_class WHERE oid = %s::regclass",
            [table],
        )
        return int(cursor.fetchone()[0])
