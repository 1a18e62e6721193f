"""Refusals of the API: RFC 9457 (application/problem+json), each with a code for machines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

CODES: dict[str, tuple[int, str]] = {
    "not-json": (400, "The body is not JSON in UTF-8."),
    "key-missing": (400, "This request needs an Idempotency-Key header of 1 to 80 signs."),
    "unauthorized": (401, "The key is missing, unknown, revoked or out of date."),
    "not-found": (404, "There is no such thing in this shop."),
    "conflict": (409, "This number was used for other content: nothing was changed."),
    "not-enough": (409, "The balance is smaller than that."),
    "hold-over": (409, "The reservation was spent, given up, or ran out of time."),
    "refused": (409, "This can't be done."),
    "duplicate": (409, "This person seems to be a member already."),
    "too-large": (413, "The body is larger than 2 MB: send fewer receipts at a time."),
    "not-media": (415, "The body must be sent as application/json."),
    "invalid": (422, "Some fields are missing or wrong."),
    "key-reused": (422, "This Idempotency-Key was used for another request."),
    "member-unknown": (422, "No member has this card or handle, or the handle is out of date."),
    "member-closed": (410, "This account is closed."),
    "name-only": (403, "A name alone spends nothing: ask for the full number or the card."),
    "too-many": (429, "Too many requests: wait, then go on."),
    "busy": (503, "Too much at one moment: nothing was done. Send the same again."),
}
"""Each code, its status, and its title. Clients go by the code."""


@dataclass(frozen=True)
class Fault:
    """One field that is wrong: where (``receipts[3].lines[0].gross_cents``) and what to do."""

    field: str
    message: str


class ProblemErrorFinal(Exception):
    """The request is refused; ``code`` is one of CODES. Never holds what the sender sent."""

    def __init__(self, code: str, detail: str = "", faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(code)
        self.code, self.detail, self.faults = code, detail, faults
        self.status = CODES[code][0]

    def body(self) -> dict[str, Any]:
        """Return what is said of it."""
        said: dict[str, Any] = {
            "type": f"urn:chaland:problem:{self.code}",
            "title": CODES[self.code][1],
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            said["detail"] = self.detail
        if self.faults:
            said["errors"] = [{"field": f.field, "message": f.message} for f in self.faults]
        return said


def json_response(status: int, body: Mapping[str, Any]) -> HttpResponse:
    """Return an answer; a refusal carries its own media type."""
    media = "application/problem+json" if status >= 400 else "application/json"
    response = HttpResponse(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")), media, status
    )
    response["Cache-Control"] = "no-store"
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if status == 429:
        response["Retry-After"] = "60"
    if status == 503:
        response["Retry-After"] = "2"
    return response
