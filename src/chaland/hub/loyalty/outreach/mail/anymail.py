"""Mail by a provider's interface: every one that django-anymail speaks to, its calls normalised.

The provider builds the mail itself, so it gets the parts of ours: subject, both texts, headers. It
is told to follow nobody: no opening, no click (L11).
"""

import json
from collections.abc import Iterable, Iterator
from email import message_from_bytes, policy
from email.message import MIMEPart
from importlib import import_module
from io import BytesIO
from typing import Any

from anymail.exceptions import (
    AnymailAPIError,
    AnymailError,
    AnymailRecipientsRefused,
    AnymailUnsupportedFeature,
    AnymailWebhookValidationFailure,
)
from anymail.signals import EventType, RejectReason
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIRequest
from django.core.mail import EmailMultiAlternatives
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Gateway
from chaland.hub.loyalty.outreach import faults
from chaland.hub.loyalty.outreach.mail import bounces
from chaland.hub.loyalty.outreach.mail.enhanced import enhanced_status
from chaland.hub.loyalty.outreach.mail.settings import MailSettings
from chaland.hub.loyalty.outreach.shapes import (
    Capabilities,
    GatewayErrorFinal,
    GatewayErrorTemporary,
    Heard,
    Hook,
    Kind,
    Mail,
    Outcome,
    Result,
    Status,
)

PROVIDERS = (
    "amazon_ses", "brevo", "mailersend", "mailgun", "mailjet", "mailtrap", "mandrill", "postal",
    "postmark", "resend", "sendgrid", "sparkpost", "unisender_go",
)  # fmt: skip
_OURS = ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Message-ID", "Auto-Submitted")
_KINDS = {
    EventType.QUEUED: Kind.ACCEPTED,
    EventType.SENT: Kind.ACCEPTED,
    EventType.DELIVERED: Kind.DELIVERED,
    EventType.COMPLAINED: Kind.COMPLAINED,
    EventType.UNSUBSCRIBED: Kind.UNSUBSCRIBED,
    EventType.FAILED: Kind.FAILED,
}
_NO_SUCH = (RejectReason.INVALID, RejectReason.BOUNCED)
_NOT_CONNECTED = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")


class AnymailDriver:
    """One provider, by the name that anymail gives it."""

    capabilities = Capabilities(idempotent=False, looks_up=False, reports=True, batch=100)

    def __init__(self, settings: MailSettings) -> None:
        if settings.backend not in PROVIDERS:
            raise GatewayErrorFinal(_("backend must be one of %s") % ", ".join(PROVIDERS))
        self._settings = settings
        self._options = dict(settings.options or {})
        self._untold = {"track_opens", "track_clicks"}
        try:
            module = import_module(f"anymail.backends.{settings.backend}")
            self._backend = module.EmailBackend(**self._options)
        except (AnymailError, ImproperlyConfigured, ImportError) as error:
            raise GatewayErrorFinal(str(error).split(" or ")[0]) from None

    def send(self, batch: Iterable[Mail]) -> Iterator[Outcome]:
        """Hand mails over, a call each over one connection."""
        for mail in batch:
            yield self._send(mail)

    def look_up(self, key: str, provider_id: str) -> Status | None:  # noqa: ARG002
        """Providers tell by themselves."""
        return None

    def read(self, hook: Hook) -> list[Status | Heard]:
        """Read a provider's call, or a mail of the bounce mailbox (method MAIL)."""
        if hook.method == "MAIL":
            return bounces.read(hook.body, clock.now())
        try:
            return [status for event in self._events(hook) if (status := _status(event))]
        except AnymailWebhookValidationFailure:
            raise ValueError("its signature is wrong") from None
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"not as the provider writes: {type(error).__name__}") from None

    def close(self) -> None:
        """Give the connection up."""
        self._backend.close()

    def _send(self, mail: Mail) -> Outcome:
        if not mail.to:
            return Outcome(mail.key, Result.REFUSED, code="553 5.1.3", bad_address=True)
        message = self._message(mail)
        try:
            self._backend.open()
            self._backend.send_messages([message])
        except AnymailUnsupportedFeature as error:
            untold = {name for name in self._untold if name in str(error)}
            if not untold:
                raise GatewayErrorFinal(str(error).partition("\n")[0]) from None
            self._untold -= untold  # it can't follow anybody by this name
            return self._send(mail)
        except AnymailRecipientsRefused:
            pass
        except AnymailAPIError as error:
            return _failed(mail, error)
        except AnymailError as error:
            raise GatewayErrorFinal(faults.words(error)) from None
        told: Any = message.anymail_status  # type: ignore[attr-defined]  # anymail sets it
        name, states = str(told.message_id or ""), told.status or set()
        if states & {"sent", "queued"}:
            return Outcome(mail.key, Result.ACCEPTED, name[:120])
        if states & {"invalid", "rejected", "failed"}:
            bad = "invalid" in states
            return Outcome(mail.key, Result.REFUSED, name[:120], ",".join(states), bad_address=bad)
        return Outcome(mail.key, Result.UNKNOWN, name[:120])

    def _message(self, mail: Mail) -> EmailMultiAlternatives:
        ours = message_from_bytes(mail.data, policy=policy.default)
        text, page = ours.get_body(("plain",)), ours.get_body(("html",))
        headers = {name: str(ours[name]) for name in _OURS if name in ours}
        message = EmailMultiAlternatives(
            str(ours["Subject"]), _content(text), str(ours["From"]), [mail.to], headers=headers
        )
        message.attach_alternative(_content(page), "text/html")
        extra: dict[str, Any] = {"metadata": {"delivery": mail.key}}
        extra |= dict.fromkeys(self._untold, False)
        if self._settings.bounces:
            extra["envelope_sender"] = mail.sender
        for name, value in extra.items():
            setattr(message, name, value)
        return message

    def _events(self, hook: Hook) -> list[Any]:
        module = import_module(f"anymail.webhooks.{self._settings.backend}")
        found = next(name for name in dir(module) if name.endswith("TrackingWebhookView"))
        # The secret in the address is what a password of its own would be.
        quiet = type(found, (getattr(module, found),), {"warn_if_no_basic_auth": False})
        view, request = quiet(**self._options), _request(hook)
        view.run_validators(request)
        return list(view.parse_events(request))


