"""``chaland.exchange/1`` and ``chaland.exchanged/1``: what sensors and hub pass on each minute.

Upwards: the day's public key, sealed copies of the town's key of the day for others, new bits of
the objection filter. Downwards: a sealed copy, who still wants one, the charter, the town's filter.
The hub relays what it can't read: the town's key is sealed (X25519) for each sensor's key of the
day; both that key and each sealed copy are signed with identity keys that the charter pins, so the
hub can't slip in a key or a sensor of its own.
"""

import base64
import re
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from chaland.wire.fields import Fields, dump, load, one_spelling
from chaland.wire.sketch import KEY_ID_PATTERN
from chaland.wire.summary import SENSOR_PATTERN

FORMAT = "chaland.exchange/1"
ANSWER_FORMAT = "chaland.exchanged/1"
MAX_BYTES = 65_536
MAX_ANSWER_BYTES = 262_144
MAX_COPIES = 100
MAX_OBJECTED = 1_024
FILTER_BITS = 2**16
FILTER_BYTES = FILTER_BITS // 8
MAX_VERSION = 2**53 - 1
SEALED_BYTES = 32 + 48
"""A key of 32 bytes in a sealed box: an ephemeral public key and a tag besides."""

_HEX32 = re.compile(r"[0-9a-f]{64}")
_HEX32_OR_NONE = re.compile(r"(?:[0-9a-f]{64})?")
_KEY_ID_OR_NONE = re.compile(r"(?:[0-9a-f]{16})?")
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{86}==")
_SIGNATURE_OR_NONE = re.compile(r"(?:[A-Za-z0-9+/]{86}==)?")
_BOX = re.compile(r"[A-Za-z0-9+/]{107}=")
FILTER_PATTERN = re.compile(r"(?:[A-Za-z0-9+/]{10923}=)?")
"""Base64 of FILTER_BYTES, or nothing."""
_CHARTER = re.compile(r"[\x20-\x7e]{0,131072}")


@dataclass(frozen=True, slots=True)
class DayKey:
    """A sensor's X25519 public key of one local day (32 bytes), signed by its identity key."""

    sensor: str
    public_key: bytes
    signature: str


@dataclass(frozen=True, slots=True)
class SealedCopy:
    """The town's key of the day, sealed by sensor ``maker`` for one day key of another sensor.

    ``box`` is a libsodium sealed box of SEALED_BYTES; ``key`` the public name of what is in it.
    """

    maker: str
    recipient: str
    recipient_key: bytes
    key: str
    box: bytes
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a sensor says. ``day_key`` None: its day's process is not running.

    ``holds``: the key it has, by name, "" for none; a sensor without one ``offers`` one of its own.
    ``objected``: numbers of filter bits set since the last cell. Versions are of what it has.
    """

    sensor: str
    day: date
    day_key: DayKey | None
    holds: str
    offers: str
    copies: tuple[SealedCopy, ...]
    objected: tuple[int, ...]
    charter_version: int
    filter_version: int


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The hub's answer. ``key`` is the current name of the town's key of ``day``, "" for none.

    ``wanting``: day keys of sensors without a copy. ``charter`` (a signed document as text) and
    ``filter`` (FILTER_BYTES) come only when newer than what the sensor has, else "" and b"".
    """

    day: date
    key: str
    copy: SealedCopy | None
    wanting: tuple[DayKey, ...]
    charter: str
    filter_version: int
    filter: bytes


def sign_day_key(key: SigningKey, sensor: str, day: date, public_key: bytes) -> DayKey:
    """Sign a day key with the sensor's identity key."""
    return DayKey(sensor, public_key, _sign(key, _day_key_text(sensor, day, public_key)))


def is_day_key(day_key: DayKey, day: date, identity: bytes) -> bool:
    """Tell whether the holder of ``identity`` (32 bytes, from the charter) signed this day key."""
    text = _day_key_text(day_key.sensor, day, day_key.public_key)
    return _verifies(identity, text, day_key.signature)


def sign_copy(key: SigningKey, copy: SealedCopy, day: date) -> SealedCopy:
    """Return the copy signed with its maker's identity key."""
    return replace(copy, signature=_sign(key, _copy_text(copy, day)))


def is_copy(copy: SealedCopy, day: date, identity: bytes) -> bool:
    """Tell whether the holder of ``identity`` (the maker's, from the charter) signed this copy."""
    return _verifies(identity, _copy_text(copy, day), copy.signature)


def _day_key_text(sensor: str, day: date, public_key: bytes) -> bytes:
    return f"chaland.day-key/1\n{sensor}\n{day}\n{public_key.hex()}\n".encode("ascii")


def _copy_text(copy: SealedCopy, day: date) -> bytes:
    recipient = (copy.recipient, copy.recipient_key.hex())
    lines = ("chaland.sealed-copy/1", copy.maker, day, *recipient, copy.key, copy.box.hex())
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _sign(key: SigningKey, text: bytes) -> str:
    return base64.b64encode(key.sign(text).signature).decode("ascii")


def _verifies(identity: bytes, text: bytes, signature: str) -> bool:
    try:
        VerifyKey(identity).verify(text, base64.b64decode(signature, validate=True))
    except (BadSignatureError, ValueError):
        return False
    return True


def encode(exchange: Exchange) -> bytes:
    """Write a sensor's request. Raises WireErrorFinal naming what breaks the format."""
    body = _bytes(exchange)
    _exchange(load(body, MAX_BYTES))
    return body


