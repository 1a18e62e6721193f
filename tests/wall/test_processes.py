"""A process that serves one plane has no page, table, file or key of the other."""

from pathlib import Path

import pytest

from tests.wall.planes import ask, environment, hub

PAGES = {
    "footfall": ["/flows/", "/privacy/", "/sensors/", "/api/v1/summaries"],
    "loyalty": ["/loyalty/", "/connections/", "/api/v1/loyalty/receipts"],
}
OTHER = {"footfall": "loyalty", "loyalty": "footfall"}


@pytest.mark.parametrize("plane", PAGES)
def test_a_process_has_nothing_of_the_other_plane(plane: str, tmp_path: Path) -> None:
    env, other = environment(tmp_path, plane), OTHER[plane]
    migrated = hub("migrate", env=env)
    assert migrated.returncode == 0, migrated.stderr
    assert "import contracts alone" in migrated.stdout, "on SQLite it says what the wall rests on"
    said = ask(env, other, [*PAGES[plane], *PAGES[other], "/healthz"])
    assert plane in said["apps"]
    assert other not in said["apps"]
    assert said["databases"] == ["default", plane]
    assert said["keys"] == (["CONTACT_KEYS", "INDEX_KEYS"] if plane == "loyalty" else [])
    assert not said["imported"], "its models can't be loaded"
    assert said["answers"]["/healthz"] == 200
    assert {said["answers"][path] for path in PAGES[other]} == {404}
    assert {said["answers"][path] for path in PAGES[plane]} != {404}
    assert not list(tmp_path.glob(f"{other}.sqlite3*"))
    assert (tmp_path / "contact_key").exists() == (plane == "loyalty")


def test_a_command_of_the_other_plane_says_so(tmp_path: Path) -> None:
    env = environment(tmp_path, "loyalty")
    assert hub("migrate", env=env).returncode == 0
    assert hub("worker", "--once", env=env).returncode == 0
    refused = hub("rebuild", env=env)
    assert refused.returncode == 1
    assert "this process does not serve footfall" in refused.stderr


@pytest.mark.parametrize("planes", ["", "footfal", "footfall,footfall", "association"])
def test_a_wrong_list_of_planes_is_refused(planes: str, tmp_path: Path) -> None:
    refused = hub("manage", "check", env=environment(tmp_path, planes))
    assert refused.returncode == 1
    assert "CHALAND_PLANES: name footfall, loyalty, or both" in refused.stderr
