"""The report as one HTML page that needs nothing else: no script, no style sheet, no hub."""

from collections.abc import Sequence
from html import escape

from chaland.audit.report import FALSE_ALARM, Attack, Checked, Report, Result

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top;
padding: .4rem .6rem; border-bottom: 1px solid #8886 }
.passed { color: #16713a } .failed { color: #b3261e; font-weight: bold }
details { margin: .2rem 0 } small, .quiet { color: #777 } li { margin: .2rem 0 }
@media (prefers-color-scheme: dark) { .passed { color: #6fd08c } .failed { color: #ff8a80 } }
"""
_RESULTS = {
    Result.PASSED: "passed",
    Result.FAILED: "failed",
    Result.COULD_NOT_RUN: "could not run",
    Result.NOT_ASKED: "not asked for",
    Result.LATER: "comes later",
}
_VERDICTS = {
    "passed": "Every check passed.",
    "failed": "A check failed.",
    "incomplete": "Nothing failed, but this was no full run.",
}


def render(report: Report) -> str:
    """Return the page."""
    checks = "\n".join(_check(check) for check in report.checks)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Chaland: privacy audit</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>
<body><h1>Privacy audit</h1>
<p class="{escape(report.result)}">{_VERDICTS[report.result]}</p>
<p class="quiet">{escape(report.made_at)} · chaland {escape(report.version)} ·
{report.seconds:.0f} s{" · quick run" if report.quick else ""} · annex
<code>{escape(report.annex_sha256[:16])}…</code></p>
<p>The shipped software was run and attacked. A right mechanism fails a full run of all statistical
checks together at most once in {1 / FALSE_ALARM:.0f}.</p>
<table><thead><tr><th>Row<th>Promise<th>Result</tr></thead><tbody>
{checks}
</tbody></table>
{_attacks(report.attacks)}
</body></html>
"""


def _check(check: Checked) -> str:
    findings = "".join(f"<li>{escape(finding)}" for finding in check.findings)
    measures = "".join(
        f"<tr><td>{escape(m.name)}<td>{escape(m.value)}<td>{escape(m.limit)}"
        for m in check.measures
    )
    table = f"<details><summary>{len(check.measures)} figures</summary><table>{measures}</table>"
    shown = f"{table}</details>" if measures else ""
    word, seconds = _RESULTS[check.result], f" <small>{check.seconds:.0f} s</small>"
    return (
        f"<tr><td>{escape(check.id)}<td><strong>{escape(check.title)}</strong><br>"
        f"{escape(check.summary)}<ul>{findings}</ul>{shown}"
        f'<td class="{escape(check.result)}">{word}{seconds if check.seconds else ""}'
    )


def _attacks(attacks: Sequence[Attack]) -> str:
    rows = "".join(_attack(each) for each in attacks)
    if not rows:
        return ""
    return f"""<h2>The scheme that was forbidden, under the same attacks</h2>
<p>Salted, truncated hashes kept for four weeks (refused by the CNIL in 2015, and by the Conseil
d’État in 2017) beside ours.</p>
<table><thead><tr><th>Attack<th>Forbidden scheme<th>Ours</tr></thead>
<tbody>{rows}</tbody></table>"""


def _attack(attack: Attack) -> str:
    bound = "" if attack.ours_bound is None else f" (at most {attack.ours_bound:.3g})"
    return (
        f"<tr><td><strong>{escape(attack.title)}</strong>"
        f"<td>{attack.forbidden_success:.3g}: {escape(attack.forbidden)} "
        f"<small>{attack.forbidden_seconds:.2g} s</small>"
        f"<td>{attack.ours_success:.3g}{bound}: {escape(attack.ours)} "
        f"<small>{attack.ours_seconds:.2g} s</small>"
    )
