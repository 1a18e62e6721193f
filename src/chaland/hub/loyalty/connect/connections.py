"""Connections: made and ended; the addresses to which makers' tills post; what comes in by them."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from chaland.hub.association.models import Association
from chaland.hub.common import clock
from chaland.hub.loyalty.connect.vendors import hiboutik, odoo, square
from chaland.hub.loyalty.connect.vendors.reading import (
    NoReceiptFinal,
    PayloadErrorFinal,
    Shop,
)
from chaland.hub.loyalty.models import Connection, Source
from chaland.hub.loyalty.receipts import services
from chaland.hub.loyalty.receipts.shapes import ReceiptIn, Taken

POSTED = (Source.HIBOUTIK, Source.ODOO, Source.SQUARE)
"""Makers whose tills post to an address of ours; Square only to say that it is time to ask."""
ASKED = (Source.SUMUP, Source.SQUARE)
"""Makers whom we ask."""
SIGNED = (Source.HIBOUTIK, Source.SQUARE)


class UnsignedErrorFinal(Exception):
    """What came in doesn't carry the maker's signature."""


@dataclass(frozen=True)
class Made:
    """A new connection, and the secret part of its address: shown once, kept hashed."""

    connection: Connection
    address: str


def connect(
    association_id: int, shop_id: int, source: str, *, secret: str, settings: Mapping[str, str]
) -> Made:
    """Make a connection. ``secret`` signs what is posted, or lets us ask (SumUp); Square has one
    for each, on two lines: the access token, then the webhook's signature key."""
    address = secrets.token_urlsafe(32) if source in POSTED else ""
    connection = Connection.objects.create(
        association_id=association_id,
        shop_id=shop_id,
        source=source,
        address_hash=_hashed(address) if address else None,
        secret=secret or None,
        settings=dict(settings),
        cursor={"since": clock.now().isoformat()} if source in ASKED else {},
        asked_next_at=clock.now() if source in ASKED else None,
    )
    return Made(connection, address)


def end(connection: Connection) -> None:
    """End a connection: its address is closed and its secret forgotten; receipts stay."""
    connection.active = False
    connection.secret = connection.address_hash = connection.asked_next_at = None
    connection.save()


def connections_of(shop_id: int) -> QuerySet[Connection]:
    """List a shop's connections that aren't ended."""
    return Connection.objects.filter(shop_id=shop_id, active=True).order_by("source", "pk")


def connection_at(address: str) -> Connection | None:
    """Return the connection that posts to this address; None where there is none."""
    return Connection.objects.filter(address_hash=_hashed(address), active=True).first()


def receive(connection: Connection, url: str, headers: Mapping[str, str], body: bytes) -> Taken:
    """Take in what a till posted: kept raw, read, stored. Raises UnsignedErrorFinal.

    What can't be read is kept with its reason, which the shop sees; to be sent again would help
    nobody, so the sender is told that it arrived.
    """
    if not _is_signed(connection, url, headers, body):
        fail(connection, _("A message came without the right signature: check the secret."))
        raise UnsignedErrorFinal
    if connection.source == Source.SQUARE:
        hear(connection, asked_next_at=clock.now())
        return Taken("later")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        fail(connection, _("A message was not text in UTF-8."))
        return Taken("refused", error="not-text")
    raw = services.store_raw(
        association_id=connection.association_id,
        shop_id=connection.shop_id,
        source=connection.source,
        body=text,
    )
    read = hiboutik.read if connection.source == Source.HIBOUTIK else odoo.read
    try:
        receipt = read(body, shop_of(connection))
    except NoReceiptFinal as why:
        services.refuse_raw(raw.pk, str(why))
        hear(connection)
        return Taken("ignored", reason=str(why))
    except PayloadErrorFinal as error:
        services.refuse_raw(raw.pk, str(error))
        fail(connection, _("A sale can’t be read: %(reason)s") % {"reason": error})
        return Taken("refused", error="payload", reason=str(error))
    taken = services.take_in([receipt], raw_id=raw.pk)
    note(connection, [receipt], taken)
    return taken[0]


def shop_of(connection: Connection) -> Shop:
    """Return what a payload of this connection doesn't say itself."""
    zone = Association.objects.values_list("timezone", flat=True).get(pk=connection.association_id)
    return Shop(
        association_id=connection.association_id,
        shop_id=connection.shop_id,
        timezone=ZoneInfo(zone),
        now=clock.now(),
        actor=f"connection:{connection.pk}",
    )


def note(connection: Connection, receipts: Sequence[ReceiptIn], taken: Sequence[Taken]) -> None:
    """Note on the connection what became of receipts: the last one that failed, in words."""
    error = ""
    for receipt, each in zip(receipts, taken, strict=True):
        if each.outcome == "conflict":
            error = _("Sale %(number)s came again with other content: the first one stands.") % {
                "number": receipt.external_id
            }
        elif each.outcome == "refused":
            error = f"{receipt.external_id}: {each.reason}"
    if error:
        fail(connection, error)
    else:
        hear(connection)


def hear(connection: Connection, *, asked_next_at: datetime | None = None) -> None:
    """Note that all is well."""
    connection.last_heard_at = clock.now()
    connection.last_error = ""
    fields = ["last_heard_at", "last_error"]
    if asked_next_at is not None:
        connection.asked_next_at = asked_next_at
        fields.append("asked_next_at")
    connection.save(update_fields=fields)


def fail(connection: Connection, error: str) -> None:
    """Note what went wrong, in plain words for the shop."""
    connection.last_error = error[:200]
    connection.save(update_fields=["last_error"])


def _is_signed(connection: Connection, url: str, headers: Mapping[str, str], body: bytes) -> bool:
    secret = (connection.secret or "").rpartition("\n")[2]
    if connection.source == Source.HIBOUTIK:
        given = headers.get(hiboutik.SIGNATURE_HEADER, "")
        return bool(secret) and hiboutik.is_signed(body, given, secret)
    if connection.source == Source.SQUARE:
        given = headers.get(square.SIGNATURE_HEADER, "")
        return bool(secret) and square.is_signed(url, body, given, secret)
    return True  # Odoo signs nothing: the address is the secret


def _hashed(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()
