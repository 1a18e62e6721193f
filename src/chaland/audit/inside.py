"""What the audit does inside the hub's Django: through its addresses, as sensors and people would.

Each function is run in a process of the hub (``Town.inside``); arguments and results are JSON.
"""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from nacl.signing import SigningKey

from chaland.hub.association.models import Association, OpeningHours, Shop, StaffRole, User, Zone
from chaland.hub.footfall.models import (
    BudgetEntry,
    Calibration,
    Cell,
    Charter,
    FlowDay,
    Mechanism,
    ObjectionBit,
    Sensor,
    Sketch,
)
from chaland.hub.footfall.services import agreements, due, objections, rebuild_figures
from chaland.sensor.privacy import OperatingSystemBits, draw
from chaland.wire import charter as wire_charter
from chaland.wire.mechanism import DEFAULT_MECHANISM
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

    @property
    def sensor(self) -> Sensor:
        return Sensor.objects.get(identifier=self.name)

    def send(self, cell: CellCounts, sequence: int = 0) -> str:
        """Send a cell under the next number (or ``sequence``); return the answer's code."""
        number = sequence or self.sensor.last_sequence + 1
        now = timezone.now()
        body = encode(Summary(self.name, number, now, simulated=False, cell=cell))
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
    said |= _overspend(sender, begin + 5 * step, day)
    stored = list(Cell.objects.filter(start=begin).values_list("scans", flat=True))
    return {"said": said, "stored": stored}


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
    one = sender.send(_sketch(_cell(last), yesterday, 1, begin))
    earlier = last - timedelta(seconds=CELL_S)
    two = sender.send(_sketch(_cell(earlier), yesterday, 0, begin))
    kept = [bytes(s.bits)[0] for s in Sketch.objects.filter(day=yesterday)]
    due.run_due(end + timedelta(hours=24))
    left = Sketch.objects.count()
    third = sender.send(_sketch(_cell(earlier - timedelta(seconds=CELL_S)), yesterday, 0, begin))
    again = Sketch.objects.filter(day=yesterday).count()
    estimated = FlowDay.objects.filter(day=yesterday).count()
    return {"answers": [one, two, third], "kept": kept, "left": left, "again": again,
            "estimated": estimated}  # fmt: skip


