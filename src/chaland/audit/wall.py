"""F13: the planes are apart, and receipts with their times do not undo what noise protects.

Of the shipped software: databases, models, source, and a process of each plane. Where the
environment names databases of PostgreSQL, each role tries to read the others'. Last, the join of
till times with footfall's releases (``till_join``).
"""

import ast
import re
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import environ

import chaland.hub
from chaland.audit import till_join, ways_out
from chaland.audit.bench import Bench
from chaland.audit.report import Outcome

Json = dict[str, Any]

HOLDS = {"default": "association", "footfall": "footfall", "loyalty": "loyalty"}
"""Which plane each database holds; the association's also holds what the site itself keeps."""
OTHER = {"footfall": "loyalty", "loyalty": "footfall"}
OF_PERSONS = re.compile(
    r"member|customer|person_id|receipt|voucher|card|consent|phone|email|birth|first_name|last_name"
)
OF_PHONES = re.compile(
    r"(^|_)mac(_|$)|bssid|ssid|rssi|probe|fingerprint|sketch|sensor|followable|passers?_by|occupancy"
)
PUBLISHED = re.compile(r"chaland\.hub\.(footfall|loyalty)\.figures(\.|$)")
"""What `insight`, which sets both planes' figures beside each other, may name of them."""
ROLES = ("association", "footfall", "loyalty")


def judge(bench: Bench) -> Outcome:
    """Look at the wall from both sides, then try to see over it."""
    outcome = Outcome()
    town = bench.town
    judge_databases(outcome, town.inside("holdings", "apart"))
    judge_relations(outcome, town.inside("relations", "apart")["relations"])
    for plane, other in OTHER.items():
        found = town.inside("process", "apart", planes=plane, plane=plane, other=other)
        judge_process(outcome, plane, other, found)
    judge_source(outcome, Path(chaland.hub.__path__[0]))
    ways_out.judge(outcome, Path(chaland.hub.__path__[0]))
    judge_roles(outcome)
    till_join.judge(outcome, bench.runs(till_join.RUNS), bench.runs(till_join.PAIRS))
    return outcome


def judge_databases(outcome: Outcome, held: Json) -> None:
    """Three places; in each one plane's tables, whose keys stay there, and no word of the other."""
    outcome.require(set(held) == set(HOLDS), f"the databases are {sorted(held)}")
    places = [each["place"] for each in held.values()]
    outcome.measure("databases, each in a place of its own", len(set(places)), 3)
    outcome.require(len(set(places)) == len(places), f"planes share a database: {places}")
    for alias, each in held.items():
        plane, tables = HOLDS[alias], each["tables"]
        others = tuple(f"{other}_" for other in HOLDS.values() if other != plane)
        for table, about in tables.items():
            outcome.require(
                not table.startswith(others), f"the database of {plane} holds the table {table}"
            )
            for column, target in about["keys"].items():
                outcome.require(
                    target in tables, f"{table}.{column} is a foreign key across, to {target}"
                )
        if plane in OTHER:
            _words(outcome, plane, tables)


def _words(outcome: Outcome, plane: str, tables: Json) -> None:
    """No column of a plane is of what the other one is about."""
    foreign = OF_PERSONS if plane == "footfall" else OF_PHONES
    for table, about in tables.items():
        for column in about["columns"]:
            outcome.require(
                not foreign.search(column.removesuffix("_hash")),
                f"the {plane} plane has a column of the other one's: {table}.{column}",
            )


def judge_relations(outcome: Outcome, relations: list[list[str]]) -> None:
    """No relation of a model leads out of its plane."""
    crossing = [
        f"{field} ({here} to {there})"
        for here, field, there in relations
        if here != there and {here, there} & OTHER.keys()
    ]
    outcome.measure("relations of models walked", len(relations), "> 100")
    outcome.require(not crossing, f"relations cross between planes: {crossing[:3]}")
    outcome.require(len(relations) > 100, "the models were not found")


