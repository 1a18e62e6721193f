"""An operator or aggregator by SMPP 3.4, over one bound connection with a window.

Long texts go as segments of ours with a user data header; the receipt is asked for the last one.
A receipt names the operator's number of the message (§5.3.2.12 and appendix B of the standard);
it comes by the same connection, is kept like a provider's call, and only then acknowledged.
"""

import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import count
from threading import Lock

from aiosmpplib import (
    NPI,
    TON,
    BindTransceiver,
    DeliverSm,
    GSM7BitCodec,
    PhoneNumber,
    SmppCommandStatus,
    SubmitSm,
    SubmitSmResp,
)
from django.db import DatabaseError, close_old_connections
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Gateway
from chaland.hub.loyalty.outreach import inbound
from chaland.hub.loyalty.outreach.shapes import (
    Capabilities,
    GatewayErrorFinal,
    Heard,
    Hook,
    Kind,
    Outcome,
    Result,
    Sms,
    Status,
)
from chaland.hub.loyalty.outreach.sms.encoding import Encoding, parted
from chaland.hub.loyalty.outreach.sms.opening import Opening, at_once
from chaland.hub.loyalty.outreach.sms.smpp_line import Line, LineBroken

_LATER = {
    SmppCommandStatus.ESME_RTHROTTLED,
    SmppCommandStatus.ESME_RMSGQFUL,
    SmppCommandStatus.ESME_RX_T_APPN,
    SmppCommandStatus.ESME_RSYSERR,
}
_STATES = {
    "DELIVRD": Kind.DELIVERED,
    "EXPIRED": Kind.EXPIRED,
    "UNDELIV": Kind.FAILED,
    "REJECTD": Kind.FAILED,
    "DELETED": Kind.FAILED,
    "ACCEPTD": Kind.ACCEPTED,
    "ENROUTE": Kind.ACCEPTED,
    "UNKNOWN": Kind.ACCEPTED,
}
_TRIES, _PAUSE_S = 5, 1.0
_REMEMBERED = 20_000
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=7)


def open_driver(gateway: Gateway) -> "Smpp":
    """Make the driver for a gateway's row."""
    return Smpp(Opening.of(gateway), partial(inbound.store, gateway))


