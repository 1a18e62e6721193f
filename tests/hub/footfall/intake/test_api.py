"""The two addresses over HTTP: raw bodies, no cookies, every answer in its format."""

import json
import sqlite3
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from nacl.signing import SigningKey

from chaland.hub.association.models import Association, Shop
from chaland.hub.footfall.intake import api
from chaland.hub.footfall.intake.drops import Strangers
from chaland.hub.footfall.models import Cell, DropCount, EnrolmentCode, Sensor
from chaland.hub.footfall.services.enrolment import CODE_LIVES, create_enrolment_code, redeem
from chaland.wire import answers, enrolment
from chaland.wire.answers import Code
from chaland.wire.errors import WireErrorFinal
from chaland.wire.periods import cell_start
from chaland.wire.signature import sign
from chaland.wire.summary import MAX_BYTES, encode

pytestmark = pytest.mark.django_db(databases=["default", "footfall"])

SUMMARIES, ENROL = "/api/v1/summaries", "/api/v1/sensors/enrol"


def post(path: str, body: bytes, headers: dict[str, str] | None = None) -> Any:
    client = Client(enforce_csrf_checks=True)
    return client.post(path, body, content_type="application/json", headers=headers or {})


def ask(key: SigningKey, code: str) -> Any:
    return post(ENROL, enrolment.encode(enrolment.request(key, code)))


def refused(response: Any) -> str:
    return enrolment.decode_refusal(response.content).code


def test_a_box_is_enrolled_and_heard(shop: Shop, box: Any, sign_charter: Any) -> None:
    key, now = SigningKey.generate(), timezone.now()
    response = ask(key, create_enrolment_code(shop.pk, "window", now).lower())
    assert response.status_code == 201
    enrolled = enrolment.decode_enrolled(response.content, bytes(key.verify_key))
    assert (enrolled.shop, enrolled.timezone) == ("Librairie", "Europe/Paris")
    sensor = Sensor.objects.get(identifier=enrolled.sensor)
    assert (sensor.shop_id, sensor.label) == (shop.pk, "window")
    sign_charter()
    start = cell_start(now - timedelta(minutes=20))
    body = encode(box.summary(1, sensor=enrolled.sensor, start=start))
    response = post(SUMMARIES, body, sign(key, 1, now, body).headers())
    assert response.status_code == 201
    assert answers.decode(response.content) == answers.Answer(Code.ACCEPTED, "Stored.", 1)
    assert Cell.objects.get().sensor == sensor
    assert not response.cookies
    assert post(SUMMARIES, body, sign(key, 1, now, body).headers()).status_code == 200


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"Chaland-Sensor": ""}, "Chaland-Sensor"),
        ({"Chaland-Sequence": "1.0"}, "Chaland-Sequence"),
        ({"Chaland-Sequence": "0"}, "Chaland-Sequence"),
        ({"Chaland-Sequence": "9" * 5000}, "Chaland-Sequence"),
        ({"Chaland-Signature": ""}, "Chaland-Signature"),
    ],
)
def test_a_broken_header_is_named(box: Any, changes: dict[str, str], named: str) -> None:
    body = encode(box.summary(1))
    response = post(SUMMARIES, body, sign(box.key, 1, timezone.now(), body).headers() | changes)
    answer = answers.decode(response.content)
    assert (response.status_code, answer.code) == (400, Code.MALFORMED)
    assert answer.message.startswith(f"{named}: ")


def test_an_oversized_body_is_refused(box: Any) -> None:
    body = b"x" * (MAX_BYTES + 1)
    response = post(SUMMARIES, body, sign(box.key, 1, timezone.now(), body).headers())
    assert response.status_code == 413
    assert answers.decode(response.content).code is Code.OVERSIZED
    assert DropCount.objects.get().reason == "oversized"


def test_a_code_serves_one_box(shop: Shop) -> None:
    code = create_enrolment_code(shop.pk, "", timezone.now())
    first, second = SigningKey.generate(), SigningKey.generate()
    assert ask(first, code).status_code == 201
    assert ask(first, code).status_code == 201, "its answer was lost, it asks again"
    response = ask(second, code)
    assert (response.status_code, refused(response)) == (409, "code-used")
    assert Sensor.objects.count() == 1


def test_a_code_expires(shop: Shop) -> None:
    code = create_enrolment_code(shop.pk, "", timezone.now() - CODE_LIVES)
    response = ask(SigningKey.generate(), code)
    assert (response.status_code, refused(response)) == (410, "code-expired")
    assert not Sensor.objects.exists()


def test_a_key_is_one_sensor(shop: Shop) -> None:
    key = SigningKey.generate()
    codes = [create_enrolment_code(shop.pk, "", timezone.now()) for _ in range(2)]
    assert ask(key, codes[0]).status_code == 201
    assert refused(ask(key, codes[1])) == "key-known"
    assert ask(SigningKey.generate(), codes[1]).status_code == 201, "the code is still good"


def test_the_proof_is_checked(shop: Shop) -> None:
    code = create_enrolment_code(shop.pk, "", timezone.now())
    mine, stolen = SigningKey.generate(), SigningKey.generate()
    request = enrolment.request(mine, code)
    forged = enrolment.Enrolment(request.code, bytes(stolen.verify_key), request.proof)
    assert refused(post(ENROL, enrolment.encode(forged))) == "proof-wrong"


