"""``chaland.enrolment/1``: how a box becomes a shop's sensor, by a one-time code.

The box makes its key itself and proves that it holds it; the hub stores the public half. Asking
again with the same code and the same key gives the same answer, so a lost answer costs nothing.
"""

import base64
import re
from dataclasses import dataclass

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from chaland.wire.errors import WireErrorFinal
from chaland.wire.fields import dump, load, readable
from chaland.wire.signature import sensor_identifier
from chaland.wire.summary import SENSOR_PATTERN

FORMAT = "chaland.enrolment/1"
ENROLLED_FORMAT = "chaland.enrolled/1"
REFUSAL_FORMAT = "chaland.refusal/1"
MAX_BYTES = 2048

CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 signs; none is mistaken for another when it is read aloud or copied from a screen."""
CODE_LENGTH = 12

_CODE = re.compile(f"[{CODE_ALPHABET}]{{{CODE_LENGTH}}}")
_KEY = re.compile(r"[0-9a-f]{64}")
_PROOF = re.compile(r"[A-Za-z0-9+/]{86}==")
_TEXT = re.compile(r"[^\x00-\x1f]{0,200}")


def normal_code(typed: str) -> str:
    """Return a typed code without hyphens and spaces, in capitals.

    Raises WireErrorFinal when it can't be a code.
    """
    code = re.sub(r"[\s-]", "", typed).upper()
    if not _CODE.fullmatch(code):
        form = f"must be {CODE_LENGTH} signs of {CODE_ALPHABET} (hyphens don't matter)"
        raise WireErrorFinal("code", form)
    return code


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A box's request: the one-time code, its public key (32 bytes), the proof that it has it."""

    code: str
    public_key: bytes
    proof: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The hub's answer: the sensor's name, its shop (to check by eye), time zone, if simulated."""

    sensor: str
    shop: str
    timezone: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a box was not enrolled: a machine-readable code and a sentence that says what to do."""

    code: str
    message: str


def request(key: SigningKey, code: str) -> Enrolment:
    """Make a box's request from its key and the typed code. Raises WireErrorFinal on a bad code."""
    public_key = bytes(key.verify_key)
    normal = normal_code(code)
    proof = key.sign(_proved_text(normal, public_key)).signature
    return Enrolment(normal, public_key, base64.b64encode(proof).decode("ascii"))


def proves(enrolment: Enrolment) -> bool:
    """Tell whether the request was made by the holder of its public key."""
    text = _proved_text(enrolment.code, enrolment.public_key)
    try:
        VerifyKey(enrolment.public_key).verify(text, base64.b64decode(enrolment.proof))
    except (BadSignatureError, ValueError):
        return False
    return True


def _proved_text(code: str, public_key: bytes) -> bytes:
    return f"{FORMAT}\n{code}\n{public_key.hex()}\n".encode("ascii")


def encode(enrolment: Enrolment) -> bytes:
    return dump(
        {
            "format": FORMAT,
            "code": enrolment.code,
            "public_key": enrolment.public_key.hex(),
            "proof": enrolment.proof,
        }
    )


def decode(body: bytes) -> Enrolment:
    """Read a request. Raises WireErrorFinal naming the field; the proof is not verified yet."""
    fields = load(body, MAX_BYTES)
    if fields.take("format") != FORMAT:
        raise fields.refuse("format", f"must be {FORMAT}")
    code = normal_code(str(fields.take("code")))
    public_key = bytes.fromhex(fields.text("public_key", _KEY, "64 hexadecimal digits"))
    proof = fields.text("proof", _PROOF, "the base64 of a 64-byte signature")
    fields.done()
    return Enrolment(code, public_key, proof)


def encode_enrolled(enrolled: Enrolled) -> bytes:
    return dump(
        {
            "format": ENROLLED_FORMAT,
            "sensor": enrolled.sensor,
            "shop": enrolled.shop,
            "timezone": enrolled.timezone,
            "simulated": enrolled.simulated,
        }
    )


def decode_enrolled(body: bytes, public_key: bytes) -> Enrolled:
    """Read the hub's answer; it must name the sensor that this key makes.

    Raises WireErrorFinal naming the field. Members that a later version adds are ignored.
    """
    fields = load(body, MAX_BYTES)
    if fields.take("format") != ENROLLED_FORMAT:
        raise fields.refuse("format", f"must be {ENROLLED_FORMAT}")
    sensor = fields.text("sensor", SENSOR_PATTERN, "16 letters a-z or digits 2-7")
    if sensor != sensor_identifier(public_key):
        raise fields.refuse("sensor", "is not the name that this box's key makes")
    shop = fields.text("shop", _TEXT, "a text of at most 200 characters")
    timezone = fields.text("timezone", _TEXT, "the name of a time zone")
    return Enrolled(sensor, shop, timezone, fields.boolean("simulated"))


def encode_refusal(refusal: Refusal) -> bytes:
    return dump({"format": REFUSAL_FORMAT, "code": refusal.code, "message": refusal.message})


def decode_refusal(body: bytes) -> Refusal:
    """Read why a box was not enrolled. Raises WireErrorFinal when the body says nothing of that."""
    fields = load(body, MAX_BYTES)
    if fields.take("format") != REFUSAL_FORMAT:
        raise fields.refuse("format", f"must be {REFUSAL_FORMAT}")
    code, message = str(fields.take("code")), str(fields.take("message"))
    return Refusal(readable(code, 40), readable(message, 400))
