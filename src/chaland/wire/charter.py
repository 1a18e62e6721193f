"""``chaland.charter/1``: what must be agreed, said and signed before a sensor may listen.

One document for the whole town: why and until when is measured, where passers-by can read of it,
which sensors take part and since when their shops agree, and the digest of the mechanism that the
impact assessment describes. It is signed with the *town key*, which the association keeps off the
hub: the hub relays the charter, and can neither change it nor add a sensor of its own.
"""

import base64
import re
from dataclasses import dataclass, replace
from datetime import date

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from chaland.wire.fields import Fields, dump, load, one_spelling
from chaland.wire.signature import sensor_identifier
from chaland.wire.summary import SENSOR_PATTERN

FORMAT = "chaland.charter/1"
MAX_BYTES = 131_072
MAX_SENSORS = 400
MAX_VERSION = 1_000_000

_HEX32 = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{86}==|")
_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]{1,300}")
"""No control sign, nor one that turns the direction of writing: what is signed must look so."""
_NETWORK = re.compile(r"[\x20-\x7e]{4,32}")
_URL = re.compile(r"https?://[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class CharterSensor:
    """A sensor that may listen: its name, its Ed25519 key (32 bytes), its shop's agreement."""

    sensor: str
    public_key: bytes
    shop: str
    agreed_on: date


@dataclass(frozen=True, slots=True)
class Charter:
    """The signed document. ``town_key`` is the signer's public key, 32 bytes.

    ``signature`` is "" in a draft. ``ends_on`` is the last local day that may be measured.
    ``annex_sha256`` is ``wire.mechanism.annex_digest``, ``notice_sha256`` the digest of the
    notice's text as it hangs in the shops.
    """

    version: int
    signed_on: date
    town: str
    controller: str
    contact: str
    purpose: str
    public_page: str
    objection_network: str
    ends_on: date
    annex_sha256: str
    notice_sha256: str
    sensors: tuple[CharterSensor, ...]
    town_key: bytes = bytes(32)
    signature: str = ""

    def sensor(self, name: str) -> CharterSensor | None:
        """Return the sensor of that name, None if the charter does not list it."""
        return next((each for each in self.sensors if each.sensor == name), None)

    @property
    def fingerprint(self) -> str:
        """The town key's name, as people compare it: 16 letters in groups of four."""
        return fingerprint(self.town_key)


def fingerprint(public_key: bytes) -> str:
    """Return the name of a town key (32 bytes), ``abcd-efgh-ijkl-mnop``."""
    name = sensor_identifier(public_key)
    return "-".join(name[at : at + 4] for at in range(0, 16, 4))


def sign(draft: Charter, key: SigningKey) -> Charter:
    """Return the charter signed with the town key. Raises WireErrorFinal if it breaks its form."""
    unsigned = replace(draft, town_key=bytes(key.verify_key), signature="")
    signature = key.sign(encode(unsigned)).signature
    return replace(unsigned, signature=base64.b64encode(signature).decode("ascii"))


def is_signed(charter: Charter) -> bool:
    """Tell whether the holder of ``town_key`` signed it. Whose key that is, the caller checks."""
    text = encode(replace(charter, signature=""))
    try:
        VerifyKey(charter.town_key).verify(text, base64.b64decode(charter.signature))
    except (BadSignatureError, ValueError):
        return False
    return True


def encode(charter: Charter) -> bytes:
    """Write a charter in its one spelling. Raises WireErrorFinal naming what breaks its form."""
    body = _bytes(charter)
    _charter(load(body, MAX_BYTES))
    return body


def decode(body: bytes) -> Charter:
    """Read a charter or a draft; its signature is not verified yet. Raises WireErrorFinal."""
    charter = _charter(load(body, MAX_BYTES))
    one_spelling(body, _bytes(charter))
    return charter


def _bytes(charter: Charter) -> bytes:
    return dump(
        {
            "format": FORMAT,
            "version": charter.version,
            "signed_on": charter.signed_on.isoformat(),
            "town": charter.town,
            "controller": charter.controller,
            "contact": charter.contact,
            "purpose": charter.purpose,
            "public_page": charter.public_page,
            "objection_network": charter.objection_network,
            "ends_on": charter.ends_on.isoformat(),
            "annex_sha256": charter.annex_sha256,
            "notice_sha256": charter.notice_sha256,
            "sensors": [
                {
                    "sensor": each.sensor,
                    "public_key": each.public_key.hex(),
                    "shop": each.shop,
                    "agreed_on": each.agreed_on.isoformat(),
                }
                for each in charter.sensors
            ],
            "town_key": charter.town_key.hex(),
            "signature": charter.signature,
        }
    )


def _charter(fields: Fields) -> Charter:
    fields.expect("format", FORMAT)
    text, digest = "a text of 1 to 300 signs on one line", "64 hexadecimal digits"
    charter = Charter(
        version=fields.integer("version", 1, MAX_VERSION),
        signed_on=fields.day("signed_on"),
        town=fields.text("town", _LINE, text),
        controller=fields.text("controller", _LINE, text),
        contact=fields.text("contact", _LINE, text),
        purpose=fields.text("purpose", _LINE, text),
        public_page=fields.text("public_page", _URL, "a URL"),
        objection_network=fields.text("objection_network", _NETWORK, "4 to 32 ASCII signs"),
        ends_on=fields.day("ends_on"),
        annex_sha256=fields.text("annex_sha256", _HEX32, digest),
        notice_sha256=fields.text("notice_sha256", _HEX32, digest),
        sensors=tuple(_sensor(each) for each in fields.objects("sensors", MAX_SENSORS)),
        town_key=bytes.fromhex(fields.text("town_key", _HEX32, digest)),
        signature=fields.text("signature", _SIGNATURE, "the base64 of a 64-byte signature"),
    )
    fields.done()
    names = [each.sensor for each in charter.sensors]
    if len(set(names)) != len(names):
        raise fields.refuse("sensors", "names a sensor twice")
    return charter


def _sensor(fields: Fields) -> CharterSensor:
    name = fields.text("sensor", SENSOR_PATTERN, "16 letters a-z or digits 2-7")
    public_key = bytes.fromhex(fields.text("public_key", _HEX32, "64 hexadecimal digits"))
    if sensor_identifier(public_key) != name:
        raise fields.refuse("public_key", f"is not the key of sensor {name}")
    shop = fields.text("shop", _LINE, "a text of 1 to 300 signs on one line")
    agreed_on = fields.day("agreed_on")
    fields.done()
    return CharterSensor(name, public_key, shop, agreed_on)