def judge_process(outcome: Outcome, plane: str, other: str, found: Json) -> None:
    """A process that serves one plane has loaded, opened and answers nothing of the other."""
    what = f"a process of the {plane} plane"
    outcome.require(not found["modules"], f"{what} loads {found['modules'][:3]}")
    outcome.require(other not in found["apps"], f"{what} knows the other's models")
    outcome.require(other not in found["databases"], f"{what} has the address of the other's data")
    outcome.require(
        not [name for name in found["open"] if name.startswith(other)],
        f"{what} has opened the other's database",
    )
    outcome.require(not found["routes"], f"{what} answers at {found['routes'][:3]}")
    there = [path for path, status in found["answers"].items() if status != 404]
    outcome.require(not there, f"{what} answers the other's {there[:3]}")
    if other == "loyalty":
        outcome.require(not found["keys"], f"{what} holds {found['keys']}")
    outcome.measure(f"{what}: modules of the other", len(found["modules"]), 0)


def judge_source(outcome: Outcome, hub: Path) -> None:
    """No module or template of one plane names the other one: by import, by string, by library;
    and what stands above both names their figures alone."""
    read = 0
    for plane, other in OTHER.items():
        for path in sorted((hub / plane).rglob("*.py")):
            read += 1
            names = sorted(set(_named(path, hub, other)))
            outcome.require(not names, f"{path.relative_to(hub)} names {names[:2]}")
        for path in sorted((hub / plane).rglob("*.html")):
            loads = re.findall(r"\{%-?\s*(?:load|include|extends)\s+[^%]*", path.read_text())
            outcome.require(
                not any(re.search(rf"\b{other}\b", load) for load in loads),
                f"{path.relative_to(hub)} loads what is the {other} plane's",
            )
    for path in sorted((hub / "insight").rglob("*.py")):
        named = {name for plane in OTHER for name in _named(path, hub, plane)}
        inside = sorted(name for name in named if not PUBLISHED.match(name))
        outcome.require(not inside, f"{path.relative_to(hub)} names {inside[:2]}")
    outcome.measure("modules of both planes read", read, "> 100")
    outcome.require(read > 100, "the planes' source was not found")


def _named(path: Path, hub: Path, other: str) -> Iterator[str]:
    """Yield each name of the other plane in a module's code; words in its texts are none."""
    package = path.relative_to(hub.parents[1]).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if _is_of(each.name, other))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            names = (".".join((*base, node.module or "", a.name)) for a in node.names)
            yield from (name for name in names if _is_of(name.replace("..", "."), other))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            word = node.value.strip()
            if re.fullmatch(rf"(chaland\.hub\.)?{other}([._][\w.]*)?", word):
                yield word


def _is_of(module: str, plane: str) -> bool:
    return f"{module}.".startswith(f"chaland.hub.{plane}.")


# Roles of PostgreSQL ----------------------------------------------------------------------------


def judge_roles(outcome: Outcome) -> None:
    """Each role that the environment names must be refused on the databases of the others."""
    read = environ.FileAwareEnv()
    given = {plane: read(f"CHALAND_{plane.upper()}_DATABASE_URL", default="") for plane in ROLES}
    urls = {plane: url for plane, url in given.items() if url.startswith("postgres")}
    if len(urls) < len(ROLES):
        outcome.measure(
            "roles of PostgreSQL", "not tried: the environment names none, and then the wall rests "
            "on the contracts"
        )  # fmt: skip
        return
    refused = 0
    for role, database in permutations(urls, 2):
        said = _try(urls[role], urls[database])
        refused += said == ""
        outcome.require(said == "", f"the role of {role} {said} {database}'s database")
    outcome.measure("roles refused on another database", refused, len(ROLES) * (len(ROLES) - 1))


def _try(role: str, database: str) -> str:
    """Connect with one plane's role to another's database; return what that allowed, "" nothing."""
    import psycopg  # noqa: PLC0415 (only a hub on PostgreSQL needs it)

    own, others = urlsplit(role), urlsplit(database)
    login = own.netloc.rpartition("@")[0]
    place = others.netloc.rpartition("@")[2]
    scheme = "postgresql"
    address = urlunsplit((scheme, f"{login}@{place}", others.path, others.query, ""))
    psycopg.connect(urlunsplit(own._replace(scheme=scheme)), connect_timeout=10).close()
    try:
        with psycopg.connect(address, connect_timeout=10) as connection:
            tables = connection.execute(
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
                " AND has_table_privilege(schemaname || '.' || quote_ident(tablename), 'SELECT')"
            ).fetchone()
    except psycopg.OperationalError as error:
        return "" if "permission denied" in str(error) else f"({error}) was not refused on"
    return f"may read {tables[0] if tables else 0} tables of"
