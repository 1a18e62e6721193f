"""Whatever the bytes are: a reader of the wire returns a message, or raises WireErrorFinal."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from chaland.sensor import orders
from chaland.sensor.orders import Copy, KeyNews, Note, Objected
from chaland.wire import answers, charter, enrolment, exchange, fields, summary
from chaland.wire.errors import WireErrorFinal
from chaland.wire.summary import State
from tests import charters

GOLDEN = Path(__file__).parents[1] / "golden"
KEY = SigningKey(bytes(32))
SUMMARY = (GOLDEN / "summary-1-day-end.json").read_bytes().strip()
EXCHANGED = (GOLDEN / "exchanged-1.json").read_bytes().strip()
COPY = Copy("a2" * 8, bytes(32), "0f" * 8, bytes(80))

READERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "summary": (summary.decode, SUMMARY),
    "release": (
        summary.decode_release,
        summary.encode_release(summary.decode(SUMMARY).cell),
    ),
    "charter": (charter.decode, (GOLDEN / "charter-1.json").read_bytes().strip()),
    "exchange": (exchange.decode, (GOLDEN / "exchange-1.json").read_bytes().strip()),
    "exchanged": (exchange.decode_answer, EXCHANGED),
    "answer": (answers.decode, answers.encode(answers.Answer(answers.Code.ACCEPTED, "ça", 3))),
    "enrolment": (enrolment.decode, (GOLDEN / "enrolment-1.json").read_bytes().strip()),
    "enrolled": (
        lambda body: enrolment.decode_enrolled(body, bytes(KEY.verify_key)),
        enrolment.encode_enrolled(
            enrolment.Enrolled(charters.name(KEY), "Café", "Europe/Paris", simulated=True)
        ),
    ),
    "refusal": (
        enrolment.decode_refusal,
        enrolment.encode_refusal(enrolment.Refusal("code-used", "ask for another")),
    ),
    "note": (orders.read_line, orders.write_line(Note(State.DEAF, "« é »"))),
    "key-news": (orders.read_line, orders.write_line(KeyNews(bytes(32), "", "0f" * 8, (COPY,)))),
    "objected": (orders.read_line, orders.write_line(Objected((1, 7)))),
    "line down": (orders.read_line_down, EXCHANGED),
    "a file of the sensor": (lambda body: fields.load(body, 10**6, "utf-8"), SUMMARY),
}
"""Each reader, and a message that it reads."""

NASTY = st.sampled_from([
    *("1" * 5_000, "-" + "1" * 5_000, "1." + "1" * 5_000, "1e999", "-0", "1e-7", "NaN", "Infinity"),
    *("[" * 30_000, "[" * 500 + "]" * 500, '{"a":' * 500 + "1" + "}" * 500, '{"a": 1, "a": 1}'),
    *('"\\ud800"', '["\\udfff"]', '{"\\ud9ff": 1}', '"\\u0000\\u001b[2J"', '"\\u0663\\u0663"'),
    *('""', "null", "true", "{}", "[]", "0", "[[]]", "[{}]", '"9999-12-31"', '"0000-00-00"'),
    *('"2026-W11-6"', '"2100-12-31T23:45:00Z"', '"A==="', '"AAAA"', "\x00", "\xff", "\\"),
])  # fmt: skip


def members(value: object) -> list[tuple[object, ...]]:
    """Return the path of each part of a message."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
    found: list[tuple[object, ...]] = []
    for name, part in parts:
        found.append((name,))
        if isinstance(part, dict | list):
            found += [(name, *rest) for rest in members(part)]
    return found


def with_nasty(body: bytes, path: tuple[object, ...], nasty: str) -> bytes:
    """Put a piece of JSON, or what looks so, in place of one part of a message."""
    message = json.loads(body)
    at = message
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = "@@@"
    return json.dumps(message).replace('"@@@"', nasty).encode("latin-1")


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_bytes_raise_anything_but_the_wires_own_error(name: str, data: st.DataObject) -> None:
    read, body = READERS[name]
    read(body)
    kind = data.draw(st.sampled_from(["bytes", "spliced", "member", "member", "member"]))
    if kind == "bytes":
        body = data.draw(st.binary(max_size=300))
    elif kind == "spliced":
        at, to = (data.draw(st.integers(0, len(body))) for _ in range(2))
        nasty = data.draw(NASTY | st.text('"\\{}[],:0e-u', max_size=6))
        body = body[:at] + nasty.encode("latin-1") + body[to:]
    else:
        body = with_nasty(body, data.draw(st.sampled_from(members(json.loads(body)))),
                          data.draw(NASTY))  # fmt: skip
    try:
        found = read(body)
    except WireErrorFinal as error:
        shown = str(error)
    else:
        shown = str(found)
    shown.encode("utf-8")  # it can be logged, stored and printed


@given(st.recursive(st.none() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=9))
@example([[[[[[[[[[]]]]]]]]]])
@example("\ud800")
@example(10**30)
def test_what_is_loaded_can_be_written_again(value: object) -> None:
    body = json.dumps({"member": value}).encode("ascii")
    try:
        found = fields.load(body, 10**6).take("member")
    except WireErrorFinal:
        return
    json.dumps(found, ensure_ascii=False).encode("utf-8")


def test_what_a_stranger_says_steers_no_terminal() -> None:
    said = answers.encode(answers.Answer(answers.Code.MALFORMED, "\x1b[2Jwiped\r\nall is well", 0))
    assert answers.decode(said).message == " [2Jwiped  all is well"
    refusal = enrolment.encode_refusal(enrolment.Refusal("\x9b2J", "\u202eno"))
    assert enrolment.decode_refusal(refusal) == enrolment.Refusal(" 2J", " no")
    with pytest.raises(WireErrorFinal) as caught:
        summary.decode(SUMMARY.replace(b'"windows"', b'"\\u001b[2J": 1, "windows"'))
    assert str(caught.value).isprintable()
