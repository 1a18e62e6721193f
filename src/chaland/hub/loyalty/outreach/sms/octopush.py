"""Octopush, by its REST interface v1 (dev.octopush.com, "Send SMS" and "Callbacks", read in 2026).

``request_id`` is our key: the same twice within 24 hours is refused as a duplicate, so an unknown
message may be sent again; the refusal means that the first call got through. Octopush writes the
number for STOP itself in place of the X in "STOP au XXXXX". Reports, answers and stops come to the
addresses set in its account: all to the gateway's hook.
"""

from collections.abc import Mapping
from typing import Any

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
from chaland.hub.loyalty.outreach.sms.rest import (
    Rest,
    fields,
    heard,
    microcents,
    statuses,
    without_stop,
)

_KINDS = {
    "ACK": Kind.ACCEPTED,
    "DELIVERED": Kind.DELIVERED,
    "NOT_DELIVERED": Kind.FAILED,
    "NOT_ALLOWED": Kind.FAILED,
    "UNKNOWN_DELIVERY": Kind.ACCEPTED,
    "UNDEFINED": Kind.ACCEPTED,
    "BAD_DESTINATION": Kind.BOUNCED_HARD,
    "BLACKLISTED_NUMBER": Kind.UNSUBSCRIBED,
}


def open_driver(gateway: Gateway) -> "Octopush":
    """Make the driver for a gateway's row."""
    return Octopush(Opening.of(gateway))


class Octopush(Rest):
    """Settings: ``login``, ``key``; if wished ``type`` (sms_premium) and those of `Rest`."""

    capabilities = Capabilities(idempotent=True, looks_up=False, reports=True, batch=200)
    url = "https://api.octopush.com/v1/public"

    def headers(self, method: str, url: str, body: str) -> dict[str, str]:  # noqa: ARG002
        """Return the two keys."""
        return {"api-login": self.opening.text("login"), "api-key": self.opening.text("key")}

    def ask(self, sms: Sms) -> tuple[str, dict[str, Any]]:
        """Ask for one message; marketing where the text has a STOP line."""
        body, is_marketing = without_stop(sms.text)
        return "/sms-campaign/send", {
            "recipients": [{"phone_number": sms.to}],
            "text": f"{body}\nSTOP au XXXXX" if is_marketing else body,
            "type": self.opening.text("type", "sms_premium"),
            "purpose": "wholesale" if is_marketing else "alert",
            "sender": sms.sender,
            "request_id": sms.key,
            "auto_optimize_text": False,
            "with_replies": False,
        }

    def accepted(self, sms: Sms, told: Mapping[str, Any]) -> Outcome:
        """Read the ticket and the cost, which is in euros."""
        ticket, segments = str(told["sms_ticket"]), looked(sms.text).segments
        cost = microcents(told.get("total_cost", 0))
        return Outcome(sms.key, Result.ACCEPTED, ticket, "200", segments, cost)

    def refused(self, sms: Sms, status: int, told: Mapping[str, Any]) -> Outcome:
        """A duplicate was accepted before; its ticket is not told again."""
        if "request_id" in str(told):
            return Outcome(sms.key, Result.ACCEPTED, "", "duplicate", looked(sms.text).segments, 0)
        return super().refused(sms, status, told)

    def read(self, hook: Hook) -> list[Status | Heard]:
        """Read a report, an answer or a stop."""
        told = fields(hook)
        if "stop_date" in told:
            return [heard(told.get("number"), told.get("text") or "STOP", told.get("message_id"))]
        if "reception_date" in told:
            return [heard(told.get("number"), told.get("text"), told.get("message_id"))]
        kind = _KINDS.get(str(told.get("status", "")))
        if kind is None:
            raise ValueError("This call is none of Octopush’s.")
        return statuses(kind, told["status"], provider_id=told.get("message_id", ""))