def consent(key: str, town_key: str, start: str) -> Json:
    """F11, F15, F16 on the hub: what no charter covers is not taken."""
    sender, begin = _Sender(key), datetime.fromisoformat(start)
    step, said = timedelta(seconds=CELL_S), {"covered": sender.send(_cell(begin))}
    stored = Charter.objects.order_by("version").last()
    if stored is None:
        raise RuntimeError("the hub has no charter")
    charter = wire_charter.decode(stored.document.encode("ascii"))
    past = date(2020, 1, 1)
    listed = tuple(replace(each, agreed_on=date(2099, 1, 1)) for each in charter.sensors)
    cases = {
        "not listed": replace(charter, sensors=()),
        "not agreed yet": replace(charter, sensors=listed),
        "ended": replace(charter, ends_on=past),
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
    agreements.withdraw(sender.sensor.shop_id, timezone.localdate())
    today = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    said["withdrawn"] = sender.send(_cell(today))
    return {"said": said}


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


# F7: a town whose small hours are known ----------------------------------------------------------

SMALL, MIDDLING, BUSY = 0.5, 1.75, 10.0
"""People present, on the mean: 2, 7 and 40 visits an hour. Seven are under the threshold, too."""
_BUSY_HOURS, _MIDDLING_HOURS = {11, 12, 16, 17}, {10, 14, 18}
_STAY_S = 900.0
_DAYS = 21


def publish(seed: int) -> Json:
    """Make three shops with small and busy hours, noised as ours; read every door."""
    town = Association.objects.get()
    zone = ZoneInfo(town.timezone)
    first = local_day(timezone.now(), zone) - timedelta(days=_DAYS + 1)
    shops = [_shop(town, n) for n in range(3)]
    facts = {shop.slug: _listen(shop, first, zone, seed + n) for n, shop in enumerate(shops)}
    rebuild_figures()
    client = _director(town)
    places = ["", *(f"&shop={shop.slug}" for shop in shops), f"&zone={shops[0].zone.slug}"]
    spans = [(first + timedelta(days=d), first + timedelta(days=d + 6)) for d in range(0, _DAYS, 7)]
    spans += [(first + timedelta(days=d),) * 2 for d in range(3)]
    doors = []
    for begin, end in spans:
        for place in places:
            query = f"?period=custom&from={begin}&to={end}{place}"
            doors.append(_read(client, query, place))
    call_command("check", verbosity=0)
    before = [door["csv"] for door in doors[:4]]
    rebuild_figures()
    after = [_read(client, door["query"], door["place"])["csv"] for door in doors[:4]]
    return {"facts": facts, "doors": doors, "repeats": before == after, "days": _DAYS}


def _shop(town: Association, number: int) -> Shop:
    place = Zone.objects.get_or_create(association=town, name=f"Z{number % 2}",
                                       slug=f"z{number % 2}")[0]  # fmt: skip
    shop = Shop.objects.create(
        association=town, zone=place, name=f"Door {number}", slug=f"door-{number}"
    )
    OpeningHours.objects.bulk_create(
        OpeningHours(shop=shop, weekday=weekday, opens=time(8), closes=time(20))
        for weekday in range(7)
    )
    return shop


def _listen(shop: Shop, first: date, zone: ZoneInfo, seed: int) -> Json:
    """Store cells with noise of the mechanism; return the exact and the noised sums by hour."""
    bits = OperatingSystemBits()
    sensor = Sensor.objects.create(
        identifier=f"{seed:016d}".translate(str.maketrans("0189", "abcd")), shop_id=shop.pk,
        public_key=seed.to_bytes(32, "big"), label="", enrolled_at=timezone.now(),
        last_state="ok",
    )  # fmt: skip
    noised = DEFAULT_MECHANISM.counts[Mode.DEFAULT]
    stored = {
        name: {"row": COUNT_ROWS[name], "bound": n.bound, "epsilon": n.epsilon}
        for name, n in noised.items()
    }
    mechanism = Mechanism.objects.get_or_create(
        digest="audit", defaults={"mode": "default", "counts": stored}
    )[0]
    _calibrate(shop)
    begin, end = day_bounds(first, zone)[0], day_bounds(first + timedelta(days=_DAYS), zone)[0]
    hours: Json = {}
    rows = []
    start = begin
    while start < end:
        local = start.astimezone(zone)
        people = _people(local.hour)
        exact = {"fingerprints": round(people * 2 * 3), "scans": round(people * 5 * 3),
                 "arrivals": round(people / 2), "passers_by": round(people)}  # fmt: skip
        drawn = {name: exact[name] + draw(n.scale, bits) for name, n in noised.items()}
        rows.append(Cell(sensor=sensor, shop_id=shop.pk, start=start, windows=3, state="ok",
                         mechanism=mechanism, **drawn))  # fmt: skip
        key = f"{local_day(start, zone)} {local.hour}"
        fact = hours.setdefault(key, {"people": people, "exact": 0, "noised": 0})
        fact["exact"] += exact["fingerprints"]
        fact["noised"] += drawn["fingerprints"]
        start += timedelta(seconds=CELL_S)
    Cell.objects.bulk_create(rows, batch_size=2000)
    return hours


def _people(hour: int) -> float:
    if not 8 <= hour < 20:
        return 0.0
    if hour in _BUSY_HOURS:
        return BUSY
    return MIDDLING if hour in _MIDDLING_HOURS else SMALL


def _calibrate(shop: Shop) -> None:
    Calibration.objects.create(
        shop_id=shop.pk, fitted_at=datetime(2026, 1, 5, tzinfo=UTC), mode="default",
        coefficients={"fingerprints": 0.5, "signal_error": 0.15}, residual_sd=0.4,
        scale_error=0.05, day_error=0.05, held_out_error=0.1, held_out_mae=1.0, held_out_mape=0.1,
        stay={"stay_s": _STAY_S, "error": 0.05, "day_error": 0.05, "hour_error": 0.05,
              "scatter": 1.0, "held_out_error": 0.1, "hours": 40, "days": 8},
        visits_error=0.1, cells=160, days=8,
    )  # fmt: skip


def _director(town: Association) -> Client:
    user = User.objects.create_user(
        "audit@example.org", "a-long-passphrase-for-audits", name="A", language="en"
    )
    StaffRole.objects.create(user=user, association=town, role=StaffRole.Role.DIRECTOR)
    client = Client(SERVER_NAME="localhost", headers={"accept-language": "en"})
    client.force_login(user)
    return client


def _read(client: Client, query: str, place: str) -> Json:
    page = client.get(f"/{query}", follow=True)
    table = client.get(f"/figures.csv{query}", headers={"accept-language": "en"})
    if page.status_code != 200 or table.status_code != 200:
        raise RuntimeError(f"a page answered {page.status_code}, its table {table.status_code}")
    html = page.content.decode()
    heat = html[html.find("data-heat") :]
    rows = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", heat[: heat.find("</table>")], re.S)
    cells = [re.findall(r"<td class=\"(heat-[a-z0-9]+)[^>]*>(.*?)</td>", row, re.S) for row in rows]
    shown = [[(kind, unescape(re.sub(r"<[^>]+>", "", text)).strip()) for kind, text in row]
             for row in cells]  # fmt: skip
    hours = [int(text) for text in re.findall(r"<th scope=\"col\">(\d{1,2})", heat)]
    return {"query": query, "place": place, "csv": table.content.decode("utf-8-sig"),
            "heat": shown, "hours": hours, "chart": _chart(html)}  # fmt: skip


def _chart(html: str) -> list[str]:
    """Return the data that the page gives to its charts, as they stand in it."""
    return re.findall(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', html, re.S)
