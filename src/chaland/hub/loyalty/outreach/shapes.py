"""What passes between the queue, the makers of messages and the gateways' drivers. No Django.

A driver takes a batch and answers for each message what became of it; what the provider says later
(reports, answers, bounces) it turns into `Status` and `Heard`. It never raises for a message: an
exception means that nothing is known of the whole batch (each becomes ``unknown``), but for
`GatewayErrorTemporary`, which means that surely nothing was handed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class GatewayErrorTemporary(Exception):
    """The gateway could not be reached, or is too busy; surely nothing was handed over."""


class GatewayErrorFinal(Exception):
    """The gateway refuses us (wrong password, sender not allowed): a person must act. Its text
    holds no secret and no address."""


@dataclass(frozen=True, slots=True)
class Sms:
    """One text message. ``text`` is whole, with its STOP line; ``sender`` at most 11 characters."""

    key: str  # Delivery.key as hex: goes with it wherever the provider takes a name of ours
    to: str  # E.164
    text: str
    sender: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail: the envelope and the finished bytes (CRLF, headers and all)."""

    key: str
    to: str
    sender: str  # envelope: VERP, so that a bounce names the delivery
    data: bytes


class Result(StrEnum):
    """What became of a message in the call."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # for good; ``code`` says why
    LATER = "later"  # surely not taken now; may be tried again (4xx, throttled)
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The driver's answer for one message."""

    key: str
    result: Result
    provider_id: str = ""
    code: str = ""  # at most 80 characters, without any address
    segments: int = 0
    cost_microcents: int = 0
    bad_address: bool = False  # refused because the address does not exist (550 5.1.1)


class Kind(StrEnum):
    """What a provider says later of a message."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    BOUNCED_HARD = "bounced_hard"  # the address does not exist: suppressed
    BOUNCED_SOFT = "bounced_soft"  # mailbox full, telephone off for too long
    EXPIRED = "expired"
    FAILED = "failed"
    COMPLAINED = "complained"  # reported as spam: suppressed, consent withdrawn
    UNSUBSCRIBED = "unsubscribed"  # the provider keeps a stop list of its own


@dataclass(frozen=True, slots=True)
class Status:
    """A report; it names the message by our key, or by the provider's."""

    kind: Kind
    at: datetime
    key: str = ""
    provider_id: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that came in from a member: an SMS to us, or a mail that asks to stop."""

    sender: str  # E.164 or an e-mail address; never stored
    text: str
    at: datetime
    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Hook:
    """A provider's call, as it came."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a driver can do: the queue asks this, and never its name."""

    idempotent: bool  # the same key twice is one message: an unknown may be sent again
    looks_up: bool  # `look_up` answers
    reports: bool  # `read` brings statuses: an unknown may wait for them
    batch: int  # messages in one call


class Driver(Protocol):
    """One way out. Made by ``outreach.drivers.open_gateway(gateway)`` in the worker that uses it."""

    capabilities: Capabilities

    def send(self, batch: Sequence[Sms] | Sequence[Mail]) -> list[Outcome]:
        """Hand messages over; one outcome for each, in their order."""
        ...

    def look_up(self, key: str, provider_id: str) -> Status | None:
        """Ask what became of a message; None: the provider knows nothing of it."""
        ...

    def read(self, hook: Hook) -> list[Status | Heard]:
        """Read a provider's call. ValueError: it is none of ours, or its signature is wrong."""
        ...

    def close(self) -> None:
        """Give the connection up."""
        ...
