"""A town key, and the charters that it signs: without one no sensor listens, in tests neither."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from nacl.signing import SigningKey

from chaland.sensor.config import load_config, save_config
from chaland.sensor.uplink.charters import CHARTER_NAME
from chaland.wire.charter import Charter, CharterSensor, encode, fingerprint, sign
from chaland.wire.mechanism import annex_digest
from chaland.wire.signature import sensor_identifier

TOWN = SigningKey(bytes([7]) * 32)
"""The town key, which a box never has."""
FINGERPRINT = fingerprint(bytes(TOWN.verify_key))


def draft(*keys: SigningKey, version: int = 1) -> Charter:
    """Return a draft that names the sensors of these keys."""
    return Charter(
        version=version,
        signed_on=date(2026, 3, 9),
        town="Bourg",
        controller="Les vitrines de Bourg",
        contact="vitrines@example.org",
        purpose="Compter les passages",
        public_page="https://vitrines.example.org/privacy/1/",
        objection_network="chaland-optout",
        ends_on=date(2099, 1, 1),
        annex_sha256=annex_digest(),
        notice_sha256="cd" * 32,
        sensors=tuple(
            CharterSensor(name(key), bytes(key.verify_key), "Café des Halles", date(2020, 3, 1))
            for key in keys
        ),
    )


def name(key: SigningKey) -> str:
    """Return the name of the sensor whose identity key this is."""
    return sensor_identifier(bytes(key.verify_key))


def signed(charter: Charter, town: SigningKey = TOWN) -> str:
    """Return a charter signed, as text."""
    return encode(sign(charter, town)).decode("ascii")


def permit(state: Path, charter: Charter) -> None:
    """Put a signed charter where a box keeps it, and pin the town key."""
    (state / CHARTER_NAME).write_text(signed(charter))
    save_config(state, replace(load_config(state), town_key=FINGERPRINT))
