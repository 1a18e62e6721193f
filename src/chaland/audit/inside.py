"""What the audit does inside the hub's Django: through its addresses, as sensors and people would.

Each function is run in a process of the hub (``Town.inside``); arguments and results are JSON.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

from django.test import Client
from django.utils import timezone
from nacl.signing import SigningKey

from chaland.hub.association.models import Association
from chaland.hub.footfall.models import (
    BudgetEntry,
    Cell,
    Charter,
    FlowDay,
    ObjectionBit,
    Sensor,
    Sketch,
)
from chaland.hub.footfall.services import agreements, due, objections
from chaland.hub.footfall.services import charter as charter_store
from chaland.wire import charter as wire_charter
from chaland.wire.mechanism import DEFAULT_MECHANISM, annex, annex_digest
from chaland.wire.periods import CELL_S, day_bounds, local_day
from chaland.wire.signature import sensor_identifier, sign
from chaland.wire.sketch import DaySketch
from chaland.wire.summary import (
    COUNT_ROWS,
    CellCounts,
    Count,
    DwellCounts,
    Mode,
    State,
    Summary,
    encode,
)

Json = dict[str, Any]


class _Sender:
    """A sensor's key, sending to the hub's address for summaries."""

    def __init__(self, key: str) -> None:
        self._key = SigningKey(bytes.fromhex(key))
        self.name = sensor_identifier(bytes(self._key.verify_key))
        self.client = Client(SERVER_NAME="localhost")
        self._sent: dict[int, bytes] = {}

    @property
    def sensor(self) -> Sensor:
        return Sensor.objects.get(identifier=self.name)

    def send(self, cell: CellCounts, sequence: int = 0) -> str:
        """Send a cell under the next number; or again what was sent as ``sequence``. Return the
        answer's code."""
        number = sequence or self.sensor.last_sequence + 1
        now = timezone.now()
        body = encode(Summary(self.name, number, now, simulated=False, cell=cell))
        body = self._sent[number] = self._sent[number] if sequence else body
        headers = sign(self._key, number, now, body).headers()
        answer = self.client.post(
            "/api/v1/summaries", body, content_type="application/json", headers=headers
        )
        return str(answer.json()["code"])


def _cell(start: datetime, value: int = 5, mode: Mode = Mode.DEFAULT) -> CellCounts:
    counts = {
        name: Count(value, noised.bound, noised.epsilon)
        for name, noised in DEFAULT_MECHANISM.counts[mode].items()
    }
    return CellCounts(start, 3, State.OK, mode, counts)


def _dwell(cell: CellCounts, day: date, value: int) -> CellCounts:
    edges, dwell = DEFAULT_MECHANISM.dwell_edges_s, DEFAULT_MECHANISM.dwell
    counts = DwellCounts(day, edges, (value,) * (len(edges) - 1), dwell.bound, dwell.epsilon)
    return replace(cell, dwell=counts)


def _sketch(cell: CellCounts, day: date, value: int, since: datetime) -> CellCounts:
    sketch = DEFAULT_MECHANISM.sketch
    bits, symbols = bytes([value]) * sketch.bits, bytes([value]) * sketch.ordered
    drawn = DaySketch(day, since, "00" * 8, bits, symbols, sketch.epsilon)
    return replace(cell, sketch=drawn)


def spend(key: str, start: str) -> Json:
    """F8: try to spend more than there is, in every way; ``start``: a cell long past (ISO)."""
    sender, begin = _Sender(key), datetime.fromisoformat(start)
    town = Association.objects.get()
    zone = ZoneInfo(town.timezone)
    first, step = _cell(begin), timedelta(seconds=CELL_S)
    last = day_bounds(local_day(begin, zone), zone)[1] - step
    day = local_day(begin, zone)
    counts = dict(first.counts)
    dear = {name: replace(count, epsilon="1.5") for name, count in counts.items()}
    said = {
        "first": sender.send(first),
        "the same again": sender.send(first, sender.sensor.last_sequence),
        "the same cell drawn anew": sender.send(_cell(begin, 6)),
        "a count with a larger epsilon": sender.send(replace(_cell(begin + step), counts=dear)),
        "a wider bound for the same noise": sender.send(_widened(_cell(begin + 2 * step))),
        "the day's dwell": sender.send(_dwell(_cell(last), day, 3)),
        "the dwell drawn anew": sender.send(_dwell(_cell(last - step), day, 4)),
    }
    entries = BudgetEntry.objects.filter(shop_id=sender.sensor.shop_id, day=day)
    entered = {each.row: [each.releases, str(each.epsilon), str(each.limit)] for each in entries}
    said |= _overspend(sender, begin + 5 * step, day)
    stored = list(Cell.objects.filter(start=begin).values_list("scans", flat=True))
    sensors = Sensor.objects.filter(shop_id=sender.sensor.shop_id, revoked_at=None).count()
    return {"said": said, "stored": stored, "entered": entered, "sensors": sensors}


