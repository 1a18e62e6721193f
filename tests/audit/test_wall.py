"""F13: what stands between the planes, and faults planted into it, each told in its own words."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import chaland.hub
from chaland.audit import apart, till_join, wall
from chaland.audit.report import Outcome
from chaland.sensor.presence import cells
from chaland.sensor.privacy import sketch
from tests.wall.test_roles import NAME, Server, server  # noqa: F401 (a fixture)

PAIRS = 40
HUB = Path(chaland.hub.__path__[0])
FOOTFALL = {
    "footfall_cell": {"columns": ["id", "shop_id"], "keys": {"sensor_id": "footfall_sensor"}},
    "footfall_sensor": {"columns": ["id", "shop_id"], "keys": {}},
}
LOYALTY = {"loyalty_member": {"columns": ["id", "association_id"], "keys": {}}}


def held(**tables: Any) -> dict[str, Any]:
    found = {"default": {}, "footfall": dict(FOOTFALL), "loyalty": dict(LOYALTY)} | tables
    return {alias: {"place": f":{alias}", "tables": each} for alias, each in found.items()}


def found(step: Callable[[Outcome], object]) -> str:
    outcome = Outcome()
    step(outcome)
    return "\n".join(outcome.findings)


def column(table: dict[str, Any], name: str, target: str | None = None) -> dict[str, Any]:
    (name_of_table, about), *rest = table.items()
    keys = about["keys"] | ({name: target} if target else {})
    return {name_of_table: {"columns": [*about["columns"], name], "keys": keys}, **dict(rest)}


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({}, ""),
        (
            {"footfall": column(FOOTFALL, "member_id")},
            "the footfall plane has a column of the other one's: footfall_cell.member_id",
        ),
        (
            {"loyalty": column(LOYALTY, "sensor_id")},
            "the loyalty plane has a column of the other one's: loyalty_member.sensor_id",
        ),
        (
            {"loyalty": column(LOYALTY, "shop_id", "association_shop")},
            "loyalty_member.shop_id is a foreign key across, to association_shop",
        ),
        (
            {"footfall": FOOTFALL | {"loyalty_receipt": {"columns": [], "keys": {}}}},
            "the database of footfall holds the table loyalty_receipt",
        ),
    ],
)
def test_databases(tables: dict[str, Any], said: str) -> None:
    assert found(lambda outcome: wall.judge_databases(outcome, held(**tables))) == said


def test_planes_in_one_database() -> None:
    same = {alias: each | {"place": ":one.sqlite3"} for alias, each in held().items()}
    assert "share a database" in found(lambda outcome: wall.judge_databases(outcome, same))


@pytest.mark.django_db
def test_the_products_own_databases_and_models_pass() -> None:
    outcome = Outcome()
    wall.judge_relations(outcome, apart.relations()["relations"])
    databases = apart.holdings()
    for number, each in enumerate(databases.values()):
        each["place"] = str(number)  # in these tests they lie in memory
    wall.judge_databases(outcome, databases)
    wall.judge_source(outcome, HUB)
    assert outcome.findings == []


def test_a_relation_across() -> None:
    crossing = [["loyalty", "Receipt.shop", "association"]] * 101
    said = found(lambda outcome: wall.judge_relations(outcome, crossing))
    assert "relations cross between planes: ['Receipt.shop (loyalty to association)'" in said


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("loyalty/figures/a.py", "from chaland.hub.footfall.models import Cell", "footfall.models"),
        ("loyalty/figures/a.py", "from chaland.hub import footfall", "chaland.hub.footfall"),
        ("loyalty/figures/a.py", "from ...footfall import models", "chaland.hub.footfall.models"),
        ("loyalty/figures/a.py", "load('chaland.hub.footfall.selectors')", "footfall.selectors"),
        ("loyalty/figures/a.py", "connections['footfall']", "names ['footfall']"),
        ("footfall/web/a.py", "TABLE = 'loyalty_receipt'", "names ['loyalty_receipt']"),
        ("loyalty/templates/a.html", "{% load footfall %}", "loads what is the footfall plane's"),
        ("loyalty/figures/a.py", "'''Nothing of footfall.'''", None),
        ("insight/a.py", "from chaland.hub.loyalty.models import Receipt", "loyalty.models"),
        ("insight/a.py", "from chaland.hub.footfall import cells", "footfall.cells"),
        ("insight/a.py", "from chaland.hub.loyalty.figures import sales", None),
    ],
)
def test_source_that_names_the_other_plane(
    tmp_path: Path, file: str, text: str, said: str | None
) -> None:
    place = tmp_path / "chaland" / "hub" / file
    place.parent.mkdir(parents=True)
    place.write_text(text)
    findings = found(lambda outcome: wall.judge_source(outcome, tmp_path / "chaland" / "hub"))
    own = findings.replace("the planes' source was not found", "").strip()
    assert (said in own) if said else own == ""


def test_a_process_that_has_something_of_the_other() -> None:
    clean = {"modules": [], "apps": ["loyalty"], "databases": ["default", "loyalty"], "keys": [],
             "open": ["loyalty.sqlite3"], "routes": [], "answers": {"/flows/": 404}}  # fmt: skip

    def said(**planted: Any) -> str:
        return found(
            lambda outcome: wall.judge_process(outcome, "loyalty", "footfall", clean | planted)
        )

    assert said() == ""
    assert "loads ['chaland.hub.footfall.cells']" in said(modules=["chaland.hub.footfall.cells"])
    assert "has opened the other's database" in said(open=["footfall.sqlite3-wal"])
    assert "has the address of the other's data" in said(databases=["footfall"])
    assert "answers the other's ['/flows/']" in said(answers={"/flows/": 302})
    assert "answers at ['flows/']" in said(routes=["flows/"])


# Roles -----------------------------------------------------------------------------------------


@pytest.fixture
def roles(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:  # noqa: F811
    for plane in wall.ROLES:
        monkeypatch.setenv(f"CHALAND_{plane.upper()}_DATABASE_URL", server.address(plane, plane))
    return server


def test_a_role_that_may_read_the_other_database(roles: Server) -> None:
    assert found(wall.judge_roles) == ""
    roles.psql(f"GRANT CONNECT ON DATABASE {NAME}_loyalty TO {NAME}_footfall")
    try:
        said = found(wall.judge_roles)
    finally:
        roles.psql(f"REVOKE CONNECT ON DATABASE {NAME}_loyalty FROM {NAME}_footfall")
    assert said == "the role of footfall may read 0 tables of loyalty's database"


# The join of till times ------------------------------------------------------------------------


@pytest.fixture
def anew() -> Iterator[None]:
    """The attacks are carried out once in a process; here each meets another fault."""
    till_join.presence.cache_clear()
    till_join.linking.cache_clear()
    yield
    till_join.presence.cache_clear()
    till_join.linking.cache_clear()


def join(outcome: Outcome) -> None:
    till_join.judge(outcome, runs=4_000, pairs=PAIRS)


@pytest.mark.usefixtures("anew")
def test_the_join_of_till_times_tells_what_epsilon_allows_and_no_more() -> None:
    """False alarms: each limit by Chernoff's bound, 1e-3 / 64; together under 1e-4."""
    assert found(join) == ""
    there = till_join.presence(4_000)
    assert 0.55 < there.success < there.allowed, "it tells something, as promised"
    assert there.fair < there.allowed
    assert till_join.linking(PAIRS).fair < 0.6, "two receipts are all but unlinkable"


@pytest.mark.usefixtures("anew")
def test_noise_of_half_the_scale_is_seen_by_the_join(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = cells.draw
    monkeypatch.setattr(cells, "draw", lambda scale, bits: draw(scale / 2, bits))
    assert "a member's phone at the receipt's time: told right in 0.7" in found(join)


@pytest.mark.usefixtures("anew")
def test_a_sketch_that_tells_the_truth_links_receipts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch, "respond", lambda true, *_: true)
    monkeypatch.setattr(sketch, "respond_many", lambda true, *_: true)
    outcome = Outcome()
    till_join.judge(outcome, runs=100, pairs=80)
    assert "two receipts of one phone: told right in" in outcome.findings[-1]
