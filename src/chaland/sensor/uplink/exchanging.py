"""The exchange with the hub, each minute: charter, objections, and keys that the hub can't read.

The supervisor's half: it signs what the day's process made (public keys, sealed copies), and passes
on what the hub says. It keeps the charter and the town's filter on disk, so that a box that starts
while the hub is away goes on under them; secrets it never has.
"""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
from nacl.signing import SigningKey

from chaland.sensor.charter import CharterRefusedFinal
from chaland.sensor.orders import Copy, KeyNews, Objected
from chaland.sensor.uplink.charters import CharterStore
from chaland.sensor.uplink.durable import write_whole
from chaland.sensor.uplink.patience import TIMEOUT_S, Patience, not_the_hub, unreachable
from chaland.wire import answers
from chaland.wire.charter import encode as encode_charter
from chaland.wire.errors import WireErrorFinal
from chaland.wire.exchange import (
    FILTER_BYTES,
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
from chaland.wire.signature import sensor_identifier, sign

PATH = "/api/v1/exchange"
EVERY_S = 60.0
NEWS_WITHIN_S = 2.0
"""News of keys waits no longer: a sensor that has just started wants to count."""
FILTER_NAME = "filter.json"
FILTER_FORMAT = "chaland.filter/1"


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
        self.store = store
        self._key, self._client = key, client
        self._sensor = sensor_identifier(bytes(key.verify_key))
        self._url = hub.rstrip("/") + PATH
        self._filter_path = directory / FILTER_NAME
        self._now, self._patience = now, Patience(monotonic_s)
        self._news: KeyNews | None = None
        self._copies: dict[str, Copy] = {}
        self._objected: set[int] = set()
        self._filter_version, self._filter = _load_filter(self._filter_path)

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
        headers["Content-Type"] = "application/json"
        self.health.attempts += 1
        try:
            response = self._client.post(
                self._url, content=body, headers=headers, timeout=TIMEOUT_S
            )
        except httpx.HTTPError as error:
            self._failed(unreachable(self._url, error))
            return None
        said = self._answer(response)
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

    def _answer(self, response: httpx.Response) -> Exchanged | None:
        """Return what a hub answered; None, and the reason noted, if it is no exchange."""
        try:
            if response.is_success:
                return decode_answer(response.content)
            refused = answers.decode(response.content)
        except WireErrorFinal:
            self._failed(not_the_hub(self._url, response), response)
            return None
        self._failed(f"{refused.code}: {refused.message}", response)
        return None

    def _failed(self, problem: str, response: httpx.Response | None = None) -> None:
        self.health.last_problem = problem
        self._patience.failed(response)

    def _take(self, said: Exchanged, asked: Exchange) -> bytes:
        """Keep what is to be kept, forget what the hub has; return what goes to the process."""
        self.health.last_at, self.health.last_problem = self._now(), ""
        self._patience.succeeded(EVERY_S)
        self._objected.difference_update(asked.objected)
        for copy in asked.copies:
            kept = self._copies.get(copy.recipient)
            if kept is not None and kept.box == copy.box:
                del self._copies[copy.recipient]
        if said.filter:
            self._keep_filter(said)
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

    def _keep_filter(self, said: Exchanged) -> None:
        self._filter_version, self._filter = said.filter_version, said.filter
        stored = {
            "format": FILTER_FORMAT,
            "version": said.filter_version,
            "filter": base64.b64encode(said.filter).decode("ascii"),
        }
        try:
            write_whole(self._filter_path, json.dumps(stored).encode("ascii"))
        except OSError as error:
            self.health.last_problem = f"the filter can't be kept ({error}): check the disk"


def _load_filter(path: Path) -> tuple[int, bytes]:
    """Read the town's filter; one that is missing or damaged comes again with the next exchange."""
    try:
        stored = json.loads(path.read_bytes())
        bits = base64.b64decode(stored["filter"], validate=True)
        version = int(stored["version"])
        is_whole = stored["format"] == FILTER_FORMAT and len(bits) == FILTER_BYTES
        if is_whole and 0 <= version <= MAX_VERSION:
            return version, bits
    except (OSError, ValueError, KeyError, TypeError):
        pass  # asked for as one that has none
    return 0, b""
