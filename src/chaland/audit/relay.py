"""F3: the town's key of the day goes to sensors of the charter alone, whatever the hub says.

The day's process of the shipped code (``sensor.town.Town``) hears a hub that lies: of sensors that
no charter names, keys that nobody signed, copies that the hub made, charters of its own.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from nacl.public import PrivateKey, SealedBox
from nacl.signing import SigningKey

from chaland.audit.report import Outcome
from chaland.sensor.charter import CharterRefusedFinal
from chaland.sensor.orders import DayOrders, KeyNews
from chaland.sensor.privacy.town_key import TownKey
from chaland.sensor.town import Town
from chaland.wire import charter as wire
from chaland.wire.charter import Charter, CharterSensor
from chaland.wire.exchange import DayKey, Exchanged, SealedCopy, sign_copy, sign_day_key
from chaland.wire.mechanism import annex_digest
from chaland.wire.signature import sensor_identifier
from chaland.wire.summary import Mode

_DAY = date(2026, 3, 14)


class _Sensor:
    """An identity, and an X25519 key of the day of which the harness has the secret."""

    def __init__(self) -> None:
        self.key = SigningKey.generate()
        self.public = bytes(self.key.verify_key)
        self.name = sensor_identifier(self.public)
        self.secret = PrivateKey.generate()

    def day_key(self, day: date = _DAY) -> DayKey:
        return sign_day_key(self.key, self.name, day, bytes(self.secret.public_key))


class _Stage:
    """A process of the day that holds a key, its charter, and those who ask."""

    def __init__(self) -> None:
        self.town_key = SigningKey.generate()
        self.own, self.friend, self.stranger = _Sensor(), _Sensor(), _Sensor()
        self.said: list[KeyNews] = []
        self.charter = self.signed()
        fingerprint = wire.fingerprint(bytes(self.town_key.verify_key))
        orders = DayOrders(
            interface="", tool="", files=("-",), timezone="UTC", mode=Mode.DEFAULT,
            rssi_visitor_dbm=-70, rssi_passer_by_dbm=-85, objection_ssid="chaland-optout",
            sensor=self.own.name, town_key=fingerprint, day=_DAY.isoformat(),
        )  # fmt: skip
        self.town = Town(orders, self.said.append)
        self.hear(charter=self.charter)

    def signed(self, version: int = 2, by: SigningKey | None = None, **changes: object) -> Charter:
        listed = tuple(
            CharterSensor(each.name, each.public, "Shop", date(2000, 1, 1))
            for each in sorted((self.own, self.friend), key=lambda each: each.name)
        )
        draft = Charter(
            version=version, signed_on=date(2026, 1, 1), town="T", controller="C", contact="c@d.e",
            purpose="P", public_page="https://example.org/", objection_network="chaland-optout",
            ends_on=date(2099, 1, 1), annex_sha256=annex_digest(), notice_sha256="0" * 64,
            sensors=listed, town_key=bytes(self.town_key.verify_key), signature="",
        )  # fmt: skip
        return wire.sign(replace(draft, **changes), by or self.town_key)  # type: ignore[arg-type]

    def hear(
        self,
        key: str = "",
        copy: SealedCopy | None = None,
        wanting: tuple[DayKey, ...] = (),
        charter: Charter | None = None,
        day: date = _DAY,
    ) -> None:
        text = wire.encode(charter).decode() if charter else ""
        self.town.hear(Exchanged(day, key, copy, wanting, text, 0, b""))

    def hold(self) -> str:
        """Let the offered key become the town's."""
        self.hear(self.town.key.offered)
        return self.town.key.held

    @property
    def sealed(self) -> int:
        """How many copies were made so far."""
        return sum(len(news.copies) for news in self.said)

    def copy_by(self, maker: _Sensor, signer: _Sensor, day: date = _DAY) -> SealedCopy:
        """Return a key that the maker of the lie knows, sealed for the process."""
        known = TownKey()
        known.adopt()
        public = self.town.key.public_key
        unsigned = SealedCopy(maker.name, self.own.name, public, known.held, known.seal(public))
        return sign_copy(signer.key, unsigned, day)


