"""House rules of templates and of money."""

import re
from pathlib import Path

import pytest
from django.template import engines
from django.utils.translation import override

from chaland.hub.loyalty.programmes import words
from chaland.hub.loyalty.templatetags import amounts
from chaland.hub.loyalty.web.figures.words import euros, rough_euros

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "src/chaland/hub").glob("**/templates/**/*.html"))
_MACHINE = re.compile(
    r"\b(value|href|action|src|id|for|name|min|max|step|hx-[a-z]+|aria-controls|aria-labelledby)"
    r'="([^"]*)"'
)
"""Attributes that a program reads; what people read (labels, titles) is localized as it should."""
_SHOWN = re.compile(r"\{\{([^}]*)\}\}")
_NUMBER = re.compile(r"(?:\bpk|\bid|_id|\bnumber|_number|\bcontroller|_cents|num_pages|\bdays)$")
"""How the names of whole numbers end."""
_NAMES = re.compile(r"attrs\.id$|auto_id$|field_id$|\bstep_number$")
"""Which end so and are Django's own texts, or never grow."""


def spoilt(text: str) -> list[str]:
    """List what becomes "1 234" from a thousand on, where a program wants 1234."""
    return [
        said[0]
        for attribute in _MACHINE.finditer(text)
        for said in _SHOWN.finditer(attribute[2])
        for name in [said[1].split("|")[0].strip()]
        if _NUMBER.search(name) and not _NAMES.search(name) and "unlocalize" not in said[1]
    ]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_numbers_in_addresses_and_values_are_not_localized(path: Path) -> None:
    assert spoilt(path.read_text()) == []


def test_the_rule_finds_what_it_is_for() -> None:
    found = engines["django"].from_string('<a href="?page={{ page.next_page_number }}">')
    with override("fr"):
        page = {"page": {"next_page_number": 1234}}
        assert "1234" not in found.render(page)
    assert spoilt('<a href="?page={{ page.next_page_number }}">')
    assert spoilt('<input value="{{ row.controller }}.{{ row.purpose }}">')
    assert not spoilt('<input value="{{ row.controller|unlocalize }}">')
    assert not spoilt('<p title="{{ row.number }}">{{ row.pk }}</p>')


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_negative_sum_has_a_minus_sign(language: str) -> None:
    with override(language):
        said = [words.money(-73), amounts.money(-73), amounts.pieces(-1500), euros(-7300)]
        assert all(text.startswith("\u2212") for text in [*said, rough_euros(-7300)]), said
        assert "-" not in "".join(said)
        assert not words.money(73).startswith("\u2212")
