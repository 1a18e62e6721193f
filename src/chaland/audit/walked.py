"""F7: every door of a hub, tried by everybody. Run in a process of the hub, after ``published``.

Who tries: nobody, the keeper of one shop, the director of another town, the director of this one.
"""

import csv
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from chaland.audit.published import SMALL, Json, director, exact_and_noised
from chaland.hub.association.models import Association, Shop, StaffRole, User
from chaland.hub.footfall.models import Cell, Measurement, Mechanism, Sensor
from chaland.wire.periods import CELL_S, local_day

_LANGUAGE = {"accept-language": "en"}
_TABLES = {
    "figures": "/figures.csv", "flows": "/flows/flows.csv", "stays": "/flows/stays/stays.csv",
    "account": "/privacy/{town}/account.csv",
}  # fmt: skip


def walk() -> Json:
    """Return what each visitor is answered at each door, the tables, and what the hub keeps."""
    town = Association.objects.order_by("pk")[0]
    _present(town)
    Measurement.objects.create(
        association_id=town.pk, controller="C", contact="c@example.org", purpose="P",
        public_page="https://example.org/", ends_on=timezone.now().date() + timedelta(days=90),
    )  # fmt: skip
    keeper, other, owner = _keeper(town), _elsewhere(), director(town, "owner@example.org")
    visitors = {"nobody": Client(SERVER_NAME="localhost"), "keeper": keeper, "elsewhere": other}
    answers = {
        f"{name} {path}": {who: _answer(client, path) for who, client in visitors.items()}
        for name, path in _doors(town)
    }
    return {
        "answers": answers,
        "names": [shop.name for shop in Shop.objects.filter(association=town).order_by("pk")],
        "keeper": {path: _text(keeper, path) for path in _asked()},
        "tables": {
            f"{who} {name}{query}": _table(client, address.format(town=town.pk) + query)
            for who, client in (("director", owner), ("keeper", keeper))
            for name, address in _TABLES.items()
            for query in _queries(town)
        },
        "now": {place: _text(owner, f"/now/{place}") for place in ("", "?shop=door-0", "?zone=z0")},
        "api": _api(),
        "kept": _kept(),
    }


def _present(town: Association) -> None:
    """Add the last two hours: two visits an hour in each shop."""
    now = int(timezone.now().timestamp())
    last = now - now % CELL_S
    mechanism = Mechanism.objects.get(digest="audit")
    shops = list(town.shops.values_list("pk", flat=True))
    for sensor in Sensor.objects.filter(shop_id__in=shops):
        for start in range(last - 8 * CELL_S, last, CELL_S):
            _, noised = exact_and_noised(SMALL)
            begin = datetime.fromtimestamp(start, UTC)
            Cell.objects.get_or_create(
                sensor=sensor, start=begin,
                defaults={"shop_id": sensor.shop_id, "windows": 3, "state": "ok",
                          "mechanism": mechanism, **noised},
            )  # fmt: skip
        sensor.last_seen_at = timezone.now()
        sensor.save()


def _client(town: Association, email: str, role: str, shop: Shop | None = None) -> Client:
    user = User.objects.create_user(
        email, "a-long-passphrase-for-audits", name=email, language="en"
    )
    StaffRole.objects.create(user=user, association=town, role=role, shop=shop)
    client = Client(SERVER_NAME="localhost", headers=_LANGUAGE)
    client.force_login(user)
    return client


def _keeper(town: Association) -> Client:
    shop = Shop.objects.get(association=town, slug="door-0")
    return _client(town, "keeper@example.org", StaffRole.Role.SHOPKEEPER, shop)


def _elsewhere() -> Client:
    """The director of another town on the same hub."""
    other = Association.objects.create(
        name="Elsewhere", town="Elsewhere", guide_finished_at=timezone.now()
    )
    return _client(other, "elsewhere@example.org", StaffRole.Role.DIRECTOR)


# Doors -----------------------------------------------------------------------------------------


def _doors(town: Association) -> Iterator[tuple[str, str]]:
    """Yield every address that the site knows, with this town's things in its blanks."""
    blanks = {
        "int": str(town.pk), "slug": "door-0", "str": "2026-01-01", "path": "x", "uuid": "0" * 32,
    }  # fmt: skip
    for name, route in _routes(get_resolver().url_patterns):
        path = re.sub(r"<(?:(\w+):)?(\w+)>", lambda m: blanks.get(m[1] or "str", "x"), route)
        if "(" not in path:
            yield name, "/" + path
    for kind, address in _TABLES.items():
        for query in ("?shop=door-0", "?zone=z0", "?place=door-0"):
            yield "budget_csv" if kind == "account" else kind, address.format(town=town.pk) + query


def _routes(
    patterns: list[URLPattern | URLResolver], before: str = "", part: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield each address with its name; the till page's names begin with ``till:``."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if "administration" not in route:
                inner = "till:" if pattern.namespace == "till" else part
                yield from _routes(pattern.url_patterns, route, inner)
        else:
            yield part + (pattern.name or ""), route.replace("^", "").replace("$", "")


def _answer(client: Client, path: str) -> list[Any]:
    client.raise_request_exception = False
    answer = client.get(path, headers=_LANGUAGE)
    text = b"".join(answer) if answer.streaming else answer.content
    return [answer.status_code, answer.headers.get("Location", ""), b"Door " in text]


def _text(client: Client, path: str) -> str:
    answer = client.get(path, headers=_LANGUAGE)
    text = b"".join(answer) if answer.streaming else answer.content
    return unescape(re.sub(r"<[^>]+>", " ", text.decode("utf-8-sig", "replace")))


def _queries(town: Association) -> list[str]:
    first = local_day(timezone.now(), ZoneInfo(town.timezone)) - timedelta(days=15)
    span = f"period=custom&from={first}&to={first + timedelta(days=6)}"
    return ["", f"?{span}", f"?{span}&shop=door-0", f"?day={first}&level=shops&all=1", "?zone=z0"]


def _asked() -> list[str]:
    """What a keeper might try in order to see a neighbour."""
    pages = ["/", "/now/", "/figures.csv", "/flows/", "/flows/flows.csv", "/flows/stays/",
             "/flows/stays/stays.csv", "/sensors/", "/measurement/", "/loyalty/", "/members/",
             "/receipts/", "/clearing/", "/connections/"]  # fmt: skip
    wishes = ["", "?shop=door-1", "?zone=z1", "?place=door-1", "?level=shops&all=1",
              "?level=shops&place=door-1", "?compare=year&shop=door-2"]  # fmt: skip
    return [page + wish for page in pages for wish in wishes]


def _table(client: Client, path: str) -> list[dict[str, str]]:
    answer = client.get(path, headers=_LANGUAGE)
    if answer.status_code != 200:
        return []
    text = answer.content.decode("utf-8-sig")
    return [dict(row) for row in csv.DictReader(StringIO(text))]


def _api() -> list[str]:
    """Return what the interface for programs offers, by method and address."""
    offered = Client(SERVER_NAME="localhost").get("/api/v1/openapi.json")
    if offered.status_code != 200:
        return []
    return [
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in offered.json()["paths"].items()
        for method in methods
    ]


def _kept() -> dict[str, list[str]]:
    """Return the tables of the footfall database and their columns, as they are on the disk."""
    place = Path(str(settings.DATABASES["footfall"]["NAME"]))
    with sqlite3.connect(place) as file:
        names = [
            row[0] for row in file.execute("select name from sqlite_master where type='table'")
        ]
        return {
            name: [row[1] for row in file.execute(f"pragma table_info('{name}')")]
            for name in names
            if not name.startswith("sqlite_")
        }
