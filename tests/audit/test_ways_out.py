"""L18: the hub's doors to other machines, and doors planted into it, each told."""

from pathlib import Path

import pytest

import chaland.hub
from chaland.audit import ways_out
from chaland.audit.report import Outcome

HUB = Path(chaland.hub.__path__[0])


def test_the_hub_has_the_listed_doors_and_no_others() -> None:
    outcome = Outcome()
    ways_out.judge(outcome, HUB)
    assert outcome.findings == []
    assert not [door for door in ways_out.DOORS if not (HUB / door).is_file()]
    (measured,) = outcome.measures
    assert measured.value == measured.limit, "no door is listed for nothing"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import httpx", "loyalty/spy.py may speak to other machines by ['httpx']"),
        ("from urllib import request", "by ['urllib.request']"),
        ("from urllib.request import urlopen", "by ['urllib.request.urlopen']"),
        ("def f():\n    import http.client as h", "by ['http.client']"),
        ("X = 'https://graph.facebook.com/v1/audience'", "names ['graph.facebook.com']"),
    ],
)
def test_a_door_that_is_on_no_list_is_found(tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "loyalty").mkdir()
    (tmp_path / "loyalty" / "spy.py").write_text(code)
    outcome = Outcome()
    ways_out.judge(outcome, tmp_path)
    assert said in "\n".join(outcome.findings)
