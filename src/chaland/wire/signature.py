"""How a sensor signs what it sends: Ed25519 over device, sequence, time and the body's hash.

The hub stores public keys only. The text that is signed is four readable lines after a heading,
so that no signature of another protocol can be mistaken for one of ours.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from chaland.wire.fields import write_instant

SENSOR_HEADER = "Chaland-Sensor"
SEQUENCE_HEADER = "Chaland-Sequence"
TIME_HEADER = "Chaland-Time"
SIGNATURE_HEADER = "Chaland-Signature"

_HEADING = "chaland.signature/1"


def sensor_identifier(public_key: bytes) -> str:
    """Return a sensor's name: 16 base-32 letters of the SHA-256 of its public key (32 bytes)."""
    return base64.b32encode(hashlib.sha256(public_key).digest()[:10]).decode("ascii").lower()


def body_digest(body: bytes) -> str:
    """Return the SHA-256 of a body, 64 hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the headers of one upload say. ``time`` is the text of the header, signed as it is."""

    sensor: str
    sequence: int
    time: str
    signature: str

    def headers(self) -> dict[str, str]:
        return {
            SENSOR_HEADER: self.sensor,
            SEQUENCE_HEADER: str(self.sequence),
            TIME_HEADER: self.time,
            SIGNATURE_HEADER: self.signature,
        }


def signed_text(sensor: str, sequence: int, time: str, body: bytes) -> bytes:
    """Return the bytes that the signature covers."""
    lines = (_HEADING, sensor, str(sequence), time, body_digest(body))
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def sign(key: SigningKey, sequence: int, at: datetime, body: bytes) -> Envelope:
    """Sign a body at the instant of its upload; signing again later gives another envelope."""
    sensor, time = sensor_identifier(bytes(key.verify_key)), write_instant(at)
    signature = key.sign(signed_text(sensor, sequence, time, body)).signature
    return Envelope(sensor, sequence, time, base64.b64encode(signature).decode("ascii"))


def verifies(envelope: Envelope, public_key: bytes, body: bytes) -> bool:
    """Tell whether the key's owner signed this body with this sensor, sequence and time."""
    try:
        signature = base64.b64decode(envelope.signature, validate=True)
        text = signed_text(envelope.sensor, envelope.sequence, envelope.time, body)
        VerifyKey(public_key).verify(text, signature)
    except (BadSignatureError, ValueError):  # ValueError: not base64, not 64 bytes, not ASCII
        return False
    return True