def _widened(cell: CellCounts) -> CellCounts:
    """Return a cell whose noise is ours of three times the epsilon, by what it says."""
    counts = {name: replace(c, bound=1, epsilon="0.9") for name, c in cell.counts.items()}
    return replace(cell, counts=counts)


def _overspend(sender: _Sender, start: datetime, day: date) -> dict[str, str]:
    """Empty one account after the other, and see that the next release is refused."""
    said = {}
    for row in ("E1", "E2"):
        account = BudgetEntry.objects.filter(shop_id=sender.sensor.shop_id, day=day, row=row)
        before = account.get()
        account.update(epsilon=before.limit)
        said[f"a cell when {row} is spent"] = sender.send(_cell(start))
        account.update(epsilon=before.epsilon)
    return said


def stored(sensor: str) -> Json:
    """Return the stored cells of a sensor, by start."""
    names = tuple(COUNT_ROWS)
    cells = Cell.objects.filter(sensor__identifier=sensor)
    return {
        "cells": {
            cell.start.isoformat(): {
                name: getattr(cell, name) for name in names if getattr(cell, name) is not None
            }
            for cell in cells
        }
    }


def sketches(key: str) -> Json:
    """F4, F8: a day has one sketch; a day after its end the hub has none of them."""
    sender, now = _Sender(key), timezone.now()
    zone = ZoneInfo(Association.objects.get().timezone)
    yesterday = local_day(now, zone) - timedelta(days=1)
    begin, end = day_bounds(yesterday, zone)
    last = end - timedelta(seconds=CELL_S)
    drawn = os.urandom(DEFAULT_MECHANISM.sketch.bits)
    first = _sketch(_cell(last), yesterday, 1, begin)
    bits = bytes(each & 1 for each in drawn)
    if first.sketch is not None:
        first = replace(first, sketch=replace(first.sketch, bits=bits))
    one = sender.send(first)
    earlier = last - timedelta(seconds=CELL_S)
    two = sender.send(_sketch(_cell(earlier), yesterday, 0, begin))
    kept = [bytes(s.bits) == bits for s in Sketch.objects.filter(day=yesterday)]
    due.run_due(end + timedelta(hours=21))
    estimated = FlowDay.objects.filter(day=yesterday).count()
    due.run_due(end + timedelta(hours=24))
    left = Sketch.objects.count()
    third = sender.send(_sketch(_cell(earlier - timedelta(seconds=CELL_S)), yesterday, 0, begin))
    again = Sketch.objects.filter(day=yesterday).count()
    return {"answers": [one, two, third], "kept": kept, "left": left, "again": again,
            "estimated": estimated, "drawn": bits[:64].hex()}  # fmt: skip


