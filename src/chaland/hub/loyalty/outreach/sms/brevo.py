"""Brevo, by its REST interface v3 (developers.brevo.com, "Send SMS message to a mobile number" and
"Transactional webhooks", read in 2026).

Brevo has no key against sending twice. It writes the number for STOP itself in place of [STOP
CODE]. It reports to the address given with each message, which holds our key; answers and stops
come to the same.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

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
from chaland.hub.loyalty.outreach.sms.encoding import Encoding, looked
from chaland.hub.loyalty.outreach.sms.opening import Opening
from chaland.hub.loyalty.outreach.sms.rest import Rest, fields, heard, statuses, without_stop

_KINDS = {
    "sent": Kind.ACCEPTED,
    "accepted": Kind.ACCEPTED,
    "delivered": Kind.DELIVERED,
    "soft_bounce": Kind.BOUNCED_SOFT,
    "hard_bounce": Kind.BOUNCED_HARD,
    "rejected": Kind.FAILED,
    "skip": Kind.FAILED,
    "blacklisted": Kind.UNSUBSCRIBED,
    "unsubscribed": Kind.UNSUBSCRIBED,
    "unsubscribe": Kind.UNSUBSCRIBED,
}


def open_driver(gateway: Gateway) -> "Brevo":
    """Make the driver for a gateway's row."""
    return Brevo(Opening.of(gateway))


class Brevo(Rest):
    """Settings: ``key``; if wished ``segment_microcents`` (its answer counts credits, not cents)
    and those of `Rest`."""

    capabilities = Capabilities(idempotent=False, looks_up=False, reports=True, batch=200)
    url = "https://api.brevo.com/v3"

    def headers(self, method: str, url: str, body: str) -> dict[str, str]:  # noqa: ARG002
        """Return the key."""
        return {"api-key": self.opening.text("key")}

    def ask(self, sms: Sms) -> tuple[str, dict[str, Any]]:
        """Ask for one message; marketing where the text has a STOP line."""
        body, is_marketing = without_stop(sms.text)
        return "/transactionalSMS/send", {
            "sender": sms.sender,
            "recipient": sms.to.removeprefix("+"),
            "content": f"{body}\n[STOP CODE]" if is_marketing else body,
            "type": "marketing" if is_marketing else "transactional",
            "tag": sms.key,
            "webUrl": f"{self.opening.report_url}?{urlencode({'key': sms.key})}",
            "unicodeEnabled": looked(sms.text).encoding is Encoding.UCS2,
        }

    def accepted(self, sms: Sms, told: Mapping[str, Any]) -> Outcome:
        """Read its number of the message, and how many segments it counted."""
        segments = int(told.get("smsCount") or looked(sms.text).segments)
        cost, number = segments * self.segment_microcents, str(told["messageId"])
        return Outcome(sms.key, Result.ACCEPTED, number, "201", segments, cost)

    def read(self, hook: Hook) -> list[Status | Heard]:
        """Read a report or an answer."""
        told = fields(hook)
        said = str(told.get("msg_status", ""))
        if said == "replied":
            return [heard(told.get("to"), told.get("reply"), told.get("messageId"))]
        kind = _KINDS.get(said)
        if kind is None:
            raise ValueError("This call is none of Brevo’s.")
        key, number = hook.query.get("key", ""), told.get("messageId", "")
        return statuses(kind, said, key=key, provider_id=number)
