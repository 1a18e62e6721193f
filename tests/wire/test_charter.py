"""The charter: golden bytes, what its signature covers, and what is no charter."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from chaland.wire.charter import (
    MAX_BYTES,
    MAX_SENSORS,
    MAX_VERSION,
    Charter,
    CharterSensor,
    decode,
    encode,
    fingerprint,
    is_signed,
    sign,
)
from chaland.wire.errors import WireErrorFinal
from chaland.wire.signature import sensor_identifier

GOLDEN = Path(__file__).parents[1] / "golden"
TOWN = SigningKey(bytes(32))
BOX = bytes(SigningKey(bytes(range(32))).verify_key)


def listed(public_key: bytes, shop: str = "Librairie Côté") -> CharterSensor:
    return CharterSensor(sensor_identifier(public_key), public_key, shop, date(2026, 3, 1))


DRAFT = Charter(
    version=3,
    signed_on=date(2026, 3, 9),
    town="Bourg",
    controller="Les vitrines de Bourg, 1 place des Halles",
    contact="vitrines@example.org",
    purpose="Compter les passages pour les commerces du centre",
    public_page="https://vitrines.example.org/privacy/1/",
    objection_network="chaland-optout",
    ends_on=date(2027, 3, 9),
    annex_sha256="ab" * 32,
    notice_sha256="cd" * 32,
    sensors=(listed(BOX),),
)

LINES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1).map(
    lambda text: text[:300]
)
DAYS = st.dates(date(2001, 1, 1), date(2099, 12, 31))


@st.composite
def charters(draw: st.DrawFn) -> Charter:
    seeds = draw(st.sets(st.integers(0, 255), max_size=3))
    keys = [bytes(SigningKey(bytes([seed] * 32)).verify_key) for seed in sorted(seeds)]
    return replace(
        DRAFT,
        version=draw(st.integers(1, MAX_VERSION)),
        town=draw(LINES),
        purpose=draw(LINES),
        ends_on=draw(DAYS),
        sensors=tuple(replace(listed(key, draw(LINES)), agreed_on=draw(DAYS)) for key in keys),
    )


def test_golden_bytes() -> None:
    golden = (GOLDEN / "charter-1.json").read_bytes()
    assert encode(sign(DRAFT, TOWN)) == golden
    charter = decode(golden)
    assert is_signed(charter)
    assert charter.town_key == bytes(TOWN.verify_key)
    assert charter.fingerprint == fingerprint(bytes(TOWN.verify_key)) == "copd-sqhg-jnkj-c4ra"


@given(charters())
def test_round_trip(draft: Charter) -> None:
    assert decode(encode(draft)) == draft
    signed = sign(draft, TOWN)
    assert decode(encode(signed)) == signed
    assert is_signed(signed)
    assert not is_signed(draft)


CHANGES: dict[str, object] = {
    "version": 4,
    "signed_on": date(2026, 3, 10),
    "town": "Bourg-2",
    "controller": "Somebody else",
    "contact": "x",
    "purpose": "Advertising",
    "public_page": "https://elsewhere.example.org",
    "objection_network": "optout-2",
    "ends_on": date(2037, 3, 9),
    "annex_sha256": "00" * 32,
    "notice_sha256": "00" * 32,
    "sensors": (*DRAFT.sensors, listed(bytes(TOWN.verify_key))),
    "town_key": BOX,
}


@pytest.mark.parametrize("member", CHANGES)
def test_the_signature_covers_every_member(member: str) -> None:
    assert not is_signed(replace(sign(DRAFT, TOWN), **{member: CHANGES[member]}))  # type: ignore[arg-type]


def test_no_member_is_left_out_of_the_test_above() -> None:
    assert {*CHANGES, "signature"} == set(Charter.__slots__)


@pytest.mark.parametrize("signature", ["", "A" * 86 + "=="])
def test_what_is_no_signature_is_refused_without_an_error(signature: str) -> None:
    assert not is_signed(replace(sign(DRAFT, TOWN), signature=signature))


def test_a_town_key_that_is_no_point_of_the_curve_is_refused_without_an_error() -> None:
    assert not is_signed(replace(sign(DRAFT, TOWN), town_key=b"\xff" * 32))


SENSOR = {
    "sensor": sensor_identifier(BOX),
    "public_key": BOX.hex(),
    "shop": "Librairie",
    "agreed_on": "2026-03-01",
}


@pytest.mark.parametrize(
    ("member", "value", "field", "problem"),
    [
        ("format", "chaland.charter/2", "format", "must be chaland.charter/1"),
        ("version", 0, "version", "from 1"),
        ("signed_on", "9 March", "signed_on", "a day"),
        ("town", "", "town", "1 to 300 signs"),
        ("town", "two\nlines", "town", "on one line"),
        ("purpose", "gnitnuoc \u202e", "purpose", "on one line"),
        ("contact", "x" * 301, "contact", "1 to 300 signs"),
        ("public_page", "javascript:alert(1)", "public_page", "a URL"),
        ("objection_network", "é" * 8, "objection_network", "4 to 32 ASCII"),
        ("annex_sha256", "AB" * 32, "annex_sha256", "64 hexadecimal"),
        ("ends_on", None, "ends_on", "a day"),
        ("sensors", {}, "sensors", "list of at most"),
        ("sensors", [SENSOR, SENSOR], "sensors", "twice"),
        ("sensors", [SENSOR | {"sensor": "a" * 16}], "sensors[0].public_key", "not the key of"),
        ("sensors", [SENSOR | {"address": "x"}], "sensors[0].address", "not a member"),
        ("signature", "x", "signature", "base64"),
        ("more", 1, "more", "not a member"),
    ],
)
def test_what_breaks_a_rule_is_named(member: str, value: object, field: str, problem: str) -> None:
    message = json.loads((GOLDEN / "charter-1.json").read_bytes()) | {member: value}
    with pytest.raises(WireErrorFinal, match=problem) as caught:
        decode(json.dumps(message).encode())
    assert caught.value.field == field


def test_another_spelling_is_refused() -> None:
    golden = (GOLDEN / "charter-1.json").read_bytes()
    for spelling in (golden + b"\n", golden.replace(b", ", b",", 1)):
        with pytest.raises(WireErrorFinal, match="order and spacing"):
            decode(spelling)


def test_a_charter_of_the_most_sensors_fits() -> None:
    keys = [bytes(SigningKey(bytes([0, n % 256, n // 256]) + bytes(29)).verify_key) for n in
            range(MAX_SENSORS)]  # fmt: skip
    shops = tuple(listed(key, "Boulangerie-pâtisserie de la place " * 2) for key in keys)
    assert len(encode(sign(replace(DRAFT, sensors=shops), TOWN))) < MAX_BYTES


@given(st.binary(max_size=200))
def test_junk_is_refused_and_never_breaks(body: bytes) -> None:
    with pytest.raises(WireErrorFinal):
        decode(body)


def test_a_sensor_is_found_by_its_name() -> None:
    assert DRAFT.sensor(sensor_identifier(BOX)) == DRAFT.sensors[0]
    assert DRAFT.sensor("a" * 16) is None
