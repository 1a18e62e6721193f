"""What keeps the planes apart where this process runs: roles of PostgreSQL, or contracts only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
from django.conf import settings
from django.db import DatabaseError, connections

_LOCK = int.from_bytes(b"chaland")
_NOBODYS = {"postgres", "template0", "template1"}
"""Databases that come with the server, and in which nothing of ours lies."""


class Standing(NamedTuple):
    """What the wall rests on, in a sentence, and what is wrong with it."""

    rests_on: str
    faults: list[str]


def standing() -> Standing:
    """Ask each database what else its role might read."""
    planes = " and ".join(settings.PLANES)
    vendors = {connections[alias].vendor for alias in connections}
    if vendors != {"postgresql"}:
        return Standing(
            f"This process opens the files of association, {planes}: between them stand the import "
            "contracts alone. With PostgreSQL a role for each stands there, too.",
            [],
        )
    faults: list[str] = []
    roles: dict[str, str] = {}
    for alias in connections:
        try:
            role, found = _role(alias)
        except DatabaseError as error:
            faults.append(f"{alias}: could not be asked: {error}")
            continue
        faults += found
        if role in roles:
            faults.append(
                f"{alias}: has the role of {roles[role]}, {role}. Give it one of its own."
            )
        roles[role] = alias
    held = "a role for each" if not faults else "roles with the faults below"
    sentence = f"Between association, {planes} stands PostgreSQL: {held}."
    if len(settings.PLANES) > 1:
        sentence += " This process serves both planes, and so holds the roles of both."
    return Standing(sentence, faults)


def _role(alias: str) -> tuple[str, list[str]]:
    """Return the role of a database, and what it may do that it must not."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        role, is_super = cursor.fetchone()
        cursor.execute(
            "SELECT datname FROM pg_database WHERE datallowconn AND datname <> current_database()"
            " AND has_database_privilege(datname, 'CONNECT') ORDER BY datname"
        )
        names = [name for (name,) in cursor.fetchall() if name not in _NOBODYS]
        cursor.execute(
            "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole", [role]
        )
        groups = [name for (name,) in cursor.fetchall()]
    open_to_it = [name for name in names if _holds_a_plane(alias, name)]
    faults = [
        f"{alias}: {role} may connect to {name}: REVOKE CONNECT ON DATABASE {name} FROM PUBLIC."
        for name in open_to_it
    ]
    faults += [f"{alias}: {role} is a member of {group}: REVOKE {group}." for group in groups]
    if is_super:
        faults = [f"{alias}: {role} is a superuser, whom no database refuses."]
    return str(role), faults


def _holds_a_plane(alias: str, name: str) -> bool:
    """Say whether a database that the role may open has tables of a hub; others' are theirs."""
    parameters = connections[alias].get_connection_params() | {"dbname": name}
    try:
        with psycopg.connect(**parameters) as other:
            asked = "SELECT 1 FROM pg_class WHERE relkind = 'r' AND relname ~ %s LIMIT 1"
            return (
                other.execute(asked, [r"^(association|footfall|loyalty)_"]).fetchone() is not None
            )
    except psycopg.Error:
        return False  # something else refused it


@contextmanager
def alone(alias: str) -> Iterator[None]:
    """Hold the database against another process that would prepare it at the same time."""
    connection = connections[alias]
    if connection.vendor != "postgresql":
        yield  # SQLite locks the file for each migration
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