def test_a_shop_that_left_enrols_nothing(shop: Shop) -> None:
    code = create_enrolment_code(shop.pk, "", timezone.now())
    shop.delete()
    assert refused(ask(SigningKey.generate(), code)) == "shop-gone"


def test_guessing_codes_is_slowed_down_and_counted(shop: Shop, strangers: Strangers) -> None:
    for _ in range(10):
        assert refused(ask(SigningKey.generate(), "AAAA-BBBB-CCCC")) == "code-unknown"
    response = ask(SigningKey.generate(), "AAAA-BBBB-CCCC")
    assert (response.status_code, refused(response)) == (429, "too-many")
    assert response["Retry-After"] == "600"
    strangers.flush()
    counted = dict(DropCount.objects.values_list("reason", "count"))
    assert counted == {"enrol-code-unknown": 10, "enrol-too-many": 1}


def test_a_right_code_passes_behind_an_address_that_guesses(shop: Shop) -> None:
    code = create_enrolment_code(shop.pk, "", timezone.now())
    for _ in range(11):
        ask(SigningKey.generate(), "AAAA-BBBB-CCCC")
    assert ask(SigningKey.generate(), code).status_code == 201
    assert refused(ask(SigningKey.generate(), code)) == "code-used", "why not is still told"


class Stalled(BytesIO):
    """A body that never comes."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")


@pytest.mark.parametrize("headers", [{}, {"Chaland-Sensor": "a" * 16}])
def test_the_body_of_who_is_no_sensor_is_not_waited_for(box: Any, headers: dict[str, str]) -> None:
    body = encode(box.summary(1))
    signed = sign(box.key, 1, timezone.now(), body).headers() | headers if headers else {}
    stalled: dict[str, Any] = {"wsgi.input": Stalled(), "CONTENT_LENGTH": "1000"}
    response = Client(headers=signed, **stalled).post(SUMMARIES, b"", "application/json")
    assert response.status_code == (401 if headers else 400)


def test_a_broken_request_names_its_field(shop: Shop) -> None:
    response = post(ENROL, b'{"format": "chaland.enrolment/1"}')
    assert response.status_code == 400
    assert enrolment.decode_refusal(response.content).message == "code: is missing."


def test_codes_are_stored_hashed_and_old_ones_go(shop: Shop) -> None:
    old = timezone.now() - timedelta(days=40)
    create_enrolment_code(shop.pk, "", old)
    code = create_enrolment_code(shop.pk, "", timezone.now())
    row = EnrolmentCode.objects.get()
    assert code.replace("-", "") not in json.dumps(
        {field.attname: str(getattr(row, field.attname)) for field in row._meta.fields}
    )


def test_redeem_is_for_sensors_of_any_town(shop: Shop) -> None:
    Association.objects.update(simulated=True, timezone="Indian/Reunion")
    key = SigningKey.generate()
    code = create_enrolment_code(shop.pk, "", timezone.now())
    enrolled = enrolment.decode_enrolled(ask(key, code).content, bytes(key.verify_key))
    assert (enrolled.simulated, enrolled.timezone) == (True, "Indian/Reunion")
    assert redeem(enrolment.request(key, code), timezone.now()).identifier == enrolled.sensor


def test_the_openapi_document_describes_both(client: Client, db: None) -> None:
    document = client.get("/api/v1/openapi.json").json()
    summaries = document["paths"][SUMMARIES]["post"]
    assert {p["name"] for p in summaries["parameters"]} == {
        "Chaland-Sensor",
        "Chaland-Sequence",
        "Chaland-Time",
        "Chaland-Signature",
    }
    described = " ".join(answer["description"] for answer in summaries["responses"].values())
    assert all(code in described for code in Code)
    schema = summaries["requestBody"]["content"]["application/json"]["schema"]
    assert "epsilon" in json.dumps(schema)
    assert "409" in document["paths"][ENROL]["post"]["responses"]


@pytest.mark.parametrize(("code", "status"), [(sqlite3.SQLITE_BUSY, 503), (None, 500)])
def test_a_busy_database_is_told_and_the_box_sends_the_same_again(
    box: Any, monkeypatch: pytest.MonkeyPatch, code: int | None, status: int
) -> None:
    def in_the_way(*_given: object) -> None:
        cause = sqlite3.OperationalError("database is locked")
        if code is not None:
            cause.sqlite_errorcode = code
        raise OperationalError("database is locked") from cause

    body = encode(box.summary(1))
    headers = sign(box.key, 1, timezone.now(), body).headers()
    with monkeypatch.context() as patch:
        patch.setattr(api, "accept", in_the_way)
        client = Client(raise_request_exception=False)
        response = client.post(
            SUMMARIES, body, content_type="application/json", headers=dict(headers)
        )
    assert response.status_code == status
    if status == 503:
        assert response["Retry-After"] == "2"
        with pytest.raises(WireErrorFinal):  # no answer of the hub's: nothing is deleted
            answers.decode(response.content)
