"""What passes between the queue, the makers of messages and the gateways' drivers. No Django.

A driver draws messages from the engine and says of each, as soon as it knows, what became of it;
what the provider says later (reports, answers, bounces) it turns into `Status` and `Heard`. It
never raises for a message: an exception means that nothing is known of those drawn and not yet
answered for (each becomes ``unknown``), but for `GatewayErrorTemporary` and `GatewayErrorFinal`,
which mean that surely none of them was handed over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class GatewayErrorTemporary(Exception):
    """The gateway could not be reached, or is too busy; surely nothing was handed over."""


class GatewayErrorFinal(Exception):
    """The gateway refuses us (wrong password, sender not allowed): a person must act. Its text
    holds no secret and no address."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery as the claim reads it; ``id`` and ``key`` are the row's."""

    id: int
    key: UUID
    campaign_id: int
    member_id: int
    channel: str
    occasion: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """Whither, in which language, with which words of its own (``outreach.values``). It lives from
    the claim to the driver's call: never stored, never logged."""

    to: str  # E.164 or an e-mail address
    language: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Held:
    """Why a delivery doesn't go now; it is tried again at ``until`` (None: never)."""

    reason: str  # of ``Delivery.Reason``
    until: datetime | None = None


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
    """One way out. Made by ``outreach.drivers.open_gateway(gateway)`` in the worker that has it."""

    capabilities: Capabilities

    def send(self, batch: Iterable[Sms] | Iterable[Mail]) -> Iterable[Outcome]:
        """Hand messages over, and yield one outcome for each, in any order, as soon as it is known.

        Draw a message only when it is about to go: drawing it is written down, may wait (the rate)
        and ends early (a pause); what was drawn and has no outcome when a worker dies is unknown.
        """
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
