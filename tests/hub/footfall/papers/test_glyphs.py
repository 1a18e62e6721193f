"""Whatever a director, a shop or an intruder types, the papers can be printed."""

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaland.hub.common import glyphs, printing
from chaland.hub.footfall.papers import assessment, notice
from tests.hub.footfall.papers.conftest import measured
from tests.hub.footfall.papers.test_assessment import charter

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "花屋☕😀👩‍👩‍👧مرحباשלוםไทย\u202e\u2066\u200d\ufeff\xad\x00\x07\x1b\u0301\ud800\uffff\U000e0041□"
        ),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HOSTILE, HOSTILE, HOSTILE)
def test_any_text_can_be_printed(purpose: str, controller: str, shop: str) -> None:
    measurement = measured(purpose=purpose, controller=controller, contact=shop)
    data = notice.poster_data(measurement, "fr")
    assert printing._compiled.__wrapped__(
        notice.__package__, "poster", printing._spelt(data)
    ).startswith(b"%PDF-")
    document = assessment.assessment(measurement, [shop], charter(), "fr")
    assert assessment.pdf(document).startswith(b"%PDF-")


@pytest.mark.parametrize("style", ["", "weight: 600", "weight: 700", 'style: "italic"'])
def test_the_font_holds_each_sign_that_is_let_through(style: str) -> None:
    text = '#set text(font: "Libertinus Serif", fallback: false%s)\n#set document(title: [t])\n'
    source = text % (f", {style}" if style else "")
    source += "".join(f'#"\\u{{{ord(sign):x}}}" \\\n' for sign in sorted(glyphs.SIGNS))
    made = printing.typst.Compiler(source.encode(), font_paths=printing._fonts()).compile(
        format="pdf", pdf_standards="ua-1", timestamp=0
    )
    assert isinstance(made, bytes)


@given(HOSTILE)
def test_what_is_printed_is_one_line_of_signs_that_the_font_holds(text: str) -> None:
    shown = glyphs.printable(text)
    assert set(shown) <= glyphs.SIGNS
    assert glyphs.printable(shown) == unicodedata.normalize("NFC", shown) == shown
    assert bool(glyphs.lacking(text)) <= (glyphs.IN_PLACE in shown)


def test_french_is_printed_as_it_is_typed() -> None:
    text = "L’Œuvre d’à côté : « cœur, naïf, Ÿ » – 12\u202f€ №\u00a03 …"
    assert glyphs.printable(text) == text
    assert glyphs.printable("Cafe\u0301\ndes\tHalles") == "Café des Halles"
    assert glyphs.printable("花屋 \u202eFleurs") == "□□ Fleurs"
    assert glyphs.lacking("花屋 Fleurs 花") == "花屋"


def test_a_shop_of_any_text_is_on_the_poster_even_where_nothing_fits() -> None:
    long = "W" * 300
    tall = measured(purpose=long, controller=" ".join("Ǆ" * 150), contact="\n".join("ab" * 100))
    assert notice.poster(tall, "fr").startswith(b"%PDF-")
