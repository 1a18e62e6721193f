"""The documents name what exists: each command, reason, state, setting, dependency, invariant."""

import json
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from chaland.cli import COMMANDS, main
from chaland.hub.footfall.services.drops import Drop as IntakeDrop
from chaland.sensor.drops import Drop
from chaland.wire.answers import Code
from chaland.wire.summary import COUNT_ROWS, State

ROOT = Path(__file__).parents[2]
REFERENCE = "\n".join(p.read_text() for p in sorted((ROOT / "docs" / "reference").glob("*.md")))
ALL_DOCS = {p: p.read_text() for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]}


def commands(group: click.Group, names: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*names, name))
        else:
            yield " ".join((*names, name)), command


EVERY_COMMAND = dict(commands(main, ("chaland",)))


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_each_command_and_option_is_in_the_reference(name: str) -> None:
    assert f"`{name}" in REFERENCE
    options = [o for p in EVERY_COMMAND[name].params for o in p.opts if o.startswith("--")]
    missing = [option for option in options if not re.search(rf"`[^`\n]*{option}\b", REFERENCE)]
    assert not missing


@pytest.mark.parametrize("word", [*Drop, *State, *Code, *COUNT_ROWS, *IntakeDrop])
def test_each_reason_state_and_count_is_in_the_reference(word: str) -> None:
    assert f"`{word}`" in REFERENCE


def settings_read() -> set[str]:
    source = "\n".join(p.read_text() for p in (ROOT / "src").rglob("*.py"))
    return set(re.findall(r"\"(CHALAND_[A-Z_]+)\"", source))


@pytest.mark.parametrize("name", sorted(settings_read()))
def test_each_setting_is_in_the_reference(name: str) -> None:
    assert f"`{name}`" in REFERENCE


def locked_packages() -> set[str]:
    lock = (ROOT / "requirements" / "dev.txt").read_text()
    npm = json.loads((ROOT / "assets" / "package.json").read_text())
    return set(re.findall(r"(?m)^([\w.-]+)==", lock)) | {
        *npm["dependencies"],
        *npm["devDependencies"],
    }


def test_each_dependency_is_listed_with_its_licence() -> None:
    text = (ROOT / "docs" / "reference" / "dependencies.md").read_text()
    listed = dict(re.findall(r"(?m)^\| (\S+) \| ([^|]+) \|", text))
    assert not locked_packages() - listed.keys()
    assert all(licence.strip() for licence in listed.values())


def test_runtime_dependencies_are_importable_under_their_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for target in COMMANDS.values():
        module, _, attribute = target.partition(":")
        assert hasattr(import_module(module), attribute)
    assert set(project["optional-dependencies"]) == {"sensor", "hub", "demo"}


@pytest.mark.parametrize("path", ALL_DOCS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", ALL_DOCS[path])
    assert not [target for target in targets if not (path.parent / target).exists()]


def test_each_invariant_names_a_test_that_exists() -> None:
    section = (ROOT / "ARCHITECTURE.md").read_text().split("## Invariants")[1].split("\n## ")[0]
    named = re.findall(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`", section)
    assert named
    for file, test in named:
        assert (ROOT / file).is_file(), file
        assert not test or f"def {test}(" in (ROOT / file).read_text(), f"{file}::{test}"
    rows = [line for line in section.splitlines() if line.startswith("| ") and "---" not in line][
        1:
    ]
    assert all("`tests/" in row for row in rows)
