"""What a summary must pass before it is stored, and what is said when it does not."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from chaland.hub.association.models import Association, Shop
from chaland.hub.footfall import charters
from chaland.hub.footfall.models import Batch, Cell, DwellDay, Sensor
from chaland.wire.answers import Code
from chaland.wire.charter import Charter
from chaland.wire.errors import WireErrorFinal
from chaland.wire.periods import CELL_S, local_day
from chaland.wire.signature import TIME_HEADER, Envelope, body_digest, verifies
from chaland.wire.summary import MAX_BYTES, Summary, decode

CLOCK_MAY_DIFFER = timedelta(minutes=10)
RETENTION = timedelta(days=31)
"""Summaries of older cells are refused; a box's spool holds no more than that."""
SEQUENCE_JUMP_AT_MOST = 1_000_000
"""Numbers that may be missing: 28 years of cells. A leap to the end would leave the box none."""


class RefusedFinal(Exception):
    """A summary is not stored: which answer, and the sentence that says what to do."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def authentic(
    body: bytes, envelope: Envelope, sensor: Sensor | None, at_most: int = MAX_BYTES
) -> Sensor:
    """Return the sensor if it signed this body, and may speak. Raises RefusedFinal."""
    if len(body) > at_most:
        raise RefusedFinal(Code.OVERSIZED, f"This message has at most {at_most} bytes.")
    if sensor is None:
        raise RefusedFinal(
            Code.UNKNOWN_SENSOR, "This hub knows no such sensor: enrol the box with a new code."
        )
    if not verifies(envelope, bytes(sensor.public_key), body):
        raise RefusedFinal(
            Code.FORGED_SIGNATURE,
            "The signature is not by this sensor's key over this body: enrol the box again.",
        )
    not_revoked(sensor)
    return sensor


def not_revoked(sensor: Sensor) -> None:
    """Refuse a sensor that the association has revoked. Raises RefusedFinal."""
    if sensor.revoked_at is not None:
        raise RefusedFinal(
            Code.REVOKED_SENSOR,
            "The association has revoked this sensor: enrol the box again if it is to go on.",
        )


def timely(envelope: Envelope, now: datetime) -> datetime:
    """Return when an envelope was signed, about now. Raises RefusedFinal for any other time."""
    try:
        signed_at = datetime.strptime(envelope.time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        message = f"{TIME_HEADER}: must be an instant like 2026-03-14T10:15:00Z."
        raise RefusedFinal(Code.MALFORMED, message) from None
    if abs(signed_at - now) > CLOCK_MAY_DIFFER:
        raise RefusedFinal(
            Code.CLOCK_JUMP,
            f"The box's clock says {envelope.time}, the hub's {now:%Y-%m-%dT%H:%M:%SZ}: set the "
            "box's clock (timedatectl set-ntp true); nothing is lost.",
        )
    return signed_at


def readable(body: bytes, envelope: Envelope) -> Summary:
    """Decode the body; it must be of the sensor and the number that the envelope names."""
    try:
        summary = decode(body)
        if summary.sensor != envelope.sensor:
            raise WireErrorFinal("sensor", "is not the one that signed")
        if summary.sequence != envelope.sequence:
            raise WireErrorFinal("sequence", "is not the one that was signed")
    except WireErrorFinal as error:
        message = f"{error}. Update the box's software; the summary is kept there."
        raise RefusedFinal(Code.MALFORMED, message) from None
    return summary


def in_sequence(sensor: Sensor, summary: Summary, body: bytes) -> bool:
    """Tell whether the summary is new (False: the very same is stored). Raises RefusedFinal."""
    jump = summary.sequence - sensor.last_sequence
    if jump > SEQUENCE_JUMP_AT_MOST:
        raise RefusedFinal(
            Code.MALFORMED,
            f"sequence: {summary.sequence} is more than {SEQUENCE_JUMP_AT_MOST} past the last, "
            f"{sensor.last_sequence}: enrol the box again.",
        )
    if jump > 0:
        return True
    stored = Batch.objects.filter(sensor=sensor, sequence=summary.sequence).first()
    if stored is None:
        raise RefusedFinal(
            Code.SEQUENCE_REPLAYED,
            f"Number {summary.sequence} is past; the last was {sensor.last_sequence}: number on "
            "from there.",
        )
    if stored.body_sha256 != body_digest(body):
        raise RefusedFinal(
            Code.SEQUENCE_CONFLICT,
            f"Another summary came under number {summary.sequence}: number on from "
            f"{sensor.last_sequence}.",
        )
    return False


def in_time(summary: Summary, now: datetime) -> None:
    """Refuse cells of the future, and those older than what the hub takes."""
    start = summary.cell.start
    if start + timedelta(seconds=CELL_S) > now + CLOCK_MAY_DIFFER:
        raise RefusedFinal(
            Code.FUTURE_DATED,
            f"The cell of {start:%Y-%m-%dT%H:%M:%SZ} has not ended yet: the box's clock was wrong "
            "when it counted.",
        )
    if start < now - RETENTION:
        raise RefusedFinal(
            Code.TOO_OLD,
            f"The cell of {start:%Y-%m-%dT%H:%M:%SZ} is more than {RETENTION.days} days old: "
            "delete it.",
        )


def town_of(sensor: Sensor) -> Association:
    """Return the association of a sensor's shop. Raises RefusedFinal."""
    shop = Shop.objects.select_related("association").filter(pk=sensor.shop_id).first()
    if shop is None:
        raise RefusedFinal(
            Code.REVOKED_SENSOR, "This sensor's shop has left the association: enrol it elsewhere."
        )
    return shop.association


