"""The impact assessment follows the code and the configuration; nothing in it is typed in."""

import re
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass, replace
from datetime import date, time
from math import ceil, exp
from typing import Any

import pytest
from django.utils import translation

from chaland.hub.common import printing
from chaland.hub.footfall import keeping
from chaland.hub.footfall.papers import annex, assessment, claims, risks
from chaland.hub.footfall.papers.document import Alarm, Document, Table, number, table
from chaland.wire import losses
from chaland.wire.charter import Charter, sign
from chaland.wire.losses import Case
from chaland.wire.mechanism import DEFAULT_MECHANISM, Mechanism, Noised, annex_digest
from chaland.wire.summary import Mode
from tests.hub.footfall.papers.conftest import TOWN_KEY, measured, said

SHOPS = ["Librairie du Pont", "Café des Halles"]


def charter(**changed: object) -> Charter:
    words = {name: text for name, text in said().items() if name != "town_key"}
    draft = Charter(
        version=3,
        signed_on=date(2026, 11, 20),
        town="Port-Lin",
        ends_on=date(2027, 12, 31),
        annex_sha256=annex_digest(),
        notice_sha256="0" * 64,
        sensors=(),
        **words,
    )
    return sign(replace(draft, **changed), TOWN_KEY)


def assessed(language: str = "en", mechanism: Mechanism = DEFAULT_MECHANISM) -> Document:
    return assessment.assessment(measured(), SHOPS, charter(), language, mechanism)


def changed(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, str):
        return f"{float(value) + 0.01:g}"
    if isinstance(value, time):
        return time(15)
    if isinstance(value, tuple):
        return (*value[:-1], value[-1] + 1)
    return value + 1


def mutants(whole: Any = DEFAULT_MECHANISM) -> Iterator[tuple[str, Any]]:
    """Each constant of the mechanism changed, one at a time."""
    for field in fields(whole):
        value = getattr(whole, field.name)
        if field.name == "counts":
            for mode, counts in value.items():
                for name, noised in counts.items():
                    for member, other in mutants(noised):
                        altered = {**value, mode: {**counts, name: other}}
                        yield f"{mode}.{name}.{member}", replace(whole, counts=altered)
        elif is_dataclass(value):
            for member, other in mutants(value):
                yield f"{field.name}.{member}", replace(whole, **{field.name: other})
        else:
            yield field.name, replace(whole, **{field.name: changed(value)})


MUTANTS = dict(mutants())


def test_each_constant_is_tried() -> None:
    assert {"linger_s", "sketch.bits", "flood.epsilon", "default.scans.bound"} <= MUTANTS.keys()
    assert len(MUTANTS) > 30


@pytest.mark.parametrize("name", MUTANTS)
def test_a_changed_constant_changes_annex_and_document(name: str) -> None:
    mutant = MUTANTS[name]
    assert annex_digest(mutant) != annex_digest()
    before, after = assessed(), assessed(mechanism=mutant)
    assert after.digest != before.digest
    alarms = [block for block in after.sections[0].blocks if isinstance(block, Alarm)]
    assert alarms, "the charter pins another annex, and the page says so first of all"
    assert annex_digest() in alarms[0].text


def test_the_charters_annex_is_no_alarm() -> None:
    assert annex.mismatch(DEFAULT_MECHANISM, charter()) == []
    assert len(annex.mismatch(DEFAULT_MECHANISM, charter(annex_sha256="f" * 64))) == 1
    assert not any(isinstance(b, Alarm) for section in assessed().sections for b in section.blocks)


def test_without_a_charter_it_is_a_draft_and_says_that_nothing_listens() -> None:
    draft = assessment.assessment(measured(), [], None, "en")
    assert "Draft" in draft.version
    assert any(isinstance(block, Alarm) for block in draft.sections[0].blocks)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_it_is_whole_in_each_language(language: str) -> None:
    document = assessed(language)
    slugs = [section.slug for section in document.sections]
    assert slugs == [
        "who", "how", "necessity", "kept", "law", "promise", "limits", "risks", "rights", "annex",
    ]  # fmt: skip
    text = str(asdict(document))
    for words in [*said().values(), *SHOPS, annex_digest(), "393714", "2015-255"]:
        assert words in text
    assert "%(" not in text


def test_the_stated_losses_are_those_that_are_computed() -> None:
    with translation.override("fr"):
        stated = [row[1] for row in claims.losses_table(DEFAULT_MECHANISM).rows]
        assert stated == [number(loss.epsilon) for loss in losses.daily()]
        dwell = claims.rows_table(DEFAULT_MECHANISM).rows[2]
        assert dwell[-1] == number(DEFAULT_MECHANISM.dwell.epsilon)


def test_dearer_noise_is_stated_dearer() -> None:
    counts = dict(DEFAULT_MECHANISM.counts[Mode.DEFAULT]) | {"arrivals": Noised(1, "0.9")}
    dearer = replace(DEFAULT_MECHANISM, counts={**DEFAULT_MECHANISM.counts, Mode.DEFAULT: counts})
    with translation.override("en"):
        assert claims.rows_table(dearer).rows[1][-1] == "0.94"
        assert "1.19 for each visit" in claims.formal_claim(dearer)


