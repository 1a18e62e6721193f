"""Placeholders: one closed list, filled once, and no name breaks a line or a header."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.outreach.placeholders import (
    FRAME,
    LONGEST_LINE,
    WRITTEN,
    Fault,
    check,
    fill,
    one_line,
)

EMPTY = dict.fromkeys((*WRITTEN, *FRAME), "")


def _faults(text: str, *obligatory: str) -> list[Fault]:
    return [complaint.fault for complaint in check(text, obligatory)]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("Bonjour {first_name}, {shop} vous attend : {link}", []),
        ("Bonjour {prenom}", [Fault.UNKNOWN]),
        ("Bonjour {unsubscribe}", [Fault.UNKNOWN]),  # the frame's, not a writer's
        ("Bonjour {first_name", [Fault.UNCLOSED]),
        ("Bonjour first_name}", [Fault.UNCLOSED]),
        ("Bonjour {first\n_name}", [Fault.UNCLOSED, Fault.UNCLOSED]),
        ("{first_name}, bonjour", [Fault.BEGINS]),
        ("x" * (LONGEST_LINE + 1), [Fault.LONG]),
    ],
)
def test_a_text_is_checked_when_it_is_saved(text: str, faults: list[Fault]) -> None:
    assert _faults(text) == faults
    assert all(str(complaint) for complaint in check(text)), "each says what to do"


def test_what_must_be_left_open_is_asked_for() -> None:
    assert _faults("Venez !", "link") == [Fault.MISSING]
    assert _faults("Venez : {link}", "link") == []
    assert "{link}" in str(check("Venez !", ["link"])[0])


def test_who_gave_no_name_is_greeted_without_a_gap() -> None:
    text = "Bonjour {first_name}, et bienvenue\u00a0{first_name}!"
    assert fill(text, {"first_name": ""}) == "Bonjour, et bienvenue!"
    assert fill("Et vous, {first_name}, venez !", {"first_name": ""}) == "Et vous, venez !"
    assert fill(text, {"first_name": "Zoé"}) == "Bonjour Zoé, et bienvenue\u00a0Zoé!"


def test_a_value_is_filled_once_and_escaped_for_html_only() -> None:
    values = EMPTY | {"first_name": "{code} <b>&", "code": "SECRET"}
    assert fill("À {first_name}", values) == "À {code} <b>&"
    assert fill("À {first_name}", values, as_html=True) == "À {code} &lt;b&gt;&amp;"


@given(st.text(max_size=40))
def test_no_value_breaks_a_line_or_turns_the_direction(value: str) -> None:
    text = one_line(value)
    assert len(text.splitlines()) <= 1
    assert not {unicodedata.category(c) for c in text} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(c) for c in text} & {"RLO", "LRO", "RLE", "LRE", "PDF"}
    assert one_line(text) == text


def test_the_family_stays_a_family() -> None:
    assert one_line("👨\u200d👩\u200d👧 Zoé") == "👨\u200d👩\u200d👧 Zoé"
