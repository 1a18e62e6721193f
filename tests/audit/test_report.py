"""What the command says: exit codes, the report for machines, the page."""

import json
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import chaland.audit as audit
from chaland.audit import checks
from chaland.audit.bench import Bench
from chaland.audit.checks import Check
from chaland.audit.report import FORMAT, Outcome
from chaland.audit.town import Box, BrokenFinal, CouldNotRunFinal, Town

FOUND = 'an <hour> with "3" visits'


def passes(_: Bench) -> Outcome:
    outcome = Outcome()
    outcome.measure("canaries & others", 520, ">= 500")
    return outcome


def fails(_: Bench) -> Outcome:
    return Outcome(findings=[FOUND])


def lacks_root(_: Bench) -> Outcome:
    raise CouldNotRunFinal("needs root")


def breaks(_: Bench) -> Outcome:
    raise BrokenFinal("the sensor did not start")


def surprises(_: Bench) -> Outcome:
    raise ValueError("odd")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Run the command with such checks, the first one in a process of its own."""

    def invoke(*judges: Callable[[Bench], Outcome], options: tuple[str, ...] = ()) -> Result:
        made = {f"F{n}": Check(f"F{n}", "A <title>", "done", j) for n, j in enumerate(judges, 1)}
        made["F13"] = Check("F13", "Later", "later", None)
        for module in (audit, checks):
            monkeypatch.setattr(module, "CHECKS", made)
        monkeypatch.setattr(audit, "APART", "F1")
        monkeypatch.setattr(audit.attacks, "run", lambda _quick: [])
        files = ("--json", str(tmp_path / "report.json"), "--html", str(tmp_path / "report.html"))
        return CliRunner().invoke(audit.audit, [*files, *options])

    return invoke


@pytest.mark.parametrize(
    ("judges", "code", "result"),
    [
        ([passes, passes], 0, "passed"),
        ([passes, fails], 1, "failed"),
        ([fails, passes], 1, "failed"),
        ([passes, lacks_root], 2, "incomplete"),
        ([lacks_root, fails], 1, "failed"),
        ([passes, breaks], 1, "failed"),
        ([surprises, passes], 1, "failed"),
    ],
)
def test_exit_code_and_result(
    run: Callable[..., Result],
    tmp_path: Path,
    judges: list[Callable[[Bench], Outcome]],
    code: int,
    result: str,
) -> None:
    done = run(*judges)
    assert done.exit_code == code, done.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["format"], report["result"]) == (FORMAT, result)
    assert [check["id"] for check in report["checks"]] == ["F1", "F2", "F13"]
    assert report["checks"][2]["result"] == "later"


def test_a_finding_is_told_everywhere(run: Callable[..., Result], tmp_path: Path) -> None:
    done = run(passes, fails)
    assert FOUND in done.output
    assert "A check FAILED." in done.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["checks"][1]["findings"] == [FOUND]
    page = (tmp_path / "report.html").read_text()
    assert "an &lt;hour&gt; with &quot;3&quot; visits" in page
    assert "<hour>" not in page


def test_the_page_needs_nothing_else(run: Callable[..., Result], tmp_path: Path) -> None:
    run(passes, passes)
    page = (tmp_path / "report.html").read_text()
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(page)
    assert not {"script", "link", "img", "iframe"} & set(tags)
    assert "canaries &amp; others" in page
    assert "Every check passed." in page


def test_quick_or_partial_is_no_pass(run: Callable[..., Result], tmp_path: Path) -> None:
    for options in (("--quick",), ("--only", "f2")):
        assert run(passes, passes, options=options).exit_code == 0
        report = json.loads((tmp_path / "report.json").read_text())
        assert report["result"] == "incomplete"
    assert report["checks"][0]["result"] == "not-asked"


def test_an_unknown_check_is_refused(run: Callable[..., Result]) -> None:
    done = run(passes, options=("--only", "F99"))
    assert done.exit_code == 2
    assert "F99: no such check" in done.output


SLOW = "Error: the hub can't be reached at http://x (ReadTimeout: timed out): check the address"


@pytest.mark.parametrize(
    ("answers", "raised"),
    [
        ([SLOW, ""], None),
        ([SLOW] * 2, CouldNotRunFinal),
        ([SLOW, "Error: this code was used"], BrokenFinal),
        (["Error: the hub can't be reached at http://x (ConnectError: refused)"], BrokenFinal),
    ],
)
def test_a_hub_that_is_too_slow_here_breaks_no_promise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answers: list[str], raised: type | None
) -> None:
    left = list(answers)

    def run(*_arguments: object, **_how: object) -> subprocess.CompletedProcess[str]:
        why = left.pop(0)
        return subprocess.CompletedProcess([], 1 if why else 0, "", why)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(Box, "__init__", lambda *_: None)
    monkeypatch.setattr(Box, "command", lambda *_: [])
    monkeypatch.setattr(Box, "environment", {}, raising=False)
    monkeypatch.setattr(Box, "folder", tmp_path, raising=False)
    monkeypatch.setattr(Town, "script", lambda *_: "code")
    town = object.__new__(Town)
    if raised is None:
        assert isinstance(town.enrol(), Box)
    else:
        with pytest.raises(raised):
            town.enrol()
    assert left == []
