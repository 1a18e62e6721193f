"""Makers whom we ask: a page at a time, from a cursor, with patience; no address but theirs.

Cursor and receipts of a page are written in one transaction, so whatever is killed asks again from
where it was; what comes twice is known by its number.
"""

import hashlib
import json
import logging
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from chaland.hub.loyalty.connect import connections
from chaland.hub.loyalty.connect.vendors import square, sumup
from chaland.hub.loyalty.connect.vendors.reading import (
    NoReceiptFinal,
    NotYetErrorTemporary,
    PayloadErrorFinal,
    Shop,
    json_of,
)
from chaland.hub.loyalty.models import Connection, Source
from chaland.hub.loyalty.receipts import services
from chaland.hub.loyalty.receipts.shapes import ReceiptIn

ADDRESSES = {Source.SUMUP: sumup.ADDRESS, Source.SQUARE: square.ADDRESS}
"""All that this part of the software ever connects to (PRIVACY.md L18)."""
EVERY = timedelta(minutes=1)
BACK_OFF_AT_MOST = timedelta(hours=6)
OVERLAP = timedelta(minutes=20)
"""Asked for once more each time: what a maker's own servers learned late."""
PAGES_AT_MOST = 20
ANSWER_BYTES_AT_MOST = 8 * 1024 * 1024
_TIMEOUT = httpx.Timeout(10.0)
_log = logging.getLogger(__name__)


class AskErrorTemporary(Exception):
    """No usable answer. The text is for the shop; ``after`` is how long the maker wants us away."""

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


def ask_due(now: datetime) -> int:
    """Ask for each connection that is due; return how many receipts came."""
    due = Connection.objects.filter(
        active=True, source__in=connections.ASKED, asked_next_at__lte=now
    ).order_by("asked_next_at")
    return sum(ask(connection, now) for connection in due)


def ask(connection: Connection, now: datetime) -> int:
    """Ask for what is new; plan the next time. Return how many receipts came."""
    failures = int(connection.cursor.get("failures", 0))
    came = 0
    error = ""
    with override("fr"), httpx.Client(timeout=_TIMEOUT, follow_redirects=False) as client:
        try:
            came = _pages(connection, client)
            wait, failures = EVERY, 0
        except AskErrorTemporary as failed:
            error, failures = str(failed), min(failures + 1, 20)
            wait = failed.after or min(EVERY * 2**failures, BACK_OFF_AT_MOST)
            _log.warning("asking %s failed %d times", connection.source, failures)
        except Exception as fault:  # noqa: BLE001  # one shop's must not keep others' from coming
            # Its text may hold what the maker sent: type and place are enough to find it.
            where = traceback.extract_tb(fault.__traceback__)[-1]
            _log.error(
                "asking %s, connection %d: %s at %s:%s", connection.source, connection.pk,
                type(fault).__name__, where.name, where.lineno,
            )  # fmt: skip
            connection.refresh_from_db(fields=["cursor"])  # what wasn't taken in is asked for again
            error, failures = _("Its answer can’t be read."), min(failures + 1, 20)
            wait = min(EVERY * 2**failures, BACK_OFF_AT_MOST)
    connection.cursor["failures"] = failures
    connection.asked_next_at = now + wait
    if error:
        connection.last_error = error[:200]
    connection.save(update_fields=["cursor", "asked_next_at", "last_error"])
    return came


def _pages(connection: Connection, client: httpx.Client) -> int:
    since = datetime.fromisoformat(connection.cursor["since"]) - OVERLAP
    send = _Sender(connection, client)
    came = 0
    if connection.source == Source.SUMUP:
        asked: dict[str, str] | None = sumup.first_page(since)
        for _page in range(PAGES_AT_MOST):
            if asked is None:
                break
            answer = send.get(sumup.HISTORY, asked)
            came += _take(connection, sumup.items(answer), sumup.read, sumup.changed_at)
            asked = sumup.next_page(answer)
    else:
        cursor = ""
        for _page in range(PAGES_AT_MOST):
            body = square.question(connection.settings.get("location", ""), since, cursor)
            answer = send.post(square.SEARCH, body)
            came += _take(connection, square.items(answer), square.read, square.changed_at)
            cursor = str(answer.get("cursor") or "")
            if not cursor:
                break
    return came


