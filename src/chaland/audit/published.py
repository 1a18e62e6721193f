"""F7: a town whose small hours are known, in the hub's Django, and every door of it, read.

Run in a process of the hub (``Town.inside``); arguments and results are JSON.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from chaland.hub.association.models import Association, OpeningHours, Shop, StaffRole, User, Zone
from chaland.hub.footfall.models import Calibration, Cell, Mechanism, Sensor
from chaland.hub.footfall.services import rebuild_figures
from chaland.sensor.privacy import OperatingSystemBits, draw
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.periods import CELL_S, day_bounds, local_day
from chaland.wire.summary import COUNT_ROWS, Mode

Json = dict[str, Any]

SMALL, MIDDLING, BUSY = 0.5, 1.75, 10.0
"""People present, on the mean: 2, 7 and 40 visits an hour. Seven are under the threshold, too."""
_BUSY_HOURS, _MIDDLING_HOURS = {11, 12, 16, 17}, {10, 14, 18}
_STAY_S = 900.0
_DAYS = 21
_BITS = OperatingSystemBits()


def publish(seed: int) -> Json:
    """Make three shops with small and busy hours, noised as ours; read every door."""
    town = Association.objects.get()
    zone = ZoneInfo(town.timezone)
    first = local_day(timezone.now(), zone) - timedelta(days=_DAYS + 1)
    shops = [_shop(town, n) for n in range(3)]
    facts = {shop.slug: _listen(shop, first, zone, seed + n) for n, shop in enumerate(shops)}
    rebuild_figures()
    client = director(town, "audit@example.org")
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


def exact_and_noised(people: float) -> tuple[dict[str, int], dict[str, int]]:
    """Return the counts of a cell in which so many people are present, before and after noise."""
    exact = {"fingerprints": round(people * 2 * 3), "scans": round(people * 5 * 3),
             "arrivals": round(people / 2), "passers_by": round(people)}  # fmt: skip
    noised = DEFAULT_MECHANISM.counts[Mode.DEFAULT]
    return exact, {name: exact[name] + draw(n.scale, _BITS) for name, n in noised.items()}


def _listen(shop: Shop, first: date, zone: ZoneInfo, seed: int) -> Json:
    """Store cells with noise of the mechanism; return the exact and the noised sums by hour."""
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
        exact, drawn = exact_and_noised(people)
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


def director(town: Association, email: str) -> Client:
    """Return a browser in which a new director of the town is signed in."""
    user = User.objects.create_user(email, "a-long-passphrase-for-audits", name="A", language="en")
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
