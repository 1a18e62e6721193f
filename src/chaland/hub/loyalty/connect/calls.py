"""What every call of the API goes through: key, rate, body, idempotency; and how it is answered."""

import functools
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from ninja.security import HttpBearer

from chaland.hub.association import limits
from chaland.hub.common import clock
from chaland.hub.common.contention import met_another
from chaland.hub.loyalty.answers import (
    Answer,
    ForgottenErrorFinal,
    OtherRequestErrorFinal,
    RefusalFinal,
    once,
)
from chaland.hub.loyalty.connect.keys import Caller, caller_of
from chaland.hub.loyalty.connect.problems import ProblemErrorFinal, json_response
from chaland.hub.loyalty.connect.rates import allow

BYTES_AT_MOST = 2 * 1024 * 1024
CALLS_PER_MINUTE = 1200
WRONG_KEYS_AT_MOST = 20
_WRONG_KEYS_PER = timedelta(minutes=10)
KEY_HEADER = "Idempotency-Key"

Call = Callable[..., HttpResponse]


class ShopKey(HttpBearer):
    """Says in the OpenAPI document that a key is needed. `caller` reads it, so that a refusal is
    a problem like any other."""

    openapi_name = "shopKey"

    def __call__(self, _request: HttpRequest) -> Any:
        return True

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Never called: see above."""
        raise NotImplementedError


def told(view: Call) -> Call:
    """Answer a ProblemErrorFinal as problem+json; a transaction that met others too often, too."""

    @functools.wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ProblemErrorFinal as problem:
            return json_response(problem.status, problem.body())
        except OperationalError as error:
            if not met_another(error):
                raise
            busy = ProblemErrorFinal("busy")
            return json_response(busy.status, busy.body())

    return answered


def caller(request: HttpRequest) -> Caller:
    """Return who calls. Raises ProblemErrorFinal: no valid key, or too many calls."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    found = caller_of(token.strip(), clock.now()) if scheme.lower() == "bearer" else None
    if found is None:
        count_wrong_key(request)
        raise ProblemErrorFinal("unauthorized")
    if not allow(f"api-key:{found.key_id}", CALLS_PER_MINUTE):
        raise ProblemErrorFinal("too-many")
    return found


def count_wrong_key(request: HttpRequest) -> None:
    """Slow down who tries keys."""
    name = f"wrong-keys:{limits.address_of(request)}"
    if not limits.count(name, WRONG_KEYS_AT_MOST, _WRONG_KEYS_PER):
        raise ProblemErrorFinal("too-many")


def raw_body(request: HttpRequest) -> bytes:
    """Return the body as it came. Raises ProblemErrorFinal: too large, or not whole."""
    length = request.headers.get("Content-Length", "")
    if len(length) > 9 or (length.isdigit() and int(length) > BYTES_AT_MOST):
        raise ProblemErrorFinal("too-large")
    try:
        return request.body
    except RequestDataTooBig:
        raise ProblemErrorFinal("too-large") from None
    except UnreadablePostError:
        raise ProblemErrorFinal("not-json", "The connection ended before the body came.") from None


def json_body(request: HttpRequest) -> Any:
    """Return what the body says. Raises ProblemErrorFinal."""
    raw = raw_body(request)
    if request.content_type != "application/json":
        raise ProblemErrorFinal("not-media")
    try:
        return json.loads(raw.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ProblemErrorFinal("not-json") from None


def _no_number(_: str) -> Any:
    raise ValueError("NaN and Infinity are not JSON")


def idempotency_key(request: HttpRequest) -> str:
    """Return the key of a write. Raises ProblemErrorFinal: none, or not of 1 to 80 signs."""
    key = request.headers.get(KEY_HEADER, "").strip()
    if not 0 < len(key) <= 80 or not key.isascii() or not key.isprintable():
        raise ProblemErrorFinal("key-missing")
    return key


def written(
    request: HttpRequest,
    who: Caller,
    work: Callable[[str], Answer],
    key: str,
    shown: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
) -> HttpResponse:
    """Do a write once, and answer. ``work`` gets a name of this request for the ledger's keys.

    What it refuses for good (a ProblemErrorFinal of status 409 or 422) is kept as its answer.
    ``shown`` says what an answer is in the caller's words, where what is kept says it in ours.
    """

    def whole() -> Answer:
        try:
            return work(f"{who.scope}:{key}")
        except ProblemErrorFinal as problem:
            if problem.status not in (409, 422):
                raise
            raise RefusalFinal(Answer(problem.status, problem.body())) from None

    asked = f"{request.method} {request.path}\n".encode() + request.body
    try:
        answer = once(who.scope, key, asked, whole)
    except OtherRequestErrorFinal:
        raise ProblemErrorFinal("key-reused") from None
    except ForgottenErrorFinal:
        raise ProblemErrorFinal("member-unknown") from None
    told = shown(answer.body) if shown and answer.status < 400 else answer.body
    return json_response(answer.status, told)