def decode(body: bytes) -> Exchange:
    """Read a request; signatures are not verified yet.

    Raises WireErrorFinal naming the field, also for another spelling of the request.
    """
    exchange = _exchange(load(body, MAX_BYTES))
    one_spelling(body, _bytes(exchange))
    return exchange


def _bytes(exchange: Exchange) -> bytes:
    key = exchange.day_key
    return dump(
        {
            "format": FORMAT,
            "sensor": exchange.sensor,
            "day": exchange.day.isoformat(),
            "day_key": key.public_key.hex() if key else "",
            "day_key_signature": key.signature if key else "",
            "holds": exchange.holds,
            "offers": exchange.offers,
            "copies": [_copy_members(copy) for copy in exchange.copies],
            "objected": list(exchange.objected),
            "charter_version": exchange.charter_version,
            "filter_version": exchange.filter_version,
        }
    )


def _exchange(fields: Fields) -> Exchange:
    fields.expect("format", FORMAT)
    sensor = fields.text("sensor", SENSOR_PATTERN, "16 letters a-z or digits 2-7")
    day = fields.day("day")
    public_key = fields.text("day_key", _HEX32_OR_NONE, "64 hexadecimal digits, or empty")
    signature = fields.text("day_key_signature", _SIGNATURE_OR_NONE, "a signature, or empty")
    if bool(public_key) != bool(signature):
        raise fields.refuse("day_key_signature", "must come with day_key, and only then")
    exchange = Exchange(
        sensor=sensor,
        day=day,
        day_key=DayKey(sensor, bytes.fromhex(public_key), signature) if public_key else None,
        holds=fields.text("holds", _KEY_ID_OR_NONE, "16 hexadecimal digits, or empty"),
        offers=fields.text("offers", _KEY_ID_OR_NONE, "16 hexadecimal digits, or empty"),
        copies=tuple(_copy(each) for each in fields.objects("copies", MAX_COPIES)),
        objected=fields.integers("objected", (0, MAX_OBJECTED), 0, FILTER_BITS - 1),
        charter_version=fields.integer("charter_version", 0, MAX_VERSION),
        filter_version=fields.integer("filter_version", 0, MAX_VERSION),
    )
    fields.done()
    if any(left >= right for left, right in pairwise(exchange.objected)):
        raise fields.refuse("objected", "must increase")
    return exchange


def encode_answer(answer: Exchanged) -> bytes:
    """Write the hub's answer. Raises WireErrorFinal naming what breaks the format."""
    body = dump(
        {
            "format": ANSWER_FORMAT,
            "day": answer.day.isoformat(),
            "key": answer.key,
            "copy": [_copy_members(answer.copy)] if answer.copy else [],
            "wanting": [
                {
                    "sensor": key.sensor,
                    "public_key": key.public_key.hex(),
                    "signature": key.signature,
                }
                for key in answer.wanting
            ],
            "charter": answer.charter,
            "filter_version": answer.filter_version,
            "filter": base64.b64encode(answer.filter).decode("ascii"),
        }
    )
    decode_answer(body)
    return body


def decode_answer(body: bytes) -> Exchanged:
    """Read the hub's answer. Raises WireErrorFinal naming the field."""
    fields = load(body, MAX_ANSWER_BYTES)
    fields.expect("format", ANSWER_FORMAT)
    day = fields.day("day")
    key = fields.text("key", _KEY_ID_OR_NONE, "16 hexadecimal digits, or empty")
    copies = [_copy(each) for each in fields.objects("copy", 1)]
    wanting = tuple(_day_key(each) for each in fields.objects("wanting", MAX_COPIES))
    charter = fields.text("charter", _CHARTER, "a charter as text, or empty")
    version = fields.integer("filter_version", 0, MAX_VERSION)
    form = f"the base64 of {FILTER_BYTES} bytes, or empty"
    bits = base64.b64decode(fields.text("filter", FILTER_PATTERN, form))
    fields.done()
    return Exchanged(day, key, copies[0] if copies else None, wanting, charter, version, bits)


def _day_key(fields: Fields) -> DayKey:
    sensor = fields.text("sensor", SENSOR_PATTERN, "16 letters a-z or digits 2-7")
    public_key = bytes.fromhex(fields.text("public_key", _HEX32, "64 hexadecimal digits"))
    signature = fields.text("signature", _SIGNATURE, "the base64 of a 64-byte signature")
    fields.done()
    return DayKey(sensor, public_key, signature)


def _copy_members(copy: SealedCopy) -> dict[str, object]:
    return {
        "maker": copy.maker,
        "recipient": copy.recipient,
        "recipient_key": copy.recipient_key.hex(),
        "key": copy.key,
        "box": base64.b64encode(copy.box).decode("ascii"),
        "signature": copy.signature,
    }


def _copy(fields: Fields) -> SealedCopy:
    name = "16 letters a-z or digits 2-7"
    copy = SealedCopy(
        maker=fields.text("maker", SENSOR_PATTERN, name),
        recipient=fields.text("recipient", SENSOR_PATTERN, name),
        recipient_key=bytes.fromhex(fields.text("recipient_key", _HEX32, "64 hexadecimal digits")),
        key=fields.text("key", KEY_ID_PATTERN, "16 hexadecimal digits"),
        box=base64.b64decode(
            fields.text("box", _BOX, f"the base64 of a sealed box of {SEALED_BYTES} bytes")
        ),
        signature=fields.text("signature", _SIGNATURE, "the base64 of a 64-byte signature"),
    )
    fields.done()
    return copy
