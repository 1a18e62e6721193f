"""The exchange with the hub, each minute: charter, objections, and keys that the hub can't read.

The supervisor's half: it signs what the day's process made (public keys, sealed copies), and passes
on what the hub says. It keeps the charter and the town's filter on disk, so that a box that starts
while the hub is away goes on under them; secrets it never has.
"""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
from nacl.signing import SigningKey

from chaland.sensor.charter import CharterRefusedFinal
from chaland.sensor.orders import Copy, KeyNews, Objected
from chaland.sensor.uplink.asking import Reply, not_the_hub, post, unreachable
from chaland.sensor.uplink.charters import CharterStore
from chaland.sensor.uplink.durable import write_whole
from chaland.sensor.uplink.patience import Patience
from chaland.wire import answers
from chaland.wire.answers import Code
from chaland.wire.charter import encode as encode_charter
from chaland.wire.errors import WireErrorFinal
from chaland.wire.exchange import (
    FILTER_BITS,
    FILTER_PATTERN,
    MAX_ANSWER_BYTES,
    MAX_COPIES,
    MAX_OBJECTED,
    MAX_VERSION,
    Exchange,
    Exchanged,
    SealedCopy,
    decode_answer,
    encode,
    encode_answer,
    sign_copy,
    sign_day_key,
)
from chaland.wire.fields import dump, load
from chaland.wire.signature import sensor_identifier, sign

PATH = "/api/v1/exchange"
EVERY_S = 60.0
NEWS_WITHIN_S = 2.0
"""News of keys waits no longer: a sensor that has just started wants to count."""
_FORBIDS = (Code.NOT_AGREED, Code.REVOKED_SENSOR)
FILTER_NAME = "filter.json"
FILTER_FORMAT = "chaland.filter/1"
FILTER_MAX_BYTES = 1_048_576


@dataclass(slots=True)
class ExchangeHealth:
    """What ``chaland sensor status`` says of the exchange."""

    last_at: datetime | None = None
    last_problem: str = ""
    charter_problem: str = ""
    """Why a charter that came is not obeyed."""
    attempts: int = 0


