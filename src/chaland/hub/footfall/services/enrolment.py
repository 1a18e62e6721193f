"""How boxes become sensors, and cease to be: one-time codes, keys, revocation."""

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac

from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.footfall.models import DoorToken, EnrolmentCode, Sensor
from chaland.wire import enrolment as wire
from chaland.wire.signature import sensor_identifier

CODE_LIVES = timedelta(hours=48)
CODES_KEPT = timedelta(days=30)

_DATABASE = "footfall"


class EnrolmentErrorFinal(Exception):
    """A box can't be enrolled this way; ``code`` is for machines, ``message`` says what to do."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code, self.status, self.message = code, status, message


def create_enrolment_code(shop_id: int, label: str, now: datetime) -> str:
    """Make a code that lets one box become a sensor of the shop within CODE_LIVES.

    The code, ``ABCD-EFGH-JKLM``, is returned once and stored as a keyed hash only.
    """
    code = "".join(secrets.choice(wire.CODE_ALPHABET) for _ in range(wire.CODE_LENGTH))
    EnrolmentCode.objects.filter(expires_at__lt=now - CODES_KEPT, sensor=None).delete()
    EnrolmentCode.objects.create(
        shop_id=shop_id, label=label, code_hash=_code_hash(code), expires_at=now + CODE_LIVES
    )
    return "-".join(code[at : at + 4] for at in range(0, wire.CODE_LENGTH, 4))


def redeem(request: wire.Enrolment, now: datetime) -> Sensor:
    """Make the box that asks a sensor. The same code with the same key gives the same sensor.

    Used once even when two boxes ask at the same time. Raises EnrolmentErrorFinal.
    """
    if not wire.proves(request):
        raise EnrolmentErrorFinal(
            "proof-wrong", 400, "The box did not prove that it holds its key: run enroll again."
        )
    if not EnrolmentCode.objects.filter(code_hash=_code_hash(request.code)).exists():
        return _already_enrolled(None, request)  # a guess costs no write
    with transaction.atomic(using=_DATABASE):
        # Whoever sets used_at first has the code; the other waits here, then finds it used.
        mine = EnrolmentCode.objects.filter(
            code_hash=_code_hash(request.code), used_at=None, expires_at__gt=now
        ).update(used_at=now)
        code = EnrolmentCode.objects.filter(code_hash=_code_hash(request.code)).first()
        if not mine or code is None:
            return _already_enrolled(code, request)
        return _enrol(code, request, now)


def revoke(sensor: Sensor, now: datetime) -> None:
    """Refuse whatever the sensor sends from now on. What it sent before stays."""
    Sensor.objects.filter(pk=sensor.pk, revoked_at=None).update(revoked_at=now)


def shop_left(instance: Shop, **_signal: object) -> None:
    """Refuse whatever the sensors and door counters of a shop send once it is deleted."""
    for model in (Sensor, DoorToken):
        model.objects.filter(shop_id=instance.pk, revoked_at=None).update(revoked_at=clock.now())


def _code_hash(code: str) -> str:
    """Hash under the site's key: a stolen database is no list of codes to guess at."""
    return salted_hmac("chaland.enrolment", code, algorithm="sha256").hexdigest()


def _enrol(code: EnrolmentCode, request: wire.Enrolment, now: datetime) -> Sensor:
    if not Shop.objects.filter(pk=code.shop_id).exists():
        raise EnrolmentErrorFinal(
            "shop-gone", 410, "This code's shop has left the association: ask for a new code."
        )
    identifier = sensor_identifier(request.public_key)
    if Sensor.objects.filter(Q(identifier=identifier) | Q(public_key=request.public_key)).exists():
        raise EnrolmentErrorFinal(
            "key-known",
            409,
            "This box's key belongs to a sensor already: run enroll --replace to make a new key.",
        )
    sensor = Sensor.objects.create(
        identifier=identifier,
        shop_id=code.shop_id,
        public_key=request.public_key,
        label=code.label,
        enrolled_at=now,
    )
    code.sensor = sensor
    code.save(update_fields=["sensor"])
    return sensor


def _already_enrolled(code: EnrolmentCode | None, request: wire.Enrolment) -> Sensor:
    """Give a box whose answer was lost the same answer again; refuse everything else."""
    if code is None:
        raise EnrolmentErrorFinal(
            "code-unknown", 404, "No such code: check it, or ask the association for a new one."
        )
    sensor = code.sensor
    if sensor is not None and bytes(sensor.public_key) == request.public_key:
        return sensor
    if code.used_at is None:
        raise EnrolmentErrorFinal(
            "code-expired", 410, "This code has expired: ask the association for a new one."
        )
    raise EnrolmentErrorFinal(
        "code-used", 409, "Another box has used this code: ask the association for a new one."
    )
