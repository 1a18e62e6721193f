"""Whatever is posted to a sensor's address: an answer of the format, a count, never a fault."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from chaland.hub.footfall.intake.drops import Strangers
from chaland.hub.footfall.models import Cell, DayKey, DropCount, EnrolmentCode, Sensor
from chaland.wire import answers, enrolment
from chaland.wire import exchange as wire
from chaland.wire.answers import Code
from chaland.wire.signature import sign
from chaland.wire.summary import encode
from tests.hub.footfall.intake.boxes import Box
from tests.hub.footfall.intake.talkers import Talker

pytestmark = pytest.mark.django_db(databases=["default", "footfall"])

SUMMARIES, EXCHANGE, ENROL = "/api/v1/summaries", "/api/v1/exchange", "/api/v1/sensors/enrol"
LONG, DEEP = b'{"format": ' + b"1" * 5_000 + b"}", b"[" * 4_000
HALF = b'{"\\ud800": "\\udfff", "format": "\\ud800"}'
fuzz = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


@st.composite
def bodies(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes, JSON, or a good message with a member put wrong, or a few bytes of it."""
    kind = draw(st.sampled_from(["bytes", "json", "member", "cut"]))
    if kind == "bytes":
        return draw(st.binary(max_size=200))
    if kind == "json":
        return json.dumps(draw(JSON)).encode()
    if kind == "member":
        message = json.loads(whole)
        message[draw(st.sampled_from(sorted(message)))] = draw(JSON)
        return json.dumps(message).encode()
    at = draw(st.integers(0, len(whole) - 1))
    return whole[:at] + draw(st.binary(max_size=3)) + whole[at + draw(st.integers(0, 3)) :]


ODD = st.sampled_from(
    ["9" * 5_000, "٣", "-1", "0", "\x00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:60Z"]
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        name: st.text(st.characters(max_codepoint=255), max_size=20)
        | ODD
        for name in (
            "Chaland-Sensor",
            "Chaland-Sequence",
            "Chaland-Time",
            "Chaland-Signature",
            "Content-Length",
            "Content-Type",
        )
    },
)  # fmt: skip


def post(path: str, body: bytes, headers: dict[str, str]) -> Any:
    client = Client(raise_request_exception=False)
    kind = headers.pop("Content-Type", "application/json")
    return client.post(path, body, content_type=kind, headers=headers)


@pytest.fixture
def counted(strangers: Strangers) -> Callable[[Any], None]:
    """Check that a request was refused in the format, and that one more was counted."""
    seen = [0]

    def check(response: Any) -> None:
        assert 400 <= response.status_code < 500, response.content
        answers.decode(response.content)
        strangers.flush()
        total = sum(DropCount.objects.values_list("count", flat=True))
        assert total == seen[0] + 1
        seen[0] = total

    return check


class Broken(BytesIO):
    """A body whose sender hangs up."""

    def read(self, *_: object) -> bytes:
        raise ConnectionResetError


@pytest.mark.parametrize("path", [SUMMARIES, EXCHANGE])
def test_a_body_that_never_comes(path: str, box: Box, counted: Any) -> None:
    body = whole_of(path, box)
    headers = sign(box.key, 1 if path == SUMMARIES else 0, timezone.now(), body).headers()
    broken: dict[str, Any] = {"wsgi.input": Broken(), "CONTENT_LENGTH": "1000"}
    client = Client(headers=headers, raise_request_exception=False, **broken)
    counted(client.post(path, b"", "application/json"))


def whole_of(path: str, box: Box) -> bytes:
    if path == SUMMARIES:
        return encode(box.summary(1))
    talker = Talker(box)
    other = Talker(Box(SigningKey.generate(), box.sensor))
    return wire.encode(talker.ask(objected=(1, 2), copies=(talker.seal(other),)))


@pytest.mark.parametrize("path", [SUMMARIES, EXCHANGE])
def test_any_body_that_a_sensor_signs(path: str, box: Box, counted: Any) -> None:
    number = 1 if path == SUMMARIES else 0
    whole = whole_of(path, box)

    @fuzz
    @example(body=LONG)
    @example(body=DEEP)
    @example(body=HALF)
    @given(body=bodies(whole))
    def run(body: bytes) -> None:
        signed = sign(box.key, number, timezone.now(), body)
        counted(post(path, body, signed.headers()))

    run()
    assert not Cell.objects.exists()
    assert not DayKey.objects.exists()


@pytest.mark.parametrize("path", [SUMMARIES, EXCHANGE])
def test_any_headers(path: str, box: Box, counted: Any) -> None:
    body = whole_of(path, box)

    @fuzz
    @given(headers=HEADERS.filter(lambda given: set(given) - {"Content-Type", "Content-Length"}))
    def run(headers: dict[str, str]) -> None:
        signed = sign(box.key, 1 if path == SUMMARIES else 0, timezone.now(), body)
        counted(post(path, body, {**signed.headers(), **headers}))

    run()


def test_any_enrolment(shop: Any, strangers: Strangers) -> None:
    key = SigningKey.generate()
    whole = enrolment.encode(enrolment.request(key, "AAAA-BBBB-CCCC"))
    sent = [0]

    @fuzz
    @example(body=LONG)
    @example(body=DEEP)
    @example(body=HALF)
    @given(body=bodies(whole))
    def run(body: bytes) -> None:
        response = post(ENROL, body, {})
        assert 400 <= response.status_code < 500, response.content
        enrolment.decode_refusal(response.content)
        sent[0] += 1
        strangers.flush()
        assert sum(DropCount.objects.values_list("count", flat=True)) == sent[0]

    run()
    assert not Sensor.objects.exists()
    assert not EnrolmentCode.objects.exists()


def test_no_cell_is_drawn_anew_by_saying_that_nothing_was_observed(
    box: Any, make_box: Callable[[], Any]
) -> None:
    """A replaced sensor's cells count as the shop's, whatever ``windows`` says."""
    box.send(box.summary(1))
    again = make_box()
    body = encode(again.summary(1)).replace(b'"windows": 3', b'"windows": 0')
    assert again.send(body).answer.code is Code.MALFORMED
    assert Cell.objects.count() == 1