def consent(key: str, town_key: str, start: str) -> Json:
    """F11, F15, F16 on the hub: what no charter covers is not taken."""
    sender, begin = _Sender(key), datetime.fromisoformat(start)
    step, said = timedelta(seconds=CELL_S), {"covered": sender.send(_cell(begin))}
    stored = Charter.objects.order_by("version").last()
    if stored is None:
        raise RuntimeError("the hub has no charter")
    charter = wire_charter.decode(stored.document.encode("ascii"))
    past = date(2020, 1, 1)
    zone = ZoneInfo(Association.objects.get().timezone)
    day = local_day(begin, zone)

    def agreed(on: date) -> wire_charter.Charter:
        listed = tuple(replace(each, agreed_on=on) for each in charter.sensors)
        return replace(charter, sensors=listed)

    cases = {
        "not listed": replace(charter, sensors=()),
        "not agreed yet": agreed(date(2099, 1, 1)),
        "agreed the day after": agreed(day + timedelta(days=1)),
        "ended": replace(charter, ends_on=past),
        "ended the day before": replace(charter, ends_on=day - timedelta(days=1)),
        "another mechanism": replace(charter, annex_sha256="0" * 64),
    }
    signer = SigningKey(bytes.fromhex(town_key))
    for number, (name, draft) in enumerate(cases.items(), 1):
        version = charter.version + number
        signed = wire_charter.sign(replace(draft, version=version), signer)
        row = Charter.objects.create(
            association_id=stored.association_id, version=version, received_at=timezone.now(),
            document=wire_charter.encode(signed).decode("ascii"),
        )  # fmt: skip
        said[name] = sender.send(_cell(begin + number * step))
        row.delete()
    said["without a charter"] = _without_charter(sender, begin + 6 * step)
    said |= _charters_given(charter, stored.association_id, signer)
    unsaid = _unsaid(stored.association_id)
    agreements.withdraw(sender.sensor.shop_id, local_day(timezone.now(), zone))
    today = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    said["withdrawn"] = sender.send(_cell(today))
    return {"said": said, "unsaid": unsaid}


def _charters_given(charter: wire_charter.Charter, town: int, signer: SigningKey) -> dict[str, str]:
    """Give the hub documents that it must not take as the town's charter."""
    newer = replace(charter, version=charter.version + 1)
    older = replace(charter, purpose="another")
    given = {
        "a charter of another key": wire_charter.sign(newer, SigningKey.generate()),
        "a charter changed after signing": replace(newer, signature=charter.signature),
        "an older charter": wire_charter.sign(older, signer),
    }
    said = {}
    for name, document in given.items():
        try:
            charter_store.receive(town, wire_charter.encode(document), timezone.now())
            said[name] = "accepted"
        except charter_store.CharterErrorFinal:
            said[name] = "refused"
    return said


def _unsaid(town: int) -> list[str]:
    """F15: return members of the annex that the public assessment lacks; the digest is one."""
    page = Client(SERVER_NAME="localhost").get(
        f"/privacy/{town}/assessment/", headers={"accept-language": "en"}
    )
    text = unescape(re.sub(r"<[^>]+>", " ", page.content.decode()))
    words = set(re.split(r"[\s,]+", text))
    wanted = {"the digest": annex_digest(), **dict(_members(annex()))}
    return [name for name, value in wanted.items() if not set(re.split(r"[\s,]+", value)) <= words]


def _members(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from _members(member, f"{name}.{key}".strip("."))
    elif isinstance(value, (list, tuple)):
        yield name, " ".join(str(member) for member in value)
    else:
        yield name, str(value)


def _without_charter(sender: _Sender, start: datetime) -> str:
    rows = list(Charter.objects.all())
    Charter.objects.all().delete()
    said = sender.send(_cell(start))
    Charter.objects.bulk_create(rows)
    return said


def objection_limits(key: str) -> Json:
    """F10: limits for each sensor, the alarm, and the end of every objection."""
    sensor = _Sender(key).sensor
    town, today = Association.objects.get().pk, timezone.localdate()
    left_out = objections.take(sensor, town, range(1000, 1400), today)
    own = ObjectionBit.objects.filter(sensor=sensor)
    a_day = own.count()
    for past in range(1, 20):
        objections.take(sensor, town, range(2000 + 200 * past, 2200 + 200 * past),
                        today - timedelta(days=past))  # fmt: skip
    standing = own.count()
    quiet = objections.fill(town, today).alarm
    forged = [
        ObjectionBit(association_id=town, bit=20_000 + n, sensor=sensor, first_asked_on=today)
        for n in range(1400)
    ]  # fmt: skip
    ObjectionBit.objects.bulk_create(forged, ignore_conflicts=True)
    alarm = objections.fill(town, today).alarm
    objections.tend(timezone.now() + timedelta(days=31))
    fields = sorted(field.name for field in ObjectionBit._meta.get_fields())
    return {"left_out": left_out, "a_day": a_day, "standing": standing, "quiet": quiet,
            "alarm": alarm, "after_a_month": ObjectionBit.objects.count(),
            "fields": fields}  # fmt: skip