def test_numbers_as_the_language_writes_them() -> None:
    with translation.override("fr"):
        assert [number("0.46"), number(72.5), number(254), number(65536, 9)] == [
            "0,46", "72,5", "254", "65\u00a0536",
        ]  # fmt: skip
    with translation.override("en"):
        assert [number("0.46"), number(2), number(65536, 9)] == ["0.46", "2", "65,536"]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_print_is_the_same_each_time(language: str) -> None:
    document = assessed(language)
    first = assessment.pdf(document)
    printing._compiled.cache_clear()
    assert assessment.pdf(document) == first
    assert first.startswith(b"%PDF-")


def test_a_row_that_is_too_short_is_no_table() -> None:
    with pytest.raises(ValueError, match="2 cells"):
        table("t", ("a", "b"), [("1",)])


def numbers_in(text: str) -> set[str]:
    """The numbers of an English text, but for powers such as 2³²."""
    return set(re.findall(r"\d+(?:[.,]\d+)*(?![\d⁰¹²³])", text))


def test_what_epsilon_means_is_computed_from_half_an_hour() -> None:
    worst = {loss.case: loss.epsilon for loss in losses.daily()}
    factor = exp(worst[Case.HALF_HOUR])
    with translation.override("en"):
        texts = claims.meaning(DEFAULT_MECHANISM)
        first = {
            number(worst[Case.HALF_HOUR]),
            number(factor, 2),
            number(100 * factor / (1 + factor), 2),
            number(100 * factor / (99 + factor), 2),
        }
        parts = {number(worst[case]) for case in (Case.WINDOW, Case.VISIT, Case.SKETCH)}
        lies = 1 / (1 + exp(worst[Case.SKETCH]))
    assert numbers_in(texts[0]) == first
    assert numbers_in(texts[1]) == set()
    assert numbers_in(texts[2]) == parts | {"5", "7"}
    assert numbers_in(texts[3]) == {f"{100 * lies:.0f}", "100"}
    assert numbers_in(texts[4]) == {"4", number(worst[Case.SHOPPER])}
    whole = worst[Case.VISIT] + worst[Case.SKETCH] + 7 * worst[Case.WINDOW]
    assert whole == worst[Case.HALF_HOUR], "the parts make the sum"
    assert not re.search("almost as likely|too little to prove", " ".join(texts))


def test_a_dearer_window_is_felt_in_what_half_an_hour_means() -> None:
    counts = dict(DEFAULT_MECHANISM.counts[Mode.DEFAULT]) | {"fingerprints": Noised(3, "1.2")}
    dearer = replace(DEFAULT_MECHANISM, counts={**DEFAULT_MECHANISM.counts, Mode.DEFAULT: counts})
    with translation.override("en"):
        assert "ε = 5.9" in claims.meaning(dearer)[0]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_objection_is_no_secret_and_the_papers_say_so(language: str) -> None:
    document = assessed(language)
    sections = {section.slug: str(asdict(section)) for section in document.sections}
    with translation.override(language):
        numbers = number(DEFAULT_MECHANISM.objection.bits, 9)
    for slug in ("limits", "risks"):
        assert numbers in sections[slug].replace("\\xa0", "\xa0")
        assert str(keeping.OBJECTIONS.days) in sections[slug]
    assert {"fr": "pourrait taire", "en": "could withhold"}[language] in sections["limits"]


def test_the_risk_of_a_forging_radio_is_rated_by_the_mechanism() -> None:
    objection = DEFAULT_MECHANISM.objection
    share = 100 * objection.new_in_a_day / objection.bits
    full = keeping.OBJECTIONS_ALARM_SHARE * objection.bits
    with translation.override("en"):
        rated = risks.section(DEFAULT_MECHANISM).blocks[1]
    assert isinstance(rated, Table)
    risks_said = {row[0]: row[1] for row in rated.rows}
    filled = risks_said["Somebody fills the objection list to blind the town"]
    sensors = ceil(full / objection.new_in_a_day)
    assert numbers_in(filled) == {"128", f"{share:.1f}", "30", "2", str(sensors)}
    blinded = next(text for name, text in risks_said.items() if "blinds the shop" in name)
    assert numbers_in(blinded) == {str(objection.new_in_a_day)}


def test_where_the_blurred_list_is_kept_is_said_of_sensor_and_hub() -> None:
    with translation.override("en"):
        rows = {row[0]: row[1:] for row in claims.kept_table(DEFAULT_MECHANISM).rows}
    hours = int(keeping.SKETCHES.total_seconds() // 3600)
    where, how_long = rows["The blurred list, as sent"]
    assert "sensor" in where
    assert "hub" in where
    assert how_long.startswith(f"{hours} hours after the end of its day")
    kept = next(section for section in assessed().sections if section.slug == "kept")
    assert "PostgreSQL" in str(kept)