def judge(outcome: Outcome) -> None:
    """Tell each lie to a process of its own."""
    tried = 0
    for lie, wants in _wanting().items():
        stage = _Stage()
        held = stage.hold()
        outcome.require(held, "a sensor does not adopt its own key when it is current")
        stage.hear(held, wanting=(wants(stage),))
        outcome.require(not stage.sealed, f"the town's key is sealed for {lie}")
        tried += 1
    for lie, copy in _copies().items():
        stage = _Stage()
        sealed = copy(stage)
        stage.hear(sealed.key, sealed)
        outcome.require(not stage.town.key.held, f"a key is taken from {lie}")
        tried += 1
    for lie, charter in _charters().items():
        stage = _Stage()
        held = stage.hold()
        try:
            stage.hear(held, wanting=(stage.stranger.day_key(),), charter=charter(stage))
            outcome.require(not stage.sealed, f"a sensor obeys {lie}")
        except CharterRefusedFinal:
            outcome.require(not stage.sealed, f"a sensor obeys {lie}")
        tried += 1
    _truth(outcome)
    outcome.measure("lies about the town's key that a process was told", tried)


def _truth(outcome: Outcome) -> None:
    """What a lie is compared with: who is named gets a copy, and can open it."""
    stage = _Stage()
    held = stage.hold()
    stage.hear(held, wanting=(stage.friend.day_key(),))
    copies = [copy for news in stage.said for copy in news.copies]
    outcome.require(len(copies) == 1, "a sensor of the charter gets no copy of the town's key")
    for made in copies:
        opened = SealedBox(stage.friend.secret).decrypt(made.box)
        outcome.require(len(opened) == 32, "a sealed copy holds no key")
    other = _Stage()
    copy = other.copy_by(other.friend, other.friend)
    other.hear(copy.key, copy)
    outcome.require(other.town.key.held == copy.key, "a copy by a sensor of the charter is refused")


def _wanting() -> dict[str, Callable[[_Stage], DayKey]]:
    return {
        "a sensor that the charter does not name": lambda s: s.stranger.day_key(),
        "a key that its sensor did not sign": lambda s: replace(
            s.friend.day_key(), public_key=bytes(PrivateKey.generate().public_key)
        ),
        "a key that another signed": lambda s: replace(
            s.stranger.day_key(), sensor=s.friend.name
        ),
        "a key of another day": lambda s: s.friend.day_key(_DAY - timedelta(days=1)),
    }  # fmt: skip


def _copies() -> dict[str, Callable[[_Stage], SealedCopy]]:
    return {
        "a maker that the charter does not name": lambda s: s.copy_by(s.stranger, s.stranger),
        "the hub, in a sensor's name": lambda s: s.copy_by(s.friend, s.stranger),
        "another day": lambda s: s.copy_by(s.friend, s.friend, _DAY - timedelta(days=1)),
        "a damaged box": lambda s: replace(s.copy_by(s.friend, s.friend), box=os.urandom(80)),
    }


def _charters() -> dict[str, Callable[[_Stage], Charter]]:
    def with_stranger(stage: _Stage, version: int, by: SigningKey) -> Charter:
        named = CharterSensor(stage.stranger.name, stage.stranger.public, "Shop", date(2000, 1, 1))
        sensors = sorted((*stage.charter.sensors, named), key=lambda each: each.sensor)
        signed = stage.signed(version, by, sensors=tuple(sensors))
        return replace(signed, town_key=bytes(by.verify_key))

    return {
        "a charter by another key": lambda s: with_stranger(s, 3, SigningKey.generate()),
        "a charter of an older version": lambda s: with_stranger(s, 1, s.town_key),
        "a charter changed after signing": lambda s: replace(
            with_stranger(s, 3, s.town_key), signature=s.charter.signature
        ),
    }
