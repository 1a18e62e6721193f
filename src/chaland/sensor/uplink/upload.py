"""Uploading what the spool holds: signed, in order, with patience.

A summary is deleted only on an answer of the hub itself that says it has it; a captive portal's
page, a proxy's error or silence leave it where it is.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from nacl.signing import SigningKey

from chaland.sensor.uplink.spool import Spool
from chaland.wire import answers
from chaland.wire.answers import Meaning
from chaland.wire.errors import WireErrorFinal
from chaland.wire.signature import sign

PATH = "/api/v1/summaries"
TIMEOUT_S = 10.0
FIRST_DELAY_S = 5.0
LONGEST_DELAY_S = 600.0
SKEW_AT_MOST_S = 120.0
"""Beyond this the box's clock is called wrong; a window lasts 300 s."""


@dataclass(slots=True)
class UploadHealth:
    """What ``chaland sensor status`` says about the uplink."""

    last_accepted_at: datetime | None = None
    last_problem: str = ""
    failures: int = 0
    skew_s: float | None = None
    """The hub's clock minus ours, seconds; None before its first answer."""
    answers: dict[str, int] = field(default_factory=dict)

    @property
    def clock_is_wrong(self) -> bool:
        return self.skew_s is not None and abs(self.skew_s) > SKEW_AT_MOST_S


class Uploader:
    """Sends the spool's oldest summary when it is due; ``health`` says how it goes."""

    def __init__(
        self,
        spool: Spool,
        key: SigningKey,
        hub: str,
        client: httpx.Client,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.health = UploadHealth()
        self._spool, self._key, self._client = spool, key, client
        self._url = hub.rstrip("/") + PATH
        self._now, self._monotonic_s = now, monotonic_s
        self._next_at_s = monotonic_s()

    @property
    def due(self) -> bool:
        """Tell whether the time has come to send, if something waits."""
        return self._monotonic_s() >= self._next_at_s

    def drain(self, at_most: int = 50) -> None:
        """Send what is due, oldest first, until one must wait or ``at_most`` were sent."""
        if not self.due:
            return
        for sequence in self._spool.pending()[:at_most]:
            self._send(sequence)
            if not self.due:  # also after a renumbering, which gave what waits other names
                return

    def look_at_clock(self) -> None:
        """Ask the hub for the time, so that a wrong clock is known before the first cell."""
        try:
            self._note_clock(self._client.head(self._url, timeout=TIMEOUT_S))
        except httpx.HTTPError as error:
            self.health.last_problem = _unreachable(self._url, error)

    def _send(self, sequence: int) -> None:
        body = self._spool.read(sequence)
        if body is None:
            return
        headers = sign(self._key, sequence, self._now(), body).headers()
        headers["Content-Type"] = "application/json"
        try:
            response = self._client.post(
                self._url, content=body, headers=headers, timeout=TIMEOUT_S
            )
        except httpx.HTTPError as error:
            self._wait(_unreachable(self._url, error))
            return
        self._note_clock(response)
        self._act(sequence, response)

    def _act(self, sequence: int, response: httpx.Response) -> None:
        try:
            answer = answers.decode(response.content)
        except WireErrorFinal:
            self._wait(_not_the_hub(self._url, response), response)
            return
        self.health.answers[answer.code] = self.health.answers.get(answer.code, 0) + 1
        meaning = answers.meaning_of(answer.code)
        if meaning is Meaning.DONE:
            self._spool.delete(sequence)
            self.health.last_accepted_at, self.health.last_problem = self._now(), ""
            self._ready()
        elif meaning is Meaning.PARK:
            self._spool.park(sequence, answer.code)
            self.health.last_problem = f"{answer.code}: {answer.message}"
            self._ready()
        else:
            if meaning is Meaning.RENUMBER:
                self._spool.renumber(answer.last_sequence)
            self._wait(f"{answer.code}: {answer.message}", response)

    def _ready(self) -> None:
        self.health.failures = 0
        self._next_at_s = self._monotonic_s()

    def _wait(self, problem: str, response: httpx.Response | None = None) -> None:
        """Back off: up to twice as long after each failure, at random within the upper half."""
        self.health.last_problem = problem
        longest = min(FIRST_DELAY_S * 2 ** min(self.health.failures, 10), LONGEST_DELAY_S)
        delay_s = longest * (0.5 + random.SystemRandom().random() / 2)
        asked = response.headers.get("Retry-After", "") if response is not None else ""
        if asked.isascii() and asked.isdigit():
            delay_s = max(delay_s, min(float(asked), LONGEST_DELAY_S))
        self.health.failures += 1
        self._next_at_s = self._monotonic_s() + delay_s

    def _note_clock(self, response: httpx.Response) -> None:
        try:
            hub_time = parsedate_to_datetime(response.headers.get("Date", ""))
        except ValueError:
            return  # no clock in this answer: what was known stays
        if hub_time.tzinfo is not None:
            self.health.skew_s = (hub_time - self._now()).total_seconds()


def _unreachable(url: str, error: httpx.HTTPError) -> str:
    return f"the hub can't be reached at {url} ({type(error).__name__}: {error}); retrying"


def _not_the_hub(url: str, response: httpx.Response) -> str:
    return (
        f"{url} answered {response.status_code}, and not as a Chaland hub does: check the hub, "
        "its address and what stands between; retrying"
    )
