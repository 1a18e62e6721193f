"""Accepting sensors' summaries: each is stored whole, once, or refused with a counted reason."""

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from chaland.hub.association.models import Association
from chaland.hub.footfall import charters, services
from chaland.hub.footfall.intake import checks
from chaland.hub.footfall.intake import drops as unsigned
from chaland.hub.footfall.intake.checks import RefusedFinal
from chaland.hub.footfall.models import Batch, Cell, DwellDay, Mechanism, Sensor
from chaland.hub.footfall.services import budget, covisits, drops
from chaland.hub.footfall.services.drops import Drop
from chaland.wire.answers import Answer, Code
from chaland.wire.signature import Envelope, body_digest
from chaland.wire.summary import COUNT_ROWS, SENSOR_PATTERN, CellCounts, Summary

BATCHES_KEPT = 2 * checks.RETENTION
"""Batch rows serve to recognise duplicates; nothing older than RETENTION is taken anyway."""
PRUNE_EVERY = 96

_DATABASE = "footfall"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a summary: the answer to send, how many numbers before it never came, and why
    its sketch was left out, if it was."""

    answer: Answer
    missing: int = 0
    left_out: Drop | None = None


def accept(body: bytes, envelope: Envelope, now: datetime) -> Receipt:
    """Store a sensor's summary and renew its shop's figures.

    Idempotent: the same body again changes nothing and is answered ``duplicate``. Whatever is
    refused leaves no trace but one more in DropCount.
    """
    covisits.expire(now)
    claimed = claimed_sensor(envelope)
    try:
        sensor = checks.authentic(body, envelope, claimed)
    except RefusedFinal as refused:
        unsigned.strangers.count(refused.code, now, claimed)
        return Receipt(Answer(refused.code, refused.message))
    last_sequence = sensor.last_sequence
    try:
        checks.timely(envelope, now)
        summary = checks.readable(body, envelope)
        receipt = _take(sensor.pk, summary, body, now)
    except RefusedFinal as refused:
        drops.count(refused.code, now, sensor)
        return Receipt(Answer(refused.code, refused.message, last_sequence))
    if receipt.answer.code is Code.ACCEPTED:
        _refresh(sensor, summary, now)
    else:
        drops.count(receipt.answer.code, now, sensor)
    if receipt.missing:
        drops.count(Drop.GAP, now, sensor)
    if receipt.left_out:
        drops.count(receipt.left_out, now, sensor)
    return receipt


def claimed_sensor(envelope: Envelope) -> Sensor | None:
    """Return the sensor whose name an envelope bears; its signature is not verified yet."""
    if not SENSOR_PATTERN.fullmatch(envelope.sensor):
        return None  # not even asked for: a database may refuse the text as such
    return Sensor.objects.filter(identifier=envelope.sensor).first()


def _take(sensor_pk: int, summary: Summary, body: bytes, now: datetime) -> Receipt:
    """Check against what is stored, and store: in one transaction, one at a time per sensor."""
    with transaction.atomic(using=_DATABASE):
        sensor = Sensor.objects.select_for_update().get(pk=sensor_pk)
        checks.not_revoked(sensor)  # it may have been since the signature was checked
        if not checks.in_sequence(sensor, summary, body):
            _note_seen(sensor, summary, now)
            message = "The hub has this summary already: delete it."
            return Receipt(Answer(Code.DUPLICATE, message, sensor.last_sequence))
        checks.in_time(summary, now)
        town = checks.town_of(sensor)
        checks.of_its_town(summary, town)
        charter = checks.agreed(sensor, summary, town)
        checks.released_once(sensor, summary)
        missing = summary.sequence - sensor.last_sequence - 1
        listed = charters.listed_in(charter, sensor.shop_id)
        left_out = _spend(sensor, town, summary.cell, listed, now)
        _store(sensor, summary, body, now)
        _note_seen(sensor, summary, now)
        message = f"Stored; {missing} numbers before it never came." if missing else "Stored."
        if left_out:
            message += f" Its sketch was left out: {left_out}."
        return Receipt(Answer(Code.ACCEPTED, message, sensor.last_sequence), missing, left_out)


def _spend(
    sensor: Sensor, town: Association, cell: CellCounts, listed: int, now: datetime
) -> Drop | None:
    """Enter what a cell spends in the shop's account, and keep its sketch, unless it is left out.

    Returns why the sketch was. Raises RefusedFinal for what the account has no room for.
    """
    sketch = cell.sketch
    left_out = covisits.refusal(sensor, town, sketch, listed, now) if sketch else None
    if left_out:
        cell = replace(cell, sketch=None)
    try:
        budget.spend(sensor.shop_id, cell, ZoneInfo(town.timezone), listed)
    except budget.OverBudgetFinal as over:
        raise RefusedFinal(
            Code.OVER_BUDGET, f"{over} It is refused, and the box sets it aside."
        ) from None
    if cell.sketch is not None:
        covisits.keep(sensor, town, cell.sketch, now)
    return left_out


def _store(sensor: Sensor, summary: Summary, body: bytes, now: datetime) -> None:
    cell = summary.cell
    Batch.objects.create(
        sensor=sensor, sequence=summary.sequence, body_sha256=body_digest(body), received_at=now
    )
    Cell.objects.create(
        sensor=sensor,
        shop_id=sensor.shop_id,
        start=cell.start,
        windows=cell.windows,
        state=cell.state,
        mechanism=mechanism_of(cell),
        **{name: count.value for name, count in cell.counts.items()},
    )
    if cell.dwell is not None:
        DwellDay.objects.create(
            sensor=sensor,
            shop_id=sensor.shop_id,
            day=cell.dwell.day,
            edges_s=list(cell.dwell.edges_s),
            counts=list(cell.dwell.counts),
            bound=cell.dwell.bound,
            epsilon=cell.dwell.epsilon,
        )
    if summary.sequence % PRUNE_EVERY == 0:
        Batch.objects.filter(sensor=sensor, received_at__lt=now - BATCHES_KEPT).delete()


def _note_seen(sensor: Sensor, summary: Summary, now: datetime) -> None:
    sensor.last_seen_at = now
    if summary.sequence > sensor.last_sequence:
        sensor.last_sequence, sensor.last_state = summary.sequence, summary.cell.state
    sensor.save(update_fields=["last_seen_at", "last_sequence", "last_state"])


def mechanism_of(cell: CellCounts) -> Mechanism:
    """Return the stored mechanism that noised a cell; cells with the same one share it."""
    counts = {
        name: {"row": COUNT_ROWS[name], "bound": count.bound, "epsilon": count.epsilon}
        for name, count in sorted(cell.counts.items())
    }
    spelt = json.dumps([cell.mode, counts]).encode()
    mechanism, _ = Mechanism.objects.get_or_create(
        digest=hashlib.sha256(spelt).hexdigest(), defaults={"mode": cell.mode, "counts": counts}
    )
    return mechanism


def _refresh(sensor: Sensor, summary: Summary, now: datetime) -> None:
    """Renew the figures; whatever goes wrong there, the summary is stored and stays."""
    try:
        services.refresh_figures(sensor.shop_id, {summary.cell.start})
    except Exception:  # noqa: BLE001 (a fault in figures must not stop the sensors; it is logged)
        _log.exception("figures of shop %s are stale: run chaland hub rebuild", sensor.shop_id)
        drops.count(Drop.FIGURES_STALE, now, sensor)
