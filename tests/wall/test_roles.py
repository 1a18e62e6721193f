"""On real PostgreSQL: each plane's role is refused on the databases of the others.

Roles and databases are made by the file that an administrator uses, under names of their own.
"""

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path

import psycopg
import pytest

from tests.wall.planes import ask, environment, hub

PLANES = ("association", "footfall", "loyalty")
NAME = f"wall{os.getpid()}"
SQL = Path(__file__).parents[2] / "ops" / "postgresql" / "planes.sql"


class Server:
    """The machine's PostgreSQL, with roles and databases of a hub of its own."""

    def __init__(self, port: str) -> None:
        self.port = port
        self.passwords = {plane: secrets.token_hex(8) for plane in PLANES}

    def psql(self, text: str, *options: str) -> None:
        """Run SQL as the superuser."""
        command = ["psql", "--port", self.port, "--no-psqlrc", "-v", "ON_ERROR_STOP=1", *options]
        done = subprocess.run(
            ["su", "postgres", "-c", " ".join(command)], input=text, cwd="/",
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def address(self, role: str, database: str) -> str:
        password = self.passwords[role]
        return f"postgres://{NAME}_{role}:{password}@127.0.0.1:{self.port}/{NAME}_{database}"

    def credentials(self, plane: str) -> dict[str, str]:
        """What a process of one plane is given: the addresses of its own two databases."""
        return {
            f"CHALAND_{own.upper()}_DATABASE_URL": self.address(own, own)
            for own in ("association", plane)
        }


def faults(text: str) -> str:
    """Return what was said of our databases: a machine may have other hubs', which others left."""
    return "\n".join(re.findall(rf"may connect to {NAME}.*|member of.*|superuser.*", text))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if os.geteuid() != 0 or shutil.which("pg_lsclusters") is None:
        pytest.skip("needs root, and PostgreSQL as Debian packages it")
    listed = subprocess.check_output(["pg_lsclusters", "--no-header"], text=True).split()
    if listed[3:4] != ["online"]:
        pytest.skip("PostgreSQL does not run: pg_ctlcluster … start")
    server = Server(listed[2])
    given = [f"-v {key}={value}" for key, value in {"name": NAME, **server.passwords}.items()]
    for _ in range(2):  # it may be run again
        server.psql(SQL.read_text(), *given)
    yield server
    for plane in PLANES:
        server.psql(f"DROP DATABASE {NAME}_{plane} WITH (FORCE)")
        server.psql(f"DROP ROLE {NAME}_{plane}")


@pytest.fixture(scope="module")
def hubs(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The environments of a process for each plane, which prepared their databases at once."""
    hubs = {
        plane: environment(tmp_path_factory.mktemp(plane), plane, **server.credentials(plane))
        for plane in ("footfall", "loyalty")
    }
    with ThreadPoolExecutor(2) as both:
        for done in both.map(lambda env: hub("migrate", env=env), hubs.values()):
            assert done.returncode == 0, done.stderr
            assert "stands PostgreSQL" in done.stdout
            assert NAME not in faults(done.stderr)
    return hubs


@pytest.mark.parametrize(("role", "database"), list(permutations(PLANES, 2)))
def test_a_role_is_refused_on_the_others_databases(
    server: Server, role: str, database: str
) -> None:
    with psycopg.connect(server.address(role, role)) as own:
        assert own.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(server.address(role, database))


@pytest.mark.parametrize("plane", ["footfall", "loyalty"])
def test_a_process_holds_no_credentials_of_the_other_plane(
    hubs: dict[str, dict[str, str]], server: Server, plane: str
) -> None:
    other = "loyalty" if plane == "footfall" else "footfall"
    said = ask(hubs[plane], other, ["/healthz"])
    assert (said["databases"], said["answers"]) == (["default", plane], {"/healthz": 200})
    assert not said["imported"]
    assert server.passwords[other] not in str(hubs[plane])
    with psycopg.connect(server.address(plane, plane)) as own:
        tables = {row[0] for row in own.execute("SELECT tablename FROM pg_tables")}
    assert any(table.startswith(f"{plane}_") for table in tables)
    assert not [table for table in tables if table.startswith((f"{other}_", "association_"))]


def test_a_role_that_may_too_much_is_named(hubs: dict[str, dict[str, str]], server: Server) -> None:
    assert NAME not in faults(hub("wall", env=hubs["footfall"]).stderr)
    planted = {
        f"GRANT CONNECT ON DATABASE {NAME}_loyalty TO {NAME}_footfall": (
            f"REVOKE CONNECT ON DATABASE {NAME}_loyalty FROM {NAME}_footfall",
            f"may connect to {NAME}_loyalty",
        ),
        f"GRANT {NAME}_loyalty TO {NAME}_footfall": (
            f"REVOKE {NAME}_loyalty FROM {NAME}_footfall",
            f"is a member of {NAME}_loyalty",
        ),
        f"ALTER ROLE {NAME}_footfall SUPERUSER": (
            f"ALTER ROLE {NAME}_footfall NOSUPERUSER",
            "is a superuser",
        ),
    }
    for plant, (undo, said) in planted.items():
        server.psql(plant)
        try:
            found = hub("wall", env=hubs["footfall"])
        finally:
            server.psql(undo)
        assert found.returncode == 1, plant
        assert said in found.stderr, plant
