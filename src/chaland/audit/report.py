"""What an audit found: ``chaland.audit/1``, for the terminal, for files and for the hub's page."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum

FORMAT = "chaland.audit/1"
FALSE_ALARM = 1e-3
"""A right mechanism fails a full run of all statistical checks together at most so often."""


class Result(StrEnum):
    """What became of one check."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could-not-run"
    NOT_ASKED = "not-asked"
    LATER = "later"
    """It comes with a part of the product that is not there yet; it is not counted as passed."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a check, as text, and the limit it must keep ("" if it has none)."""

    name: str
    value: str
    limit: str = ""


@dataclass(slots=True)
class Outcome:
    """What a check did and found; with a finding it has failed."""

    summary: str = ""
    measures: list[Measure] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def measure(self, name: str, value: object, limit: object = "") -> None:
        """Note a number and its limit."""
        self.measures.append(Measure(name, _text(value), _text(limit)))

    def add(self, other: "Outcome") -> None:
        """Take over what another part of the check measured and found."""
        self.measures += other.measures
        self.findings += other.findings

    def require(self, holds: object, finding: str) -> None:
        """Note a finding unless ``holds``; the same one is noted once."""
        if not holds and finding not in self.findings:
            self.findings.append(finding)


@dataclass(frozen=True, slots=True)
class Checked:
    """One line of the report."""

    id: str
    title: str
    result: Result
    summary: str = ""
    seconds: float = 0.0
    measures: Sequence[Measure] = ()
    findings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack on the forbidden scheme and on ours. ``ours_bound`` None: no bound applies."""

    name: str
    title: str
    forbidden: str
    forbidden_success: float
    forbidden_seconds: float
    ours: str
    ours_success: float
    ours_bound: float | None
    ours_seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run. ``made_at`` is an ISO instant in UTC."""

    made_at: str
    version: str
    annex_sha256: str
    quick: bool
    seconds: float
    checks: Sequence[Checked]
    attacks: Sequence[Attack]

    @property
    def result(self) -> str:
        """ "passed" only when every check of the product of today was run in full, and held."""
        results = {check.result for check in self.checks} - {Result.LATER}
        if Result.FAILED in results:
            return "failed"
        return "passed" if results == {Result.PASSED} and not self.quick else "incomplete"

    @property
    def exit_code(self) -> int:
        """0: what was asked for holds; 1: a check failed; 2: a check could not run."""
        results = {check.result for check in self.checks}
        if Result.FAILED in results:
            return 1
        return 2 if Result.COULD_NOT_RUN in results else 0

    def to_json(self) -> str:
        """Return the report as indented JSON."""
        members = {
            "format": FORMAT,
            "made_at": self.made_at,
            "version": self.version,
            "annex_sha256": self.annex_sha256,
            "quick": self.quick,
            "result": self.result,
            "seconds": round(self.seconds, 1),
            "false_alarm": FALSE_ALARM,
            "checks": [asdict(check) for check in self.checks],
            "attacks": [asdict(attack) for attack in self.attacks],
        }
        return json.dumps(members, indent=1, ensure_ascii=False) + "\n"


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