class Smpp:
    """Settings: ``host``, ``port``, ``username``, ``password``; if wished ``tls`` (false),
    ``system_type``, ``window`` (messages at once, 10), ``segment_microcents``."""

    # A receipt names no key of ours: what got no answer can't be resolved by waiting.
    capabilities = Capabilities(idempotent=False, looks_up=False, reports=True, batch=500)

    def __init__(self, opening: Opening, store: Callable[[Hook], object]) -> None:
        """``store`` keeps what comes in by the connection, in whatever thread that reads it."""
        self._opening, self._store = opening, store
        self._bind = _bind(opening)
        self._window = max(1, opening.number("window", 10))
        self._segment_microcents = opening.number("segment_microcents", 0)
        self._pool = ThreadPoolExecutor(self._window, "smpp")
        self._references = count()
        self._keys: OrderedDict[str, str] = OrderedDict()
        self._line: Line | None = None
        self._lock = Lock()

    def send(self, batch: Iterable[Sms]) -> Iterator[Outcome]:
        """Hand messages over, up to the window at once."""
        self.listen()
        return at_once(batch, self._call, self._pool, self._window)

    def look_up(self, key: str, provider_id: str) -> Status | None:  # noqa: ARG002
        """Return None: query_sm is switched off at operators."""
        return None

    def read(self, hook: Hook) -> list[Status | Heard]:
        """Read what `_hear` kept."""
        if hook.method != "SMPP":
            raise ValueError("An SMPP gateway makes no calls by HTTP.")
        told = json.loads(hook.body)
        if "stat" in told:
            kind = _STATES.get(told["stat"], Kind.ACCEPTED)
            code = f"{told['stat']} {told['err']}".strip()[:80]
            return [Status(kind, clock.now(), told["key"], told["id"], code)]
        return [Heard(told["from"], told["text"], clock.now())]

    def close(self) -> None:
        """Unbind."""
        self._pool.shutdown()
        if self._line:
            self._line.close()

    def listen(self) -> Line:
        """Bind, so that receipts and answers come even while nothing is sent.

        GatewayErrorTemporary, GatewayErrorFinal: it can't be bound.
        """
        with self._lock:
            if self._line is None or self._line.broken:
                host, port = self._opening.text("host"), self._opening.number("port", 2775)
                tls = bool(self._opening.settings.get("tls"))
                self._line = Line(host, port, self._bind, self._hear, tls=tls)
            return self._line

    def _call(self, sms: Sms) -> Outcome:
        line = self.listen()
        packets = list(self._packets(sms))
        for place, packet in enumerate(packets):
            try:
                answer = self._patiently(line, packet, sms.key, tries=_TRIES if place else 1)
            except LineBroken as error:
                return Outcome(sms.key, Result.UNKNOWN, code=f"smpp: {error}")
            if answer.command_status != SmppCommandStatus.ESME_ROK:
                return _refused(sms.key, answer, is_begun=place > 0)
        cost = len(packets) * self._segment_microcents
        code = answer.command_status.name
        return Outcome(sms.key, Result.ACCEPTED, answer.message_id, code, len(packets), cost)

    def _patiently(self, line: Line, packet: SubmitSm, key: str, tries: int) -> SubmitSmResp:
        """Segments after the first are tried again when there are too many: half a text is none."""
        remember = partial(self._remember, key)
        for _try in range(tries - 1):
            answer = line.submit(packet, remember)
            if answer.command_status not in _LATER:
                return answer
            time.sleep(_PAUSE_S)
        return line.submit(packet, remember)

    def _packets(self, sms: Sms) -> Iterator[SubmitSm]:
        parts, encoding = parted(sms.text)
        left = sms.expires_at - clock.now()
        reference = next(self._references) % 256
        for number, part in enumerate(parts, 1):
            head = bytes((5, 0, 3, reference, len(parts), number)) if len(parts) > 1 else b""
            is_wide = encoding is Encoding.UCS2
            data = part.encode("utf-16-be") if is_wide else GSM7BitCodec().encode(part)[0]
            packet = SubmitSm(
                short_message=part,
                source=PhoneNumber(sms.sender, TON.ALPHANUMERIC, NPI.UNKNOWN),
                destination=PhoneNumber(sms.to.removeprefix("+"), TON.INTERNATIONAL, NPI.ISDN),
                esm_class=0x40 if head else 0,
                registered_delivery=1 if number == len(parts) else 0,
                validity_period=min(max(left, _SHORTEST), _LONGEST),
                encoding="ucs2" if is_wide else None,
            )
            packet.set_encoded_message(head + data)
            yield packet

    def _remember(self, key: str, answer: SubmitSmResp) -> None:
        """So that a receipt which is faster than the queue's commit names our key."""
        self._keys[answer.message_id] = key  # in the reading thread only
        if len(self._keys) > _REMEMBERED:
            self._keys.popitem(last=False)

    def _hear(self, message: DeliverSm) -> bool:
        text = message.short_message or message.message_payload
        told = {"from": _e164(message.source), "text": text}
        if message.is_receipt():
            told = {
                "id": _found("id", text),
                "stat": _found("stat", text),
                "err": _found("err", text),
            }
            told["key"] = self._keys.get(told["id"], "")
        close_old_connections()
        try:
            self._store(Hook("SMPP", {}, {}, json.dumps(told).encode()))
        except DatabaseError:
            return False
        return True


def _bind(opening: Opening) -> BindTransceiver:
    try:
        return BindTransceiver(
            system_id=opening.text("username"),
            password=opening.text("password"),
            system_type=opening.text("system_type", ""),
        )
    except ValueError:
        raise GatewayErrorFinal(
            _("SMPP: the user name has at most 15 characters, the password at most 8.")
        ) from None


def _refused(key: str, answer: SubmitSmResp, *, is_begun: bool) -> Outcome:
    """A text whose first segments are with the operator is not sent again: never twice."""
    code = answer.command_status.name
    if is_begun:
        return Outcome(key, Result.REFUSED, code=f"in part only: {code}")
    later = answer.command_status in _LATER
    return Outcome(key, Result.LATER if later else Result.REFUSED, code=code)


def _found(name: str, text: str) -> str:
    found = re.search(rf"\b{name}:(\S*)", text)
    return found[1][:64] if found else ""


def _e164(source: PhoneNumber) -> str:
    is_international = source.ton == TON.INTERNATIONAL and source.number.isdecimal()
    return f"+{source.number}" if is_international else source.number
