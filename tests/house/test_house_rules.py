"""House rules as tests: file sizes, no machine's paths or package indexes, no foreign code."""

import ast
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES_AT_MOST = 400


def tracked_files() -> list[Path]:
    """Files that git tracks, or would (so that the rules hold before a commit, too)."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listing if (ROOT / name).is_file()]


TRACKED = tracked_files()
SOURCES = [p for p in TRACKED if p.suffix == ".py" and "migrations" not in p.parts]


def test_no_module_is_too_long_to_read() -> None:
    long = {
        p.relative_to(ROOT): n
        for p in SOURCES
        if (n := len(p.read_text().splitlines())) > LINES_AT_MOST
    }
    assert not long


def test_no_vague_module_names() -> None:
    vague = {"utils", "util", "helpers", "helper", "base", "lib", "manager", "misc", "common_utils"}
    assert not [p for p in SOURCES if p.stem in vague or vague & set(p.parent.parts[-2:])]


def tracked_texts() -> Iterator[tuple[Path, str]]:
    for path in TRACKED:
        with suppress(UnicodeDecodeError):  # a picture
            yield path, path.read_text(encoding="utf-8")


def test_no_path_of_the_builders_machine() -> None:
    own = {str(place) for place in (ROOT, Path.home()) if len(place.parts) > 1}
    pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, own))})(?![\w-])")
    assert not [path.relative_to(ROOT) for path, text in tracked_texts() if pattern.search(text)]


def test_no_address_of_a_package_index() -> None:
    option = re.compile(r"--(?:(?:extra-)?index-url|find-links)")
    assert not [path.relative_to(ROOT) for path, text in tracked_texts() if option.search(text)]
    locks = [*ROOT.glob("requirements/*.txt"), ROOT / "assets" / "package-lock.json"]
    assert not [path for path in locks if re.search('"resolved"|://', path.read_text())]


def test_no_third_party_front_end_code() -> None:
    assert not [p for p in TRACKED if p.name.endswith((".min.js", ".min.css", ".map", ".wasm"))]


def test_no_bare_except() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert not bare
