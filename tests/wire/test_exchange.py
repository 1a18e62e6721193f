"""The exchange: golden bytes, what the signatures bind, and what is no exchange."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from chaland.wire.charter import MAX_BYTES as MAX_CHARTER_BYTES
from chaland.wire.errors import WireErrorFinal
from chaland.wire.exchange import (
    FILTER_BITS,
    FILTER_BYTES,
    MAX_ANSWER_BYTES,
    MAX_BYTES,
    MAX_COPIES,
    MAX_OBJECTED,
    MAX_VERSION,
    SEALED_BYTES,
    Exchange,
    Exchanged,
    SealedCopy,
    decode,
    decode_answer,
    encode,
    encode_answer,
    is_copy,
    is_day_key,
    sign_copy,
    sign_day_key,
)
from chaland.wire.signature import sensor_identifier

GOLDEN = Path(__file__).parents[1] / "golden"
DAY = date(2026, 3, 14)
MAKER, OTHER = (SigningKey(bytes([n]) * 32) for n in (1, 2))
MAKER_NAME, OTHER_NAME = (sensor_identifier(bytes(key.verify_key)) for key in (MAKER, OTHER))
KEY_ID = "00112233445566ff"
COPY = sign_copy(
    MAKER,
    SealedCopy(MAKER_NAME, OTHER_NAME, bytes(range(32)), KEY_ID, bytes(range(SEALED_BYTES))),
    DAY,
)
ASKED = Exchange(
    sensor=MAKER_NAME,
    day=DAY,
    day_key=sign_day_key(MAKER, MAKER_NAME, DAY, bytes(range(1, 33))),
    holds=KEY_ID,
    offers="",
    copies=(COPY,),
    objected=(7, 4711, 65_535),
    charter_version=3,
    filter_version=12,
)
ANSWERED = Exchanged(
    day=DAY,
    key=KEY_ID,
    copy=None,
    wanting=(sign_day_key(OTHER, OTHER_NAME, DAY, bytes(range(32))),),
    charter="",
    filter_version=12,
    filter=b"",
)


def test_golden_bytes() -> None:
    asked, answered = (GOLDEN / f"{name}-1.json" for name in ("exchange", "exchanged"))
    assert encode(ASKED) == asked.read_bytes()
    assert decode(asked.read_bytes()) == ASKED
    assert encode_answer(ANSWERED) == answered.read_bytes()
    assert decode_answer(answered.read_bytes()) == ANSWERED


KEY_IDS = st.text("0123456789abcdef", min_size=16, max_size=16)
KEYS = st.binary(min_size=32, max_size=32)
VERSIONS = st.integers(0, MAX_VERSION)
DAY_KEYS = st.builds(lambda key: sign_day_key(OTHER, OTHER_NAME, DAY, key), KEYS)
COPIES = st.builds(
    lambda to, key, box: sign_copy(MAKER, SealedCopy(MAKER_NAME, OTHER_NAME, to, key, box), DAY),
    KEYS, KEY_IDS, st.binary(min_size=SEALED_BYTES, max_size=SEALED_BYTES),
)  # fmt: skip
REQUESTS = st.builds(
    Exchange,
    sensor=st.just(OTHER_NAME),
    day=st.dates(date(2001, 1, 1), date(2099, 12, 31)),
    day_key=st.none() | DAY_KEYS,
    holds=st.just("") | KEY_IDS,
    offers=st.just("") | KEY_IDS,
    copies=st.lists(COPIES, max_size=3).map(tuple),
    objected=st.sets(st.integers(0, FILTER_BITS - 1), max_size=5).map(lambda s: tuple(sorted(s))),
    charter_version=VERSIONS,
    filter_version=VERSIONS,
)
ANSWERS = st.builds(
    Exchanged,
    day=st.just(DAY),
    key=st.just("") | KEY_IDS,
    copy=st.none() | COPIES,
    wanting=st.lists(DAY_KEYS, max_size=3).map(tuple),
    charter=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80),
    filter_version=VERSIONS,
    filter=st.sampled_from([b"", bytes(FILTER_BYTES), b"\xff" * FILTER_BYTES]),
)


@given(REQUESTS, ANSWERS)
def test_round_trips(asked: Exchange, answered: Exchanged) -> None:
    assert decode(encode(asked)) == asked
    assert decode_answer(encode_answer(answered)) == answered


def test_a_day_key_is_bound_to_its_sensor_and_day() -> None:
    key = ASKED.day_key
    assert key is not None
    identity = bytes(MAKER.verify_key)
    assert is_day_key(key, DAY, identity)
    assert not is_day_key(key, DAY + timedelta(days=1), identity)
    assert not is_day_key(key, DAY, bytes(OTHER.verify_key))
    assert not is_day_key(replace(key, sensor=OTHER_NAME), DAY, identity)
    assert not is_day_key(replace(key, public_key=bytes(32)), DAY, identity)
    assert not is_day_key(replace(key, signature="x"), DAY, identity)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("maker", OTHER_NAME),
        ("recipient", MAKER_NAME),
        ("recipient_key", bytes(32)),
        ("key", "0" * 16),
        ("box", bytes(SEALED_BYTES)),
        ("signature", "A" * 86 + "=="),
        ("signature", "é"),
    ],
)
def test_every_member_of_a_copy_is_signed(member: str, value: object) -> None:
    identity = bytes(MAKER.verify_key)
    assert is_copy(COPY, DAY, identity)
    assert not is_copy(replace(COPY, **{member: value}), DAY, identity)  # type: ignore[arg-type]


def test_a_copy_of_another_day_or_maker_is_none() -> None:
    assert not is_copy(COPY, DAY + timedelta(days=1), bytes(MAKER.verify_key))
    assert not is_copy(COPY, DAY, bytes(OTHER.verify_key))


BROKEN: list[tuple[str, object, str]] = [
    ("format", "chaland.exchange/2", "must be chaland.exchange/1"),
    ("sensor", "00:11:22:33:44:55", "16 letters"),
    ("day", "today", "a day"),
    ("day_key", "ab", "64 hexadecimal"),
    ("day_key", "", "must come with day_key"),
    ("day_key_signature", "", "must come with day_key"),
    ("holds", "key", "16 hexadecimal"),
    ("offers", None, "16 hexadecimal"),
    ("copies", {}, "list of at most 100"),
    ("copies", [{}], "is missing"),
    ("objected", [1, 1], "must increase"),
    ("objected", [2, 1], "must increase"),
    ("objected", [FILTER_BITS], "from 0 to 65535"),
    ("objected", list(range(MAX_OBJECTED + 1)), "list of 0 to 1024"),
    ("charter_version", -1, "from 0"),
    ("rssi", -70, "not a member"),
]


@pytest.mark.parametrize(("member", "value", "problem"), BROKEN)
def test_what_breaks_a_rule_is_named(member: str, value: object, problem: str) -> None:
    message = json.loads(encode(ASKED)) | {member: value}
    with pytest.raises(WireErrorFinal, match=problem) as caught:
        decode(json.dumps(message).encode())
    named = "day_key_signature" if member == "day_key" and value == "" else member
    assert caught.value.field.startswith(named)


@pytest.mark.parametrize(
    ("member", "value", "problem"),
    [
        ("format", "chaland.exchange/1", "must be chaland.exchanged/1"),
        ("copy", [{}, {}], "at most 1"),
        ("wanting", [{"sensor": OTHER_NAME}], "is missing"),
        ("charter", "é", "charter as text"),
        ("filter", "AAAA", "base64 of 8192 bytes"),
        ("filter", 3, "base64 of 8192 bytes"),
        ("secret", "", "not a member"),
    ],
)
def test_what_breaks_a_rule_of_an_answer_is_named(member: str, value: object, problem: str) -> None:
    message = json.loads(encode_answer(ANSWERED)) | {member: value}
    with pytest.raises(WireErrorFinal, match=problem) as caught:
        decode_answer(json.dumps(message).encode())
    assert caught.value.field.startswith(member)


def test_another_spelling_of_a_request_is_refused() -> None:
    """White space or order could carry out what the members may not."""
    body = encode(ASKED)
    for spelling in (body + b" ", body.replace(b", ", b",", 1), body.replace(b"4711", b"4711 ")):
        with pytest.raises(WireErrorFinal, match="order and spacing"):
            decode(spelling)


def test_the_largest_messages_fit() -> None:
    objected = tuple(range(FILTER_BITS - MAX_OBJECTED, FILTER_BITS))
    largest = replace(
        ASKED, offers=KEY_ID, copies=(COPY,) * MAX_COPIES, objected=objected,
        charter_version=MAX_VERSION, filter_version=MAX_VERSION,
    )  # fmt: skip
    assert len(encode(largest)) < MAX_BYTES
    charter = ('{"é": "x"}'.encode().decode("ascii", "backslashreplace") * 10**6)[
        :MAX_CHARTER_BYTES
    ]
    answer = replace(
        ANSWERED, copy=COPY, wanting=ANSWERED.wanting * MAX_COPIES, charter=charter,
        filter_version=MAX_VERSION, filter=b"\xff" * FILTER_BYTES,
    )  # fmt: skip
    assert len(encode_answer(answer)) < MAX_ANSWER_BYTES


@given(st.binary(max_size=200))
def test_junk_is_refused_and_never_breaks(body: bytes) -> None:
    for read in (decode, decode_answer):
        with pytest.raises(WireErrorFinal):
            read(body)
