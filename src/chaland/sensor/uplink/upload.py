"""Uploading what the spool holds: signed, in order, with patience.

A summary is deleted only on an answer of the hub itself that says it has it; a captive portal's
page, a proxy's error or silence leave it where it is.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from nacl.signing import SigningKey

from chaland.sensor.uplink.asking import TIMEOUT_S, Reply, not_the_hub, post, unreachable
from chaland.sensor.uplink.patience import Patience
from chaland.sensor.uplink.spool import Spool
from chaland.wire import answers
from chaland.wire.answers import Meaning
from chaland.wire.errors import WireErrorFinal
from chaland.wire.signature import sign
from chaland.wire.summary import MAX_SEQUENCE

PATH = "/api/v1/summaries"
SKEW_AT_MOST_S = 120.0
"""Beyond this the box's clock is called wrong; a window lasts 300 s."""

NUMBERED_ON_TO = MAX_SEQUENCE // 2
"""A hub that lies could else use the numbers up, and silence the sensor for good."""


@dataclass(slots=True)
class UploadHealth:
    """What ``chaland sensor status`` says about the uplink."""

    last_accepted_at: datetime | None = None
    last_problem: str = ""
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
        self._now, self._patience = now, Patience(monotonic_s)

    @property
    def due(self) -> bool:
        """Tell whether the time has come to send, if something waits."""
        return self._patience.is_over

    def drain(self, at_most: int = 50) -> None:
        """Send what is due, oldest first, until one must wait or ``at_most`` were sent."""
        self._spool.forget_late_sketches(self._now())
        if not self.due:
            return
        for sequence in self._spool.pending()[:at_most]:
            self._send(sequence)
            if not self.due:  # also after a renumbering, which gave what waits other names
                return

    def look_at_clock(self) -> None:
        """Ask the hub for the time, so that a wrong clock is known before the first cell."""
        try:
            self._note_clock(self._client.head(self._url, timeout=TIMEOUT_S).headers)
        except httpx.HTTPError as error:
            self.health.last_problem = unreachable(self._url, error)

    def _send(self, sequence: int) -> None:
        body = self._spool.read(sequence)
        if body is None:
            return
        headers = sign(self._key, sequence, self._now(), body).headers()
        try:
            reply = post(self._client, self._url, body, headers, answers.MAX_BYTES)
        except httpx.HTTPError as error:
            self._wait(unreachable(self._url, error))
            return
        self._note_clock(reply.headers)
        self._act(sequence, reply)

    def _act(self, sequence: int, reply: Reply) -> None:
        try:
            answer = answers.decode(reply.content)
        except WireErrorFinal:
            self._wait(not_the_hub(self._url, reply), reply)
            return
        self.health.answers[answer.code] = self.health.answers.get(answer.code, 0) + 1
        meaning = answers.meaning_of(answer.code)
        if meaning is Meaning.DONE:
            self._spool.delete(sequence)
            self.health.last_accepted_at, self.health.last_problem = self._now(), ""
            self._patience.succeeded()
        elif meaning is Meaning.PARK:
            self._spool.park(sequence, answer.code)
            self.health.last_problem = f"{answer.code}: {answer.message}"
            self._patience.succeeded()
        else:
            problem = f"{answer.code}: {answer.message}"
            if meaning is Meaning.RENUMBER and answer.last_sequence > NUMBERED_ON_TO:
                problem = f"the hub claims a number that no sensor reaches: {answer.last_sequence}"
            elif meaning is Meaning.RENUMBER:
                self._spool.renumber(answer.last_sequence)
            self._wait(problem, reply)

    def _wait(self, problem: str, reply: Reply | None = None) -> None:
        self.health.last_problem = problem
        self._patience.failed(reply)

    def _note_clock(self, headers: httpx.Headers) -> None:
        try:
            hub_time = parsedate_to_datetime(headers.get("Date", ""))
            if hub_time.tzinfo is not None:
                self.health.skew_s = (hub_time - self._now()).total_seconds()
        except (ValueError, OverflowError, TypeError, IndexError):
            return  # no clock in this answer, whatever stands there: what was known stays