class Exchanger:
    """Exchanges with the hub when it is time. One local day after the other."""

    def __init__(
        self,
        store: CharterStore,
        directory: Path,
        key: SigningKey,
        hub: str,
        client: httpx.Client,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.health = ExchangeHealth()
        self.forbidden = False
        """Whether the hub said that the shop has withdrawn, or the sensor was revoked: a hub can
        always end listening, and never begin it."""
        self.store = store
        self._key, self._client = key, client
        self._sensor = sensor_identifier(bytes(key.verify_key))
        self._url = hub.rstrip("/") + PATH
        self._filter_path = directory / FILTER_NAME
        self._now, self._patience = now, Patience(monotonic_s)
        self._news: KeyNews | None = None
        self._copies: dict[str, Copy] = {}
        self._objected: set[int] = set()
        self._filter_version, self._filter = 0, b""
        self._load_filter()

    @property
    def holds(self) -> str:
        """The name of the town's key that the day's process has; "" for none."""
        return self._news.holds if self._news else ""

    def greeting(self, day: date) -> bytes:
        """Return what a day's process hears first: the charter in force, and the town's filter."""
        charter = self.store.charter
        text = encode_charter(charter).decode("ascii") if charter else ""
        said = Exchanged(day, "", None, (), text, self._filter_version, self._filter)
        return encode_answer(said)

    def hear(self, said: KeyNews | Objected) -> None:
        """Keep what the day's process said for the next exchange."""
        if isinstance(said, Objected):
            self._objected.update(said.bits)
            self._keep_filter()
            return
        self._news = said
        self._copies.update({copy.recipient: copy for copy in said.copies})
        self._patience.hurry(NEWS_WITHIN_S)

    def process_ended(self) -> None:
        """Forget the keys of a day's process that is gone."""
        self._news = None
        self._copies.clear()

    def exchange(self, day: date) -> bytes | None:
        """Exchange if it is time; return what the day's process (of a local day) is to hear."""
        if not self._patience.is_over:
            return None
        asked = self._request(day)
        body = encode(asked)
        headers = sign(self._key, 0, self._now(), body).headers()
        self.health.attempts += 1
        try:
            reply = post(self._client, self._url, body, headers, MAX_ANSWER_BYTES)
        except httpx.HTTPError as error:
            self._failed(unreachable(self._url, error))
            return None
        said = self._answer(reply)
        return self._take(said, asked) if said else None

    def _request(self, day: date) -> Exchange:
        news, charter = self._news, self.store.charter
        day_key = sign_day_key(self._key, self._sensor, day, news.day_key) if news else None
        copies = tuple(self._signed(copy, day) for copy in list(self._copies.values())[:MAX_COPIES])
        return Exchange(
            sensor=self._sensor,
            day=day,
            day_key=day_key,
            holds=news.holds if news else "",
            offers=news.offers if news else "",
            copies=copies,
            objected=tuple(sorted(self._objected)[:MAX_OBJECTED]),
            charter_version=charter.version if charter else 0,
            filter_version=self._filter_version,
        )

    def _signed(self, copy: Copy, day: date) -> SealedCopy:
        unsigned = SealedCopy(self._sensor, copy.recipient, copy.recipient_key, copy.key, copy.box)
        return sign_copy(self._key, unsigned, day)

    def _answer(self, reply: Reply) -> Exchanged | None:
        """Return what a hub answered; None, and the reason noted, if it is no exchange."""
        try:
            if reply.is_success:
                return decode_answer(reply.content)
            refused = answers.decode(reply.content)
        except WireErrorFinal:
            self._failed(not_the_hub(self._url, reply), reply)
            return None
        self.forbidden = self.forbidden or refused.code in _FORBIDS
        self._failed(f"{refused.code}: {refused.message}", reply)
        return None

    def _failed(self, problem: str, reply: Reply | None = None) -> None:
        self.health.last_problem = problem
        self._patience.failed(reply)

    def _take(self, said: Exchanged, asked: Exchange) -> bytes:
        """Keep what is to be kept, forget what the hub has; return what goes to the process."""
        self.health.last_at, self.health.last_problem = self._now(), ""
        self.forbidden = False
        self._patience.succeeded(EVERY_S)
        if asked.objected or said.filter:
            self._objected.difference_update(asked.objected)
            if said.filter:
                self._filter_version, self._filter = said.filter_version, said.filter
            self._keep_filter()
        for copy in asked.copies:
            kept = self._copies.get(copy.recipient)
            if kept is not None and kept.box == copy.box:
                del self._copies[copy.recipient]
        charter = said.charter if said.charter and self._is_obeyed(said.charter) else ""
        return encode_answer(replace(said, charter=charter))

    def _is_obeyed(self, text: str) -> bool:
        """Offer a charter to the store; tell whether it is a new one that is in force now."""
        try:
            is_new = self.store.receive(text) is not None
        except CharterRefusedFinal as refused:
            self.health.charter_problem = f"{refused.refusal}: {refused}"
            return False
        except OSError as error:
            self.health.charter_problem = f"the charter can't be kept ({error}): check the disk"
            return False
        self.health.charter_problem = ""
        return is_new

    def _keep_filter(self) -> None:
        """Write the town's filter, and what the hub was not told yet."""
        stored = {
            "format": FILTER_FORMAT,
            "version": self._filter_version,
            "filter": base64.b64encode(self._filter).decode("ascii"),
            "objected": sorted(self._objected),
        }
        try:
            write_whole(self._filter_path, dump(stored))
        except OSError as error:
            self.health.last_problem = f"the filter can't be kept ({error}): check the disk"

    def _load_filter(self) -> None:
        """Read the filter; one that is missing or damaged comes again with the next exchange."""
        try:
            fields = load(self._filter_path.read_bytes(), FILTER_MAX_BYTES)
            fields.expect("format", FILTER_FORMAT)
            version = fields.integer("version", 0, MAX_VERSION)
            bits = base64.b64decode(fields.text("filter", FILTER_PATTERN, "the base64 of a filter"))
            objected = fields.integers("objected", (0, FILTER_BITS), 0, FILTER_BITS - 1)
        except FileNotFoundError:
            return
        except (OSError, WireErrorFinal) as error:
            self.health.last_problem = f"{self._filter_path}: {error}: it is asked for again"
            return
        self._filter_version, self._filter = version, bits
        self._objected.update(objected)
