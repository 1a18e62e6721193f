"""``chaland audit``: the attack bench. It runs the shipped software, to break its promise.

Each row of the privacy checklist is attacked on the real processes, as a sceptic would, not on
copies of the code; docs/explanation/audit.md says what each check does, and what it can't see.
"""

import os
import sys
import tempfile
import time
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import click

from chaland.audit import attacks
from chaland.audit.bench import Bench
from chaland.audit.checks import APART, CHECKS, Check, not_asked, run_apart, run_check
from chaland.audit.page import render
from chaland.audit.report import Attack, Checked, Report, Result
from chaland.wire.mechanism import annex_digest

_MARKS = {
    Result.PASSED: ("passed", "green"),
    Result.FAILED: ("FAILED", "red"),
    Result.COULD_NOT_RUN: ("could not run", "yellow"),
    Result.NOT_ASKED: ("not asked", "white"),
    Result.LATER: ("later", "white"),
}


def _chosen(_context: click.Context, _parameter: click.Parameter, value: str) -> set[str]:
    chosen = {word.strip().upper() for word in value.split(",") if word.strip()} or set(CHECKS)
    unknown = chosen - set(CHECKS)
    if unknown:
        raise click.BadParameter(
            f"{', '.join(sorted(unknown))}: no such check; there are {', '.join(CHECKS)}"
        )
    return chosen


_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@click.option("--only", default="", callback=_chosen, help="Some checks only, F2,F6 say.")
@click.option("--quick", is_flag=True, help="A tenth of the runs; never counts as a full pass.")
@click.option("--json", "json_file", type=_FILE, help="Write the report for machines.")
@click.option("--html", "html_file", type=_FILE, help="Write the report as one page.")
def audit(only: set[str], quick: bool, json_file: Path | None, html_file: Path | None) -> None:
    """Attack this software as it runs, and report. Exit code 0: every check asked for passed;
    1: one failed; 2: one could not run (most need root)."""
    began_s = time.monotonic()
    os.umask(0o022)  # the sensors run under a user of their own, who reads and writes here
    with tempfile.TemporaryDirectory(prefix="chaland-audit-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        checks = _run_all(folder, only, quick)
        beside = _attack(quick) if only == set(CHECKS) else []
    report = Report(
        made_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=version("chaland"),
        annex_sha256=annex_digest(),
        quick=quick,
        seconds=time.monotonic() - began_s,
        checks=checks,
        attacks=beside,
    )
    _finish(report, json_file, html_file)
    sys.exit(report.exit_code)


def _run_all(folder: Path, only: set[str], quick: bool) -> list[Checked]:
    """Run what is asked for, the longest check in a process of its own; it is told last."""
    bench = Bench(folder, quick=quick)
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        apart = pool.submit(run_apart, APART, folder, quick) if APART in only else None
        try:
            last = sorted(CHECKS.values(), key=lambda check: check.id == APART)
            checked = {check.id: _run(check, bench, only, apart) for check in last}
            return [checked[check_id] for check_id in CHECKS]
        finally:
            bench.close()


def _run(check: Check, bench: Bench, only: set[str], apart: Future[Checked] | None) -> Checked:
    if check.id not in only:
        return not_asked(check)
    click.echo(f"{check.id:>4}  {check.title} … ", nl=False)
    checked = apart.result() if check.id == APART and apart else run_check(check, bench)
    word, colour = _MARKS[checked.result]
    click.secho(word, fg=colour, nl=False)
    click.echo(f" ({checked.seconds:.0f} s)" if checked.seconds >= 1 else "")
    for finding in checked.findings:
        click.echo(f"      - {finding}")
    return checked


def _attack(quick: bool) -> list[Attack]:
    """Attack the forbidden scheme and ours side by side, and print what came of it."""
    click.echo("      The forbidden scheme beside ours …")
    found = attacks.run(quick)
    for attack in found:
        click.echo(f"      {attack.title}")
        click.echo(
            f"        forbidden {attack.forbidden_success:6.3f} in {attack.forbidden_seconds:.3g} s"
            f" · ours {attack.ours_success:6.3f}"
            + ("" if attack.ours_bound is None else f" (bound {attack.ours_bound:.3f})")
        )
    return found


def _finish(report: Report, json_file: Path | None, html_file: Path | None) -> None:
    """Write the files and the last line."""
    if json_file is not None:
        json_file.write_text(report.to_json(), encoding="utf-8")
    if html_file is not None:
        html_file.write_text(render(report), encoding="utf-8")
    words = {
        "passed": "Every check passed.",
        "failed": "A check FAILED.",
        "incomplete": "Nothing failed, but this was no full run.",
    }
    ran = sum(check.result in ("passed", "failed") for check in report.checks)
    click.echo(f"{words[report.result]} {report.seconds:.0f} s, {ran} checks were run.")
