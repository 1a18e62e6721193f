"""The page that a citizen checks says what the code does."""

import re
from pathlib import Path

import pytest

from chaland.wire import answers, charter, enrolment, exchange, fields, signature, sketch, summary

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "wire.md").read_text(encoding="utf-8")
GOLDEN = ROOT / "tests" / "golden"


@pytest.mark.parametrize(
    "name",
    [
        "summary-1.json",
        "summary-1-day-end.json",
        "enrolment-1.json",
        "exchange-1.json",
        "exchanged-1.json",
        "charter-1.json",
    ],
)
def test_the_page_shows_real_bytes(name: str) -> None:
    assert f"\n{(GOLDEN / name).read_text()}\n" in PAGE


def test_every_member_is_explained() -> None:
    shown = "".join(path.read_text() for path in sorted(GOLDEN.glob("*.json")))
    missing = [m for m in set(re.findall(r'"(\w+)":', shown)) if f"`{m}`" not in PAGE]
    assert not missing


@pytest.mark.parametrize("state", summary.State)
def test_every_state_is_explained(state: summary.State) -> None:
    assert f"| `{state}` |" in PAGE


@pytest.mark.parametrize("code", answers.Code)
def test_every_answer_is_explained_with_its_status(code: answers.Code) -> None:
    meanings = {
        "done": "deletes it",
        "hold": "keeps it",
        "renumber": "numbers on",
        "park": "parks it",
    }
    row = f"| `{code}` | {answers.status_of(code)} |"
    (line,) = [line for line in PAGE.splitlines() if line.startswith(row)]
    assert meanings[answers.meaning_of(code)] in line


def test_sizes_headers_and_codes_are_as_written() -> None:
    assert f"{summary.MAX_BYTES} bytes (an exchange: {exchange.MAX_BYTES})" in PAGE
    assert f"more than {fields.LONGEST_NUMBER} signs" in PAGE
    assert f"nested deeper than {fields.DEEPEST} " in PAGE
    assert f"At most {charter.MAX_BYTES} bytes" in PAGE
    assert f"{sketch.MAX_PLACES:,} together" in PAGE
    assert f"list, at most {exchange.MAX_COPIES} " in PAGE
    assert f"list, at most {exchange.MAX_OBJECTED:,}, increasing" in PAGE
    assert f"at most {charter.MAX_SENSORS}: `sensor`" in PAGE
    assert f"code of {enrolment.CODE_LENGTH} signs" in PAGE
    for name in ("SENSOR_HEADER", "SEQUENCE_HEADER", "TIME_HEADER", "SIGNATURE_HEADER"):
        assert f"`{getattr(signature, name)}`" in PAGE
