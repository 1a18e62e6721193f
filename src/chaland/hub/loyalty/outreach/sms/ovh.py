"""OVHcloud, by its REST interface v1 (docs.ovhcloud.com, "API SMS Cookbook" and "Everything you
need to know about SMS users", read in 2026).

Calls are signed: ``$1$`` and the SHA-1 of secret, consumer key, method, address, body and OVH's own
time. OVH has no key against sending twice; ours goes as ``tag``, by which a message is found again.
It writes its own STOP line under what is marketing, and keeps who answered it: `stops` fetches
them. Reports come as GET to the ``callBack`` set for the service: the gateway's hook.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Gateway
from chaland.hub.loyalty.outreach.faults import words
from chaland.hub.loyalty.outreach.shapes import (
    Capabilities,
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
from chaland.hub.loyalty.outreach.sms.opening import Opening
from chaland.hub.loyalty.outreach.sms.rest import Rest, heard, status, without_stop

_log = logging.getLogger(__name__)
_FAILURES = 3
_DELIVERED_PTT = "4"
_KINDS = {"1": Kind.DELIVERED, "2": Kind.FAILED, "16": Kind.FAILED}
"""By ``description``, the state of the report; 0, 4 and 8 mean that it is on its way."""


def open_driver(gateway: Gateway) -> "Ovh":
    """Make the driver for a gateway's row."""
    return Ovh(Opening.of(gateway))


class Ovh(Rest):
    """Settings: ``service`` (sms-ab12345-1), ``application_key``, ``application_secret``,
    ``consumer_key``; if wished those of `Rest`."""

    capabilities = Capabilities(idempotent=False, looks_up=True, reports=True, batch=200)
    url = "https://eu.api.ovh.com/1.0"

    def __init__(self, opening: Opening) -> None:
        """Read the settings."""
        super().__init__(opening)
        self._path = f"/sms/{quote(opening.text('service'), safe='')}"
        self._ahead_s: int | None = None

    def headers(self, method: str, url: str, body: str) -> dict[str, str]:
        """Sign a call, by OVH's time."""
        if url.endswith("/auth/time"):
            return {}
        text, now = self.opening.text, str(int(time.time()) + self._ahead())
        secret, consumer = text("application_secret"), text("consumer_key")
        signed = "+".join((secret, consumer, method, url, body, now))
        return {
            "X-Ovh-Application": text("application_key"),
            "X-Ovh-Consumer": consumer,
            "X-Ovh-Timestamp": now,
            "X-Ovh-Signature": "$1$" + hashlib.sha1(signed.encode()).hexdigest(),  # noqa: S324
        }

    def ask(self, sms: Sms) -> tuple[str, dict[str, Any]]:
        """Ask for one message; marketing where the text has a STOP line."""
        body, is_marketing = without_stop(sms.text)
        minutes = max(1, int((sms.expires_at - clock.now()).total_seconds() // 60))
        return f"{self._path}/jobs", {
            "message": body,
            "receivers": [sms.to],
            "sender": sms.sender,
            "noStopClause": not is_marketing,
            "charset": "UTF-8",
            "coding": "8bit" if looked(sms.text).encoding is Encoding.UCS2 else "7bit",
            "priority": "medium",
            "tag": sms.key,
            "validityPeriod": min(minutes, 2880),
        }

    def accepted(self, sms: Sms, told: Mapping[str, Any]) -> Outcome:
        """Read its number of the message; credits are segments. A number may be refused here."""
        if not told.get("validReceivers"):
            told["invalidReceivers"][0]  # neither: KeyError, not as documented
            return Outcome(sms.key, Result.REFUSED, code="invalidReceivers", bad_address=True)
        segments = int(told.get("totalCreditsRemoved") or looked(sms.text).segments)
        cost, number = segments * self.segment_microcents, str(told["ids"][0])
        return Outcome(sms.key, Result.ACCEPTED, number, "200", segments, cost)

    def look_up(self, key: str, provider_id: str) -> Status | None:
        """Find a message by our key. None: OVH has none with it, so it never got there.

        GatewayErrorTemporary: OVH could not be asked.
        """
        if not provider_id:
            found = self._asked(f"{self._path}/outgoing?{urlencode({'tag': key})}")
            if not found:
                return None
            provider_id = str(found[0])
        told = self._asked(f"{self._path}/outgoing/{quote(provider_id, safe='')}")
        if not isinstance(told, dict):
            return None
        return _status(
            str(told.get("ptt", "")), str(told.get("deliveryReceipt", "")), key, provider_id
        )

    def stops(self, wanted: Callable[[Sequence[str]], Sequence[str]]) -> Iterator[Heard]:
        """Fetch who answered STOP to OVH, and when, of the numbers that ``wanted`` leaves of all:
        each costs a call.

        GatewayErrorTemporary: OVH could not be asked, or (after all that could be read) some of
        what it keeps is not as documented.
        """
        listed, odd = {}, 0
        for number in self._asked(f"{self._path}/blacklists") or []:
            try:
                listed[heard(number, "STOP").sender] = str(number)
            except ValueError:  # no number
                odd += 1
        failed = 0
        for number in wanted(list(listed)):
            try:
                found = self._asked(f"{self._path}/blacklists/{quote(listed[number], safe='')}")
                at = _instant(found["creationDatetime"]) if found is not None else None
            except (GatewayErrorTemporary, KeyError, TypeError, ValueError) as error:
                _log.warning("OVH’s stop list: %s", type(error).__name__)
                odd += 1
                failed += isinstance(error, GatewayErrorTemporary)
                if failed > _FAILURES:
                    raise
                continue
            if at is not None:  # None: taken off the list meanwhile
                yield Heard(number, "STOP", at)
        if odd:
            told = _("%(count)d of the numbers that said STOP can’t be read.")
            raise GatewayErrorTemporary(f"OVH: {told % {'count': odd}}")

    def read(self, hook: Hook) -> list[Status | Heard]:
        """Read a report."""
        if not hook.query.get("id") or "ptt" not in hook.query:
            raise ValueError("This call is none of OVH’s.")
        told = hook.query
        return [_status(told["ptt"], told.get("description", ""), "", told["id"])]

    def _asked(self, path: str) -> Any:
        try:
            answer = self.call("GET", path)
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            return answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise GatewayErrorTemporary(f"OVH: {words(error)}") from None

    def _ahead(self) -> int:
        """By how many seconds OVH's clock is ahead of ours."""
        if self._ahead_s is None:
            self._ahead_s = int(self._asked("/auth/time")) - int(time.time())
        return self._ahead_s


def _instant(told: object) -> datetime:
    """Read an instant. ValueError: it is none, or doesn't say of which zone."""
    at = datetime.fromisoformat(str(told))
    if at.tzinfo is None:
        raise ValueError("An instant without its zone.")
    return at


def _status(ptt: str, state: str, key: str, provider_id: str) -> Status:
    kind = Kind.DELIVERED if ptt == _DELIVERED_PTT else _KINDS.get(state, Kind.ACCEPTED)
    return status(kind, f"ptt {ptt}", key=key, provider_id=provider_id)
