"""What the French providers' REST interfaces have in common: one JSON call for each message.

None of them signs what it reports: the secret in our hook's address is what proves it. None could
be tried from here; the tests play each as its public documents say (named in each module).
"""

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import Any

import httpx
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.outreach.faults import words
from chaland.hub.loyalty.outreach.shapes import (
    Capabilities,
    GatewayErrorFinal,
    GatewayErrorTemporary,
    Heard,
    Hook,
    Kind,
    Outcome,
    Result,
    Sms,
    Status,
)
from chaland.hub.loyalty.outreach.sms.opening import Opening, at_once, own_key

logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells addresses, OVH's hold a number
MICROCENTS_OF_A_EURO = 100 * 1_000_000
_SEGMENTS_AT_MOST, _EUROS_AT_MOST = 255, 100
_TIMEOUT = httpx.Timeout(30, connect=10)


class Rest(ABC):
    """A provider. Settings of all: ``url`` (another server of theirs), ``connections`` (4),
    ``segment_microcents`` (what a segment costs, where the provider's answer doesn't say)."""

    capabilities: Capabilities
    url: str

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.url = opening.text("url", self.url).rstrip("/")
        self.segment_microcents = opening.number("segment_microcents", 0)
        self._width = max(1, opening.number("connections", 4))
        self._pool = ThreadPoolExecutor(self._width, type(self).__name__.lower())
        self._lock = Lock()
        self._client: httpx.Client | None = None

    @abstractmethod
    def ask(self, sms: Sms) -> tuple[str, dict[str, Any]]:
        """Return the path and the JSON that send one message."""

    @abstractmethod
    def accepted(self, sms: Sms, told: Mapping[str, Any]) -> Outcome:
        """Read the answer to a call that succeeded. KeyError, ValueError: not as documented."""

    @abstractmethod
    def read(self, hook: Hook) -> list[Status | Heard]:
        """Read a provider's call. ValueError: it is none of ours."""

    @abstractmethod
    def headers(self, method: str, url: str, body: str) -> dict[str, str]:
        """Return what proves who we are."""

    def refused(self, sms: Sms, status: int, told: Mapping[str, Any]) -> Outcome:
        """Read the answer to a call that the provider refused for good."""
        return Outcome(sms.key, Result.REFUSED, code=code_of(status, told))

    def send(self, batch: Iterable[Sms]) -> Iterator[Outcome]:
        """Hand messages over, some at once, each by one call."""
        return at_once(batch, self._call, self._pool, self._width)

    def look_up(self, key: str, provider_id: str) -> Status | None:  # noqa: ARG002
        """Return None, where a provider answers no such question."""
        return None

    def close(self) -> None:
        """Give the connections up."""
        self._pool.shutdown()
        if self._client:
            self._client.close()

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """Call the provider. GatewayErrorTemporary: surely nothing got there; httpx.HTTPError:
        it may have."""
        url, text = self.url + path, json.dumps(body) if body is not None else ""
        headers = {"Accept": "application/json", **self.headers(method, url, text)}
        if text:
            headers["Content-Type"] = "application/json; charset=utf-8"
        try:
            return self._opened().request(method, url, content=text, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            name = type(self).__name__
            raise GatewayErrorTemporary(f"{name}: {words(error)}") from None

    def _opened(self) -> httpx.Client:
        """Made when first needed: it reads all certificates, and a driver may be there to read."""
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(timeout=_TIMEOUT, follow_redirects=False)
            return self._client

    def _call(self, sms: Sms) -> Outcome:
        try:
            answer = self.call("POST", *self.ask(sms))
        except httpx.HTTPError as error:
            return Outcome(sms.key, Result.UNKNOWN, code=type(error).__name__)
        told = _object(answer)
        if answer.is_success:
            try:
                return _plausible(self.accepted(sms, told))
            except (KeyError, ValueError, TypeError, IndexError, OverflowError):
                return Outcome(sms.key, Result.UNKNOWN, code="answer not as documented")
        if answer.status_code in (401, 402, 403):
            why = _("%(provider)s refuses (%(code)s): check keys, sender’s name and credit.")
            code = code_of(answer.status_code, told)
            raise GatewayErrorFinal(why % {"provider": type(self).__name__, "code": code})
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return Outcome(sms.key, Result.LATER, code="429")
        if answer.is_client_error:
            return self.refused(sms, answer.status_code, told)
        return Outcome(sms.key, Result.UNKNOWN, code=str(answer.status_code))


def microcents(euros: object) -> int:
    """Return a price in millionths of a cent. ValueError, OverflowError: it is no number."""
    return round(float(str(euros)) * MICROCENTS_OF_A_EURO)


def _plausible(outcome: Outcome) -> Outcome:
    """Return what a provider says was accepted. ValueError where no message has such segments,
    such a price or such a name: the database would refuse it, with all the others of its batch."""
    has_size = 0 <= outcome.segments <= _SEGMENTS_AT_MOST
    has_price = 0 <= outcome.cost_microcents <= _EUROS_AT_MOST * MICROCENTS_OF_A_EURO
    if not (has_size and has_price and outcome.provider_id.isprintable()):
        raise ValueError("No message is so.")
    return outcome


def code_of(status: int, told: Mapping[str, Any]) -> str:
    """Return a refusal's code. Never its words: providers put the number into them."""
    named = told.get("errorCode") or told.get("code") or told.get("class") or ""
    kept = "".join(c for c in str(named) if c.isalpha() or c in "_:.-") or str(named)[:5]
    return f"{status} {kept}".strip()[:80]


def without_stop(text: str) -> tuple[str, bool]:
    """Take the STOP line off, for a provider that puts its own in its place; whether there was."""
    body, _break, last = text.rpartition("\n")
    return (body, True) if last.startswith("STOP") else (text, False)


def fields(hook: Hook) -> Mapping[str, Any]:
    """Return what a provider reports: a JSON object, or what stands in the address. ValueError."""
    if not hook.body.strip():
        return hook.query
    told = json.loads(hook.body)
    if not isinstance(told, dict):
        raise ValueError("The call holds no JSON object.")
    return told


def statuses(
    kind: Kind, code: object, *, key: str = "", provider_id: object = ""
) -> list[Status | Heard]:
    """Make the reports of one word; a number on the provider's own stop list got nothing, too.

    ValueError: it names no message.
    """
    first = status(kind, code, key=key, provider_id=provider_id)
    is_listed = kind is Kind.UNSUBSCRIBED and "black" in str(code).lower()
    return [first, replace(first, kind=Kind.FAILED)] if is_listed else [first]


def status(kind: Kind, code: object, *, key: str = "", provider_id: object = "") -> Status:
    """Make a report. ValueError: it names no message."""
    if not key and not provider_id:
        raise ValueError("The report names no message.")
    key = own_key(key) if key else ""
    return Status(kind, clock.now(), key, str(provider_id), str(code)[:80])


def heard(number: object, text: object, provider_id: object = "") -> Heard:
    """Make an answer of a member, from a number with or without its plus. ValueError: none."""
    digits = "".join(c for c in str(number or "") if c.isdecimal()).removeprefix("00")
    if not digits:
        raise ValueError("The answer names no sender.")
    return Heard(f"+{digits}", str(text or ""), clock.now(), str(provider_id or ""))


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
