"""Audit reports that the association publishes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from chaland.hub.footfall.models import AuditReport

FORMAT = "chaland.audit/1"
MAX_BYTES = 1_000_000
CLOCK_MAY_DIFFER = timedelta(minutes=10)
RESULTS = ("passed", "failed", "incomplete")
CHECK_RESULTS = ("passed", "failed", "could-not-run", "not-asked", "later")
CHECKS = frozenset(f"F{number}" for number in range(1, 17))
LATER = frozenset(("F13",))
"""What comes with the second plane."""
_LISTS = {
    "checks": ("id", "title", "result", "summary", "measures", "findings"),
    "attacks": ("name", "title", "forbidden", "ours"),
}


class ReportErrorFinal(ValueError):
    """A file is no audit report; the message says what is wrong with it, and what to do."""


def publish(text: bytes, now: datetime) -> AuditReport:
    """Store a report of ``chaland audit --json``; the same one again changes nothing.

    A failed one is published as well: that it failed is what people must be able to read.
    Raises ReportErrorFinal.
    """
    if len(text) > MAX_BYTES:
        raise ReportErrorFinal("the file is larger than 1 MB: it is no audit report")
    try:
        report = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportErrorFinal(f"the file is no JSON ({error}): use chaland audit --json") from None
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise ReportErrorFinal(f"the file's format is not {FORMAT}: use chaland audit --json")
    if report.get("result") not in RESULTS:
        raise ReportErrorFinal(f"result: must be one of {', '.join(RESULTS)}")
    for name, members in _LISTS.items():
        _check_list(name, report.get(name), members)
    _check_result(report)
    made_at = _instant(report.get("made_at"))
    if made_at > now + CLOCK_MAY_DIFFER:
        raise ReportErrorFinal("made_at: is ahead of this machine's clock: set the clocks right")
    stored, _made = AuditReport.objects.update_or_create(
        made_at=made_at, defaults={"passed": report["result"] == "passed", "report": report}
    )
    return stored


def _check_list(name: str, value: object, members: tuple[str, ...]) -> None:
    if not isinstance(value, list):
        raise ReportErrorFinal(f"{name}: must be a list")
    for at, each in enumerate(value):
        lacking = [member for member in members if member not in each] if _is(each) else members
        if lacking:
            raise ReportErrorFinal(f"{name}[{at}]: lacks {', '.join(lacking)}")


def _check_result(report: dict[str, Any]) -> None:
    """Refuse a report whose parts contradict each other: who turned a word must turn them all."""
    results = set()
    for each in report["checks"]:
        if each["result"] not in CHECK_RESULTS or not isinstance(each["findings"], list):
            raise ReportErrorFinal(f"{each['id']}: is not as chaland audit writes it")
        if each["result"] == "later" and each["id"] not in LATER:
            raise ReportErrorFinal(f"{each['id']}: does not come later, it can be checked now")
        if each["findings"] and each["result"] != "failed":
            raise ReportErrorFinal(f"{each['id']}: has findings, so it can't have {each['result']}")
        results.add(each["result"])
    whole = {each["id"] for each in report["checks"]} >= CHECKS and report.get("quick") is False
    if "failed" in results:
        made = "failed"
    else:
        made = "passed" if whole and results <= {"passed", "later"} else "incomplete"
    if report["result"] != made:
        raise ReportErrorFinal(f"result: says {report['result']}, but its checks make it {made}")


def _is(value: object) -> bool:
    return isinstance(value, dict)


def _instant(value: object) -> datetime:
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        raise ReportErrorFinal("made_at: must be a time such as 2026-11-22T10:20:00Z") from None
    if instant.tzinfo is None:
        raise ReportErrorFinal("made_at: must say its time zone, as 2026-11-22T10:20:00Z does")
    return instant.astimezone(UTC)
