"""smsmode, by its REST interface v1 (dev.smsmode.com/sms/v1, read in 2026).

smsmode has no key against sending twice, but keeps ours as ``refClient``. It reports to the address
given with each message, which holds our key; answers of members come to the gateway's hook. The
STOP line is ours: put the number that smsmode gives into the gateway's ``stop``.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from chaland.hub.loyalty.models import Gateway
from chaland.hub.loyalty.outreach.shapes import (
    Capabilities,
    Heard,
    Hook,
    Kind,
    Outcome,
    Result,
    Sms,
    Status,
)
from chaland.hub.loyalty.outreach.sms.encoding import looked
from chaland.hub.loyalty.outreach.sms.opening import Opening
from chaland.hub.loyalty.outreach.sms.rest import Rest, fields, heard, microcents, status

_KINDS = {
    "SCHEDULED": Kind.ACCEPTED,
    "ENROUTE": Kind.ACCEPTED,
    "DELIVERED": Kind.DELIVERED,
    "UNDELIVERED": Kind.FAILED,
    "UNDELIVERABLE": Kind.FAILED,
}


def open_driver(gateway: Gateway) -> "Smsmode":
    """Make the driver for a gateway's row."""
    return Smsmode(Opening.of(gateway))


class Smsmode(Rest):
    """Settings: ``key``; if wished those of `Rest`."""

    capabilities = Capabilities(idempotent=False, looks_up=True, reports=True, batch=200)
    url = "https://rest.smsmode.com/sms/v1"

    def headers(self, method: str, url: str, body: str) -> dict[str, str]:  # noqa: ARG002
        """Return the key."""
        return {"X-Api-Key": self.opening.text("key")}

    def ask(self, sms: Sms) -> tuple[str, dict[str, Any]]:
        """Ask for one message."""
        return "/messages", {
            "recipient": {"to": sms.to.removeprefix("+")},
            "body": {"text": sms.text},
            "from": sms.sender,
            "refClient": sms.key,
            "callbackUrlStatus": f"{self.opening.report_url}?{urlencode({'key': sms.key})}",
            "callbackUrlMo": self.opening.report_url,
        }

    def accepted(self, sms: Sms, told: Mapping[str, Any]) -> Outcome:
        """Read its number of the message, and the price in euros where it is told."""
        segments = looked(sms.text).segments
        price = told.get("price")
        cost = segments * self.segment_microcents
        if isinstance(price, dict) and "amount" in price:
            cost = microcents(price["amount"])
        return Outcome(sms.key, Result.ACCEPTED, str(told["messageId"]), "201", segments, cost)

    def look_up(self, key: str, provider_id: str) -> Status | None:
        """Ask for a message by smsmode's number. None: it has none, or smsmode knows nothing.

        GatewayErrorTemporary: smsmode could not be asked.
        """
        if not provider_id:
            return None
        try:
            answer = self.call("GET", f"/messages/{quote(provider_id, safe='')}")
            told = answer.json()["status"]["value"] if answer.is_success else ""
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return None
        kind = _KINDS.get(told)
        return status(kind, told, key=key, provider_id=provider_id) if kind else None

    def read(self, hook: Hook) -> list[Status | Heard]:
        """Read a report or a member's answer."""
        told = fields(hook)
        if told.get("direction") == "MO":
            body = told.get("body")
            text = body.get("text") if isinstance(body, dict) else ""
            return [heard(told.get("from"), text, told.get("messageId"))]
        said = told.get("status")
        kind = _KINDS.get(str(said.get("value"))) if isinstance(said, dict) else None
        if kind is None or not isinstance(said, dict):
            raise ValueError("This call is none of smsmode’s.")
        key = hook.query.get("key", "") or str(told.get("refClient", ""))
        return [status(kind, said["value"], key=key, provider_id=told.get("messageId", ""))]
