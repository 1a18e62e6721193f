"""The Kannel gateway, by its HTTP interface (Kannel 1.4.5 user guide, chapter "SMS gateway").

Calls are POSTs with ``X-Kannel-…`` headers, so that no number and no password stands in an address
that a server writes into its log. Kannel gives no number of its own to a message: ours goes in the
address that it reports to. Its report is a bit field, in any order: 1 delivered, 2 failed, 4
queued, 8 accepted by the operator, 16 refused by the operator, 32 expired (with 2: 34).

For answers of members (STOP) its ``sms-service`` needs ``post-url`` = the gateway's hook address,
with ``catch-all``, ``send-sender = true`` and ``max-messages = 0`` (docs/how-to/send-sms.md).
"""

import queue
import select
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlencode, urlsplit

from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Gateway
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
from chaland.hub.loyalty.outreach.sms.encoding import Encoding, looked
from chaland.hub.loyalty.outreach.sms.opening import Opening, at_once, own_key

_TIMEOUT_S = 30
_CODING = {Encoding.GSM7: "0", Encoding.UCS2: "2"}
_ALL_REPORTS = "31"


def open_driver(gateway: Gateway) -> "Kannel":
    """Make the driver for a gateway's row."""
    return Kannel(Opening.of(gateway))


class Kannel:
    """Settings: ``url`` of sendsms, ``username``, ``password``; if wished ``smsc`` (by which of
    Kannel's connections), ``connections`` (at once, 16), ``segment_microcents`` (what one costs).
    """

    capabilities = Capabilities(idempotent=False, looks_up=False, reports=True, batch=500)

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._url = urlsplit(opening.text("url"))
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise GatewayErrorFinal(_("The gateway’s setting “url” must be an http address."))
        self._headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Kannel-Username": opening.text("username"),
            "X-Kannel-Password": opening.text("password"),
            "X-Kannel-DLR-Mask": _ALL_REPORTS,
        }
        if smsc := opening.text("smsc", ""):
            self._headers["X-Kannel-SMSC"] = smsc
        self._segment_microcents = opening.number("segment_microcents", 0)
        self._width = max(1, opening.number("connections", 16))
        self._pool = ThreadPoolExecutor(self._width, "kannel")
        self._idle: queue.LifoQueue[HTTPConnection] = queue.LifoQueue()

    def send(self, batch: Iterable[Sms]) -> Iterator[Outcome]:
        """Hand messages over, some at once, each by one call."""
        return at_once(batch, self._call, self._pool, self._width)

    def look_up(self, key: str, provider_id: str) -> Status | None:  # noqa: ARG002
        """Return None: Kannel answers no such question."""
        return None

    def read(self, hook: Hook) -> list[Status | Heard]:
        """Read a report (GET with our key) or a member's answer (POST with X-Kannel-From)."""
        if "key" in hook.query:
            return [_report(hook.query["key"], hook.query.get("dlr", ""))]
        if hook.headers.get("x-kannel-from"):
            return [_answer(hook)]
        raise ValueError("This call is neither a report nor an answer of Kannel.")

    def close(self) -> None:
        """Give the connections up."""
        self._pool.shutdown()
        while not self._idle.empty():
            self._idle.get().close()

    def _call(self, sms: Sms) -> Outcome:
        seen = looked(sms.text)
        minutes = max(1, int((sms.expires_at - clock.now()).total_seconds() // 60))
        headers = self._headers | {
            "X-Kannel-From": sms.sender,
            "X-Kannel-To": sms.to,
            "X-Kannel-Coding": _CODING[seen.encoding],
            "X-Kannel-Validity": str(minutes),
            "X-Kannel-DLR-Url": f"{self._opening.report_url}?{urlencode({'key': sms.key})}&dlr=%d",
        }
        line = self._line()
        try:
            line.request("POST", self._url.path or "/", sms.text.encode(), headers)
            answer = line.getresponse()
            answer.read()
        except (OSError, HTTPException) as error:
            line.close()
            return Outcome(sms.key, Result.UNKNOWN, code=type(error).__name__)
        self._idle.put(line)
        return self._outcome(sms.key, answer.status, seen.segments)

    def _line(self) -> HTTPConnection:
        """Return a connection that stands. GatewayErrorTemporary: there is none to be had."""
        while not self._idle.empty():
            line = self._idle.get()
            if line.sock and not select.select([line.sock], [], [], 0)[0]:
                return line
            line.close()  # the other side closed it
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        line = kind(str(self._url.hostname), self._url.port, timeout=_TIMEOUT_S)
        try:
            line.connect()
        except OSError as error:
            raise GatewayErrorTemporary(f"Kannel: {words(error)}") from None
        return line

    def _outcome(self, key: str, status: int, segments: int) -> Outcome:
        code = f"kannel {status}"
        if status == 202:  # "0: Accepted for delivery", "3: Queued for later"
            cost = segments * self._segment_microcents
            return Outcome(key, Result.ACCEPTED, "", code, segments, cost)
        if status in (401, 403):
            raise GatewayErrorFinal(
                _("Kannel refuses the user name, the password or this hub’s address.")
            )
        if status == 503:  # "Temporal failure, try again later."
            return Outcome(key, Result.LATER, code=code)
        if status >= 500:
            return Outcome(key, Result.UNKNOWN, code=code)
        return Outcome(key, Result.REFUSED, code=code)


def _report(key: str, said: str) -> Status:
    if not said.isdecimal():
        raise ValueError("Kannel’s report holds no number.")
    bits = int(said)
    kinds = {1: Kind.DELIVERED, 32: Kind.EXPIRED, 2: Kind.FAILED, 16: Kind.FAILED}
    kind = next((kind for bit, kind in kinds.items() if bits & bit), Kind.ACCEPTED)
    return Status(kind, clock.now(), own_key(key), code=f"kannel {bits}")


def _answer(hook: Hook) -> Heard:
    _type, _semicolon, charset = hook.headers.get("content-type", "").partition("charset=")
    try:
        text = hook.body.decode(charset.strip("\"' ") or "utf-8", errors="replace")
    except LookupError:
        text = hook.body.decode("utf-8", errors="replace")
    sender = hook.headers["x-kannel-from"]
    return Heard(sender, text, clock.now(), hook.headers.get("x-kannel-id", ""))