def of_its_town(summary: Summary, town: Association) -> None:
    """Refuse a simulated summary in a real town's figures. Raises RefusedFinal."""
    if summary.simulated and not town.simulated:
        raise RefusedFinal(
            Code.SIMULATED, "Simulated counts can't enter a real town's figures: delete it."
        )


def agreed(sensor: Sensor, summary: Summary, town: Association) -> Charter:
    """Return the charter if it lets this sensor count on that day. Raises RefusedFinal."""
    charter = charters.current(town.pk)
    if charter is None:
        raise RefusedFinal(Code.NOT_AGREED, "This town has no signed charter: nothing is counted.")
    if charters.is_outdated(charter):
        raise RefusedFinal(
            Code.CHARTER_OUTDATED,
            "The hub's mechanism is not the charter's: the association must sign a new charter; "
            "nothing is lost.",
        )
    listed = charter.sensor(sensor.identifier)
    if listed is None or charters.withdrawn_shops([sensor.shop_id]):
        raise RefusedFinal(
            Code.NOT_AGREED, "The shop's agreement, or the charter, does not cover this sensor now."
        )
    day = local_day(summary.cell.start, ZoneInfo(town.timezone))
    if not listed.agreed_on <= day <= charter.ends_on:
        raise RefusedFinal(
            Code.NOT_AGREED,
            f"The agreement holds from {listed.agreed_on}, the charter to {charter.ends_on}: "
            f"{day} is outside.",
        )
    return charter


def released_once(sensor: Sensor, summary: Summary) -> None:
    """Refuse a second release of a cell or of a day: what was drawn first stays."""
    start, dwell = summary.cell.start, summary.cell.dwell
    if Cell.objects.filter(sensor=sensor, start=start).exists():
        raise RefusedFinal(
            Code.CELL_REPEATED,
            f"The cell of {start:%Y-%m-%dT%H:%M:%SZ} came before under another number: delete it.",
        )
    if dwell is not None and DwellDay.objects.filter(sensor=sensor, day=dwell.day).exists():
        raise RefusedFinal(
            Code.DWELL_REPEATED,
            f"The dwell histogram of {dwell.day} came before under another number: delete it.",
        )
