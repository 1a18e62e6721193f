"""The notice: its words, their digest, and a poster that holds all of them on one page."""

import re
from dataclasses import replace

import pytest

from chaland.hub.common import printing
from chaland.hub.footfall import keeping
from chaland.hub.footfall.papers import notice
from chaland.wire.mechanism import DEFAULT_MECHANISM
from tests.hub.footfall.papers.conftest import measured, said


@pytest.mark.parametrize("language", notice.LANGUAGES)
def test_a_notice_says_what_the_law_asks(language: str) -> None:
    text = notice.text(measured(), language)
    shown = said() | {"public_page": "chaland.port-lin.example/privacy"}
    for words in shown.values():
        assert words in text
    assert "2027" in text
    assert "CNIL" in text
    assert f"{keeping.OBJECTIONS.days}" in text


def test_both_languages_are_whole() -> None:
    french, english = (notice.notice(measured(), language) for language in ("fr", "en"))
    assert french.title != english.title
    assert len(french.text.splitlines()) == len(english.text.splitlines())
    assert "Wi-Fi allumé" in french.text
    assert "Leave your Wi-Fi on" in english.text


def test_its_times_are_the_mechanisms() -> None:
    slower = replace(DEFAULT_MECHANISM, linger_s=540)
    assert "9 minutes" in notice.notice(measured(), "en", slower).text


@pytest.mark.parametrize("field", [*said(), "ends_on"])
def test_the_digest_follows_each_word(field: str) -> None:
    last = measured().ends_on
    other = last.replace(year=last.year - 1) if field == "ends_on" else f"{said()[field]}x"
    assert notice.digest(measured(**{field: other})) != notice.digest(measured())
    assert re.fullmatch("[0-9a-f]{64}", notice.digest(measured()))


def test_a_poster_is_the_same_on_each_printing() -> None:
    first = notice.poster(measured(), "fr")
    printing._compiled.cache_clear()
    assert notice.poster(measured(), "fr") == first
    assert first.startswith(b"%PDF-")
    assert b"/Lang" in first, "a screen reader must know the language"
    assert notice.poster(measured(), "en") != first


LONG = "Établissement à très long nom, avec son adresse complète et ses compléments. " * 4


@pytest.mark.parametrize("language", notice.LANGUAGES)
def test_the_longest_texts_still_fit_on_one_page(language: str) -> None:
    longest = measured(
        controller=LONG[:300],
        contact=LONG[:300],
        purpose=LONG[:300],
        objection_network="W" * 32,
        public_page=f"https://{'w' * 180}.example/privacy/",
    )
    assert (
        len(
            printing.page_images(
                notice.__package__, "poster", notice.poster_data(longest, language), 20
            )
        )
        == 1
    )


def test_markup_in_a_text_stays_text() -> None:
    sly = measured(purpose='#panic() $x$ *a* <b> "quoted" \\ `raw`')
    assert notice.poster(sly, "fr") != notice.poster(measured(), "fr")