Read = Callable[[Mapping[str, Any], Shop], ReceiptIn]


def _take(
    connection: Connection,
    items: list[Any],
    read: Read,
    changed_at: Callable[[Mapping[str, Any]], datetime],
) -> int:
    """Take a page in, and move the cursor up to it, but not beyond a sale that isn't whole yet."""
    shop = connections.shop_of(connection)
    receipts: list[ReceiptIn] = []
    faults: list[str] = []
    times: list[datetime] = []
    waiting: list[datetime] = []
    for item in items:
        if not isinstance(item, dict):
            faults.append(_("A sale can’t be read."))
            continue
        try:
            at = changed_at(item)
            times.append(at)
            receipts.append(read(item, shop))
        except NoReceiptFinal:
            continue  # a failed payment, a draft: no sale, and none is missing
        except NotYetErrorTemporary:
            waiting.append(at)
        except PayloadErrorFinal as error:
            faults.append(_("A sale can’t be read: %(reason)s") % {"reason": error})
    raw_id = _kept(connection, items) if receipts or faults else None
    if raw_id is not None and not receipts:
        services.refuse_raw(raw_id, faults[0])
    with transaction.atomic(using="loyalty"):
        taken = services.take_in(receipts, raw_id=raw_id) if receipts else []
        if raw_id is not None and 0 < len(receipts) < len(items):
            services.partly_read(raw_id)
        since = datetime.fromisoformat(connection.cursor["since"])
        reached = min([max([since, *times]), *waiting, shop.now])
        connection.cursor["since"] = reached.isoformat()
        connection.save(update_fields=["cursor"])
        connections.note(connection, receipts, taken)
    if faults:
        connections.fail(connection, faults[-1])
    return sum(one.outcome == "new" for one in taken)


def _kept(connection: Connection, items: list[Any]) -> int | None:
    """Keep a page raw; None for the page that was kept last (most questions bring nothing new)."""
    body = json.dumps(items, ensure_ascii=False, default=str)
    digest = hashlib.sha256(body.encode()).hexdigest()
    if connection.cursor.get("page") == digest:
        return None
    connection.cursor["page"] = digest
    raw = services.store_raw(
        association_id=connection.association_id,
        shop_id=connection.shop_id,
        source=connection.source,
        body=body,
    )
    return int(raw.pk)


class _Sender:
    """Sends to the maker's own address, and reads its answer, or says in words why it can't."""

    def __init__(self, connection: Connection, client: httpx.Client) -> None:
        self.client = client
        self.address = ADDRESSES[Source(connection.source)]
        token = (connection.secret or "").partition("\n")[0]
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        return self._answer("GET", path, params=dict(query))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._answer("POST", path, json=dict(body))

    def _answer(self, method: str, path: str, **asked: Any) -> dict[str, Any]:
        try:
            with self.client.stream(
                method, self.address + path, headers=self.headers, **asked
            ) as response:
                self._check(response)
                return self._json(response)
        except httpx.HTTPError:
            # Its text may hold the address asked for; the shop is told what it can do.
            raise AskErrorTemporary(_("No answer; it is asked again by itself.")) from None

    def _check(self, response: httpx.Response) -> None:
        if response.status_code in (401, 403):
            raise AskErrorTemporary(
                _("The access key is refused: make a new one there, and connect again."),
                timedelta(hours=1),
            )
        if response.status_code == 429:
            after = response.headers.get("Retry-After", "")
            seconds = int(after) if after.isdigit() and len(after) < 6 else 300
            raise AskErrorTemporary(
                _("It asks us to wait a little."), min(timedelta(seconds=seconds), BACK_OFF_AT_MOST)
            )
        if response.status_code != 200:
            raise AskErrorTemporary(
                _("It answers with error %(status)d; it is asked again by itself.")
                % {"status": response.status_code}
            )

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        body = b""
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > ANSWER_BYTES_AT_MOST:
                raise AskErrorTemporary(_("Its answer is too large."))
        try:
            return json_of(body)
        except PayloadErrorFinal:
            raise AskErrorTemporary(_("Its answer can’t be read.")) from None
