"""The cost of a text: by the standard, as another library counts it, and alike in the browser."""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import smsutil
from hypothesis import example, given
from hypothesis import strategies as st

from chaland.hub.loyalty.outreach.sms import encoding
from chaland.hub.loyalty.outreach.sms.encoding import Encoding, looked, parted, transliterated
from tests.hub.loyalty.programmes.sides import ROOT, Browser

CASES = json.loads((ROOT / "tests/golden/sms/texts.json").read_text())

# Characters that the Unicode of both languages knows, and no escape, which smsutil lets pass.
_any = st.characters(exclude_categories=("Cs", "Cn", "Co"), exclude_characters="\x1b")
_french = st.sampled_from(list("abcdz  ,.!'àéèùçêœëÇÉ€{}[]~^|«»’–…\u00a0\u202f°🎁"))
_cheap = st.sampled_from(sorted(encoding.BASIC | encoding.EXTENSION))
texts = st.one_of(
    st.text(_french, max_size=500), st.text(_cheap, max_size=500), st.text(_any, max_size=200)
)


@pytest.fixture(scope="module")
def script() -> Iterator[Browser]:
    mirror = Path(__file__).parent / "mirror.mjs"
    started = Browser(mirror, ROOT / "assets/src/loyalty/sms.js")
    yield started
    started.close()


def _answer(call: str, text: str) -> Any:
    if call == "looked":
        return json.loads(json.dumps(asdict(looked(text))))
    return transliterated(text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_both_sides_answer_the_golden_case(case: dict[str, Any], script: Browser) -> None:
    assert _answer(case["call"], case["input"]["text"]) == case["expect"]
    assert script.ask(case["call"], case["input"]) == case["expect"]


@given(text=texts)
def test_both_sides_count_and_transliterate_alike(text: str, script: Browser) -> None:
    for call in ("looked", "transliterated"):
        assert script.ask(call, {"text": text}) == _answer(call, text)


@given(text=texts.filter(bool))
@example(text="a" * 152 + "€" + "a" * 8)
def test_segments_are_those_of_smsutil(text: str) -> None:
    peer = smsutil.split(text)
    parts, found = parted(text)
    assert (found is Encoding.GSM7) == (peer.encoding == "gsm0338")
    assert parts == [part.content for part in peer.parts]
    assert looked(text).segments == len(parts)


@given(text=texts)
def test_nothing_is_lost_or_cut(text: str) -> None:
    parts, found = parted(text)
    assert "".join(parts) == text
    room = encoding.ROOM[found][len(parts) > 1]
    sizes = [len(smsutil.encode(p)) if found is Encoding.GSM7 else _utf16(p) for p in parts]
    assert max(sizes) <= room
    assert looked(text).left == room - sizes[-1]


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-be")) // 2


@given(text=texts)
def test_transliterating_changes_only_what_needs_it(text: str) -> None:
    cheaper = transliterated(text)
    assert transliterated(cheaper) == cheaper
    kept = [c for c in unicodedata.normalize("NFC", text) if c in encoding.BASIC and c not in ' "']
    rest = iter(cheaper)
    assert all(c in rest for c in kept), "a cheap character was lost or moved"
    if encoding.is_gsm(unicodedata.normalize("NFC", text)):
        assert cheaper == unicodedata.normalize("NFC", text)
    if encoding.is_gsm(cheaper):
        assert looked(cheaper).culprits == ()


def test_all_of_french_becomes_cheap() -> None:
    letters = "àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ«»‹›“”‘’–—…\u00a0\u202f°€"
    assert looked(transliterated(letters)).encoding is Encoding.GSM7
