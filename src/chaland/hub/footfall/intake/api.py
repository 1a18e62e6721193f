"""The addresses that sensors know: summaries, exchange, enrolment. No cookies, no sessions."""

import functools
import re
from collections.abc import Callable
from datetime import timedelta

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from ninja import Router

from chaland.hub.association import limits
from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.common.contention import met_another
from chaland.hub.footfall.intake import drops
from chaland.hub.footfall.intake.exchange import relay
from chaland.hub.footfall.intake.openapi import ENROL, EXCHANGE, SUMMARIES
from chaland.hub.footfall.intake.services import accept, claimed_sensor
from chaland.hub.footfall.models import Sensor
from chaland.hub.footfall.services.drops import ENROLMENT_PREFIX, EXCHANGE_PREFIX
from chaland.hub.footfall.services.enrolment import EnrolmentErrorFinal, redeem
from chaland.wire import answers, enrolment, exchange
from chaland.wire.answers import Answer, Code
from chaland.wire.errors import WireErrorFinal
from chaland.wire.signature import (
    SENSOR_HEADER,
    SEQUENCE_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    Envelope,
)
from chaland.wire.summary import MAX_BYTES, MAX_SEQUENCE

WRONG_CODES_AT_MOST = 10
WRONG_CODES_PER_S = 600
GUESSED = ("code-unknown", "malformed", "proof-wrong")
"""Refusals of who does not hold a code of this hub."""

_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)

router = Router(tags=["sensors"])

BUSY = b"Busy: nothing was done. Send the same again."


def _or_later(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer 503 where another transaction is in the way: a box sends the same again."""

    @functools.wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except OperationalError as error:
            if not met_another(error):
                raise
            later = {"Retry-After": "2"}
            return HttpResponse(BUSY, status=503, content_type="text/plain", headers=later)

    return answered


@router.post("/summaries", openapi_extra=SUMMARIES, summary="Send a sensor's summary")
@_or_later
def post_summary(request: HttpRequest) -> HttpResponse:
    """Store one signed summary, exactly once, or say why not."""
    now = clock.now()
    try:
        envelope, body = _signed(request, 1, MAX_BYTES)
    except WireErrorFinal as error:
        return _unreadable(error, "")
    return _answer(accept(body, envelope, now).answer)


@router.post("/exchange", openapi_extra=EXCHANGE, summary="Pass keys, charter and objections on")
@_or_later
def post_exchange(request: HttpRequest) -> HttpResponse:
    """Relay what sensors seal for each other; give the charter and the objection filter out."""
    now = clock.now()
    try:
        envelope, body = _signed(request, 0, exchange.MAX_BYTES)
    except WireErrorFinal as error:
        return _unreadable(error, EXCHANGE_PREFIX)
    said = relay(body, envelope, now)
    return _answer(said) if isinstance(said, Answer) else _json(exchange.encode_answer(said), 200)


@router.post("/sensors/enrol", openapi_extra=ENROL, summary="Enrol a box as a shop's sensor")
@_or_later
def post_enrolment(request: HttpRequest) -> HttpResponse:
    """Make the box that holds a one-time code a sensor of the code's shop."""
    now = clock.now()
    try:
        sensor = redeem(enrolment.decode(_body(request)), now)
    except WireErrorFinal as error:
        return _refusal(request, EnrolmentErrorFinal("malformed", 400, f"{error}."))
    except EnrolmentErrorFinal as error:
        return _refusal(request, error)
    return _json(enrolment.encode_enrolled(_enrolled(sensor)), 201)


def _signed(request: HttpRequest, first: int, at_most: int) -> tuple[Envelope, bytes]:
    """Return envelope and body; numbers begin with ``first``. Raises WireErrorFinal."""
    envelope = _envelope(request, first)
    # Who names no sensor of ours gets no thread to keep waiting for a body.
    return envelope, _body(request, at_most) if claimed_sensor(envelope) else b""


def _unreadable(error: WireErrorFinal, prefix: str) -> HttpResponse:
    code = Code.OVERSIZED if error.field == "message" else Code.MALFORMED
    drops.strangers.count(prefix + code, clock.now())
    return _answer(Answer(code, f"{error}."))


def _body(request: HttpRequest, at_most: int = MAX_BYTES) -> bytes:
    """Return the raw body; one that is too long is not even read. Raises WireErrorFinal."""
    length = request.headers.get("Content-Length", "")
    if length and not (length.isascii() and length.isdigit()):
        raise WireErrorFinal("Content-Length", "must be a number")
    if len(length) > 9 or int(length or 0) > at_most:
        problem = f"has {length[:12]} bytes; at most {at_most} are allowed"
        raise WireErrorFinal("message", problem)
    try:
        return request.body
    except UnreadablePostError:
        raise WireErrorFinal("body", "the connection ended before it came") from None


def _envelope(request: HttpRequest, first: int) -> Envelope:
    values = {}
    for name in (SENSOR_HEADER, SEQUENCE_HEADER, TIME_HEADER, SIGNATURE_HEADER):
        values[name] = request.headers.get(name, "")
        if not values[name]:
            raise WireErrorFinal(name, "this header is missing")
    number = int(values[SEQUENCE_HEADER]) if _NUMBER.fullmatch(values[SEQUENCE_HEADER]) else -1
    last = MAX_SEQUENCE if first else 0
    if not first <= number <= last:
        said = f"must be a number from {first} to {last}" if first else "must be 0"
        raise WireErrorFinal(SEQUENCE_HEADER, said)
    return Envelope(values[SENSOR_HEADER], number, values[TIME_HEADER], values[SIGNATURE_HEADER])


def _answer(answer: Answer) -> HttpResponse:
    return _json(answers.encode(answer), answers.status_of(answer.code))


def _json(body: bytes, status: int) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json")


def _enrolled(sensor: Sensor) -> enrolment.Enrolled:
    shop = Shop.objects.select_related("association").get(pk=sensor.shop_id)
    town = shop.association
    return enrolment.Enrolled(sensor.identifier, shop.name, town.timezone, town.simulated)


def _refusal(request: HttpRequest, error: EnrolmentErrorFinal) -> HttpResponse:
    """Say why not. Who tries codes at random is told to wait; a right code is never in the way."""
    if error.code in GUESSED and _has_guessed_enough(request):
        error = EnrolmentErrorFinal(
            "too-many", 429, "Too many wrong codes from here: wait ten minutes, then try again."
        )
    drops.strangers.count(ENROLMENT_PREFIX + error.code, clock.now())
    refusal = enrolment.Refusal(error.code, error.message)
    response = _json(enrolment.encode_refusal(refusal), error.status)
    if error.status == 429:
        response["Retry-After"] = str(WRONG_CODES_PER_S)
    return response


def _has_guessed_enough(request: HttpRequest) -> bool:
    """Tell whether this address tried too many codes; if not, note one more."""
    name = f"wrong-codes:{limits.address_of(request)}"
    return not limits.count(name, WRONG_CODES_AT_MOST, timedelta(seconds=WRONG_CODES_PER_S))