def open_driver(gateway: Gateway) -> AnymailDriver:
    """Make the driver of a gateway. GatewayErrorFinal: a setting is wrong or missing."""
    return AnymailDriver(MailSettings.of(json.loads(gateway.settings), gateway.sender))


def _failed(mail: Mail, error: AnymailAPIError) -> Outcome:
    code = getattr(error, "status_code", None)
    if code in (401, 403):
        raise GatewayErrorFinal(_("the provider refuses our key: %s") % code) from None
    if code in (429, 503) or (code is None and _never_connected(error)):
        raise GatewayErrorTemporary(str(code or faults.words(error))) from None
    if code is not None and 400 <= code < 500:
        return Outcome(mail.key, Result.REFUSED, code=str(code))
    return Outcome(mail.key, Result.UNKNOWN, code=str(code or "connection lost"))


def _never_connected(error: BaseException) -> bool:
    """Say whether the chain of causes says that no connection was made."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        if type(one).__name__ in _NOT_CONNECTED:
            return True
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return False


def _status(event: Any) -> Status | None:
    """Translate an event; None: it tells nothing that we keep (opened, clicked, delayed)."""
    kind = _KINDS.get(event.event_type)
    if event.event_type in (EventType.BOUNCED, EventType.REJECTED):
        kind = Kind.BOUNCED_SOFT
        if event.reject_reason in _NO_SUCH and not _is_full(event):
            kind = Kind.BOUNCED_HARD
        elif event.reject_reason == RejectReason.UNSUBSCRIBED:
            kind = Kind.UNSUBSCRIBED
        elif event.reject_reason == RejectReason.SPAM:
            kind = Kind.COMPLAINED
        elif event.reject_reason == RejectReason.BLOCKED:
            kind = Kind.FAILED
    if kind is None:
        return None
    key = str((event.metadata or {}).get("delivery", ""))
    code = enhanced_status(f"{event.mta_response or ''} {event.description or ''}")
    at = event.timestamp or clock.now()
    return Status(
        kind, at, key, str(event.message_id or ""), code or str(event.reject_reason or "")
    )


def _is_full(event: Any) -> bool:
    """Providers call a full mailbox a bounce as one that isn't there."""
    status = enhanced_status(f"{event.mta_response or ''} {event.description or ''}")
    told = f"{event.mta_response} {event.description} {event.esp_event}".lower()
    full = any(words in told for words in ("quota", "mailbox full", "mailbox is full"))
    return status[:1] == "4" or status == "5.2.2" or full


def _content(part: MIMEPart | None) -> str:
    return str(part.get_content()) if part is not None else ""


def _request(hook: Hook) -> WSGIRequest:
    headers = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in hook.headers.items()}
    return WSGIRequest({
        "REQUEST_METHOD": hook.method,
        "PATH_INFO": "/",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "443",
        "CONTENT_TYPE": hook.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(hook.body)),
        "wsgi.input": BytesIO(hook.body),
        "wsgi.url_scheme": "https",
        **headers,
    })  # fmt: skip
