"""A sensor in the exchange, as the hub hears it."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from nacl.public import PrivateKey

from chaland.hub.footfall.intake.exchange import relay
from chaland.wire import exchange as wire
from chaland.wire.answers import Answer
from chaland.wire.exchange import Exchange, Exchanged
from chaland.wire.exchange import SealedCopy as Copy
from chaland.wire.signature import sign
from tests.hub.footfall.intake.boxes import NOW

DAY = date(2026, 3, 14)
OURS, THEIRS = "00000000000000aa", "00000000000000bb"


@dataclass
class Talker:
    """A sensor in the exchange: its identity, its key of the day, what it holds and offers."""

    box: Any
    secret: PrivateKey = field(default_factory=PrivateKey.generate)
    holds: str = ""
    offers: str = ""
    at: datetime = NOW

    @property
    def name(self) -> str:
        return str(self.box.sensor.identifier)

    @property
    def day_key(self) -> wire.DayKey:
        return wire.sign_day_key(self.box.key, self.name, DAY, bytes(self.secret.public_key))

    def ask(self, **changes: Any) -> Exchange:
        asked = Exchange(self.name, DAY, self.day_key, self.holds, self.offers, (), (), 0, 0)
        return replace(asked, **changes)

    def say(self, **changes: Any) -> Exchanged:
        said = self.send(wire.encode(self.ask(**changes)))
        assert isinstance(said, Exchanged)
        wire.encode_answer(said)
        return said

    def send(self, body: bytes, sequence: int = 0) -> Exchanged | Answer:
        self.at += timedelta(seconds=1)
        return relay(body, sign(self.box.key, sequence, self.at, body), self.at)

    def seal(self, other: "Talker", key: str = OURS, box: bytes = bytes(80)) -> Copy:
        public = bytes(other.secret.public_key)
        return wire.sign_copy(self.box.key, Copy(self.name, other.name, public, key, box), DAY)
