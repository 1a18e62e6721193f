"""Enrolment messages: what a box asks, what the hub answers, and what neither accepts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from chaland.wire import answers, enrolment
from chaland.wire.errors import WireErrorFinal

GOLDEN = Path(__file__).parents[1] / "golden"
KEY = SigningKey(bytes(range(32)))
PUBLIC = bytes(KEY.verify_key)
CODE = "ABCD-EFGH-JKLM"
ENROLLED = enrolment.Enrolled("kzdvvj2umnduyauf", "Librairie Côté", "Europe/Paris", False)


def test_golden_bytes() -> None:
    assert (
        enrolment.encode(enrolment.request(KEY, CODE)) == (GOLDEN / "enrolment-1.json").read_bytes()
    )
    assert enrolment.encode_enrolled(ENROLLED) == (GOLDEN / "enrolled-1.json").read_bytes()
    answer = answers.Answer(answers.Code.ACCEPTED, "Thank you.", 1207)
    assert answers.encode(answer) == (GOLDEN / "answer-1.json").read_bytes()


def test_round_trips() -> None:
    asked = enrolment.request(KEY, CODE)
    assert enrolment.decode(enrolment.encode(asked)) == asked
    assert enrolment.decode_enrolled(enrolment.encode_enrolled(ENROLLED), PUBLIC) == ENROLLED
    refusal = enrolment.Refusal("code-expired", "Ask for a new code.")
    assert enrolment.decode_refusal(enrolment.encode_refusal(refusal)) == refusal


@pytest.mark.parametrize("typed", ["abcd efgh jklm", "ABCDEFGHJKLM", " abcd-EFGH-jklm\n"])
def test_a_code_may_be_typed_in_any_way(typed: str) -> None:
    assert enrolment.normal_code(typed) == "ABCDEFGHJKLM"


@pytest.mark.parametrize("typed", ["", "ABCD-EFGH-JKL", "ABCD-EFGH-JKL0", "ABCD-EFGH-JKLMN"])
def test_what_is_no_code_is_said(typed: str) -> None:
    with pytest.raises(WireErrorFinal, match="code: must be 12 signs"):
        enrolment.normal_code(typed)


def test_the_proof_binds_the_code_and_the_key() -> None:
    asked = enrolment.request(KEY, CODE)
    other = bytes(SigningKey.generate().verify_key)
    assert enrolment.proves(asked)
    assert not enrolment.proves(replace(asked, code="ABCDEFGHJKLN"))
    assert not enrolment.proves(replace(asked, public_key=other))


def test_an_answer_for_another_key_is_refused() -> None:
    other = bytes(SigningKey.generate().verify_key)
    with pytest.raises(WireErrorFinal, match="this box's key"):
        enrolment.decode_enrolled(enrolment.encode_enrolled(ENROLLED), other)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", "chaland.enrolment/2"),
        ("code", None),
        ("public_key", "AB" * 32),
        ("public_key", "ab" * 31),
        ("proof", "x"),
        ("more", 1),
    ],
)
def test_a_broken_request_names_its_field(field: str, value: object) -> None:
    message = json.loads((GOLDEN / "enrolment-1.json").read_bytes()) | {field: value}
    with pytest.raises(WireErrorFinal) as caught:
        enrolment.decode(json.dumps(message).encode())
    assert caught.value.field == field


@given(st.binary(max_size=200))
def test_junk_never_breaks_a_reader(body: bytes) -> None:
    for read in (enrolment.decode, enrolment.decode_refusal, answers.decode):
        with pytest.raises(WireErrorFinal):
            read(body)
    with pytest.raises(WireErrorFinal):
        enrolment.decode_enrolled(body, PUBLIC)


@pytest.mark.parametrize("code", answers.Code)
def test_every_answer_has_a_status_that_says_the_same(code: answers.Code) -> None:
    meaning, status = answers.meaning_of(code), answers.status_of(code)
    assert (meaning is answers.Meaning.DONE) == (status < 300)
    answer = answers.Answer(code, "Say what to do.", 7)
    assert answers.decode(answers.encode(answer)) == answer
