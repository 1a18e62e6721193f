"""Draw audiences on one engine, in a process of its own; prints JSON.

``python -m bench.register.audience MEMBERS``; the environment names the databases. Members are
written by SQL alone: drawing an audience reads no name and opens no address.
"""

import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chaland.hub.site.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections, transaction  # noqa: E402

from chaland.hub.common import clock  # noqa: E402
from chaland.hub.loyalty.fields import SealedTextField  # noqa: E402
from chaland.hub.loyalty.models import Campaign, Delivery  # noqa: E402
from chaland.hub.loyalty.outreach import pressure  # noqa: E402
from chaland.hub.loyalty.outreach.audience import freezing, reaching  # noqa: E402
from chaland.hub.loyalty.outreach.shapes import Waiting  # noqa: E402
from tests.builders import build_cast  # noqa: E402

SHOPS, BATCH, BATCHES = 30, 500, 20
_TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """Wall time, and CPU of this process and of the database's, where it runs on this machine."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self.server: int | None = None
        if connections["loyalty"].vendor == "postgresql":
            with connections["loyalty"].cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.server = int(cursor.fetchone()[0])

    def cpu_s(self) -> float:
        return time.process_time() + sum(self._fields()[10:12]) / _TICKS

    def peak_mib(self) -> float:
        """Return the most memory that this process, or the database's, has had."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if self.server is not None:
            status = Path(f"/proc/{self.server}/status").read_text()
            peak += int(re.findall(r"RssAnon:\s+(\d+)", status)[0]) / 1024
        return peak

    def _fields(self) -> list[int]:
        if self.server is None:
            return [0] * 13
        stat = Path(f"/proc/{self.server}/stat").read_text().rpartition(") ")[2].split()
        return [int(field) for field in stat[1:14]]

    def step(self, what: str, work: Callable[[], int]) -> float:
        wall, cpu = time.perf_counter(), self.cpu_s()
        rows = work()
        took = time.perf_counter() - wall
        self.steps.append(
            {
                "what": what,
                "rows": rows,
                "wall_s": round(took, 2),
                "cpu_s": round(self.cpu_s() - cpu, 2),
            }
        )
        return took


def main() -> None:
    """Fill, measure, print."""
    members = int(sys.argv[1])
    for alias in ("default", "loyalty"):
        call_command("migrate", database=alias, verbosity=0)
    town = build_cast(SHOPS).association.pk
    began = time.perf_counter()
    _fill(town, members)
    filled_s = round(time.perf_counter() - began, 1)
    meter = Meter()
    everybody, buyers, of_shop = (
        _campaign(town, controller, criteria)
        for controller, criteria in (
            (0, []),
            (0, [{"name": "bought_within", "days": 90}, {"name": "language", "language": "fr"}]),
            (1, []),
        )
    )
    before = meter.peak_mib()
    selection = [
        meter.step(f"estimate: {what}", lambda c=campaign: _estimated(c))
        for what, campaign in (
            ("all who agreed", everybody),
            ("buyers of ninety days who read French", buyers),
            ("one shop’s customers", of_shop),
        )
    ]
    frozen = meter.step("freeze: all who agreed", lambda: _freeze(everybody))
    added = meter.peak_mib() - before
    bare = meter.step("the same rows by a bare INSERT … SELECT", lambda: _bare(town, everybody))
    found = {
        "engine": connections["loyalty"].vendor,
        "steps": meter.steps,
        "selection_s": max(selection),
        "ratio": round(frozen / bare, 2),
        "memory_mib": round(added),
        "claims_per_s": round(_claims(everybody)),
        "filled_s": filled_s,
    }
    print(json.dumps(found))


def _campaign(town: int, controller: int, criteria: list[dict[str, Any]]) -> Campaign:
    now = clock.now()
    return Campaign.objects.create(
        association_id=town,
        controller=controller,
        name="bench",
        channels=["sms", "email"],
        criteria=criteria,
        seed=Campaign.objects.count() + 1,
        state=Campaign.State.RUNNING,
        send_at=now,
        expires_at=now + timedelta(days=20),
        created_at=now,
        created_by="system:bench",
    )


def _estimated(campaign: Campaign) -> int:
    found = freezing.estimate(campaign)
    return sum(filter(None, [found.held_out, *found.chosen.values()]))


def _freeze(campaign: Campaign) -> int:
    with transaction.atomic(using="loyalty"):
        return freezing.freeze(campaign, clock.now())


def _bare(town: int, like: Campaign) -> int:
    """Copy the frozen deliveries under another campaign: the same columns, indexes and keys."""
    other = _campaign(town, 0, [])
    columns = [f.column for f in Delivery._meta.concrete_fields if f.name not in {"id", "key"}]
    chosen = ", ".join(str(other.pk) if c == "campaign_id" else c for c in columns)
    key = f"md5('{other.pk}' || member_id)"
    cast = f"{key}::uuid" if connections["loyalty"].vendor == "postgresql" else key
    return _run(
        f"INSERT INTO loyalty_delivery (key, {', '.join(columns)})"
        f" SELECT {cast}, {chosen} FROM loyalty_delivery WHERE campaign_id = {like.pk} ORDER BY id"
    )


def _claims(campaign: Campaign) -> float:
    """Return deliveries, for a second of this process's CPU, that are checked and get their place
    as the queue asks it."""
    rows = Delivery.objects.filter(campaign=campaign, state="planned").order_by("pk")
    batches = [
        [
            Waiting(d.pk, d.key, d.campaign_id, d.member_id or 0, d.channel, "", d.expires_at)
            for d in rows[BATCH * n : BATCH * (n + 1)]
        ]
        for n in range(BATCHES)
    ]
    members = [one.member_id for batch in batches for one in batch]
    sealed = _sealed()
    with connections["loyalty"].cursor() as cursor:
        cursor.execute(
            "UPDATE loyalty_member SET phone = %s, email = %s"
            f" WHERE id BETWEEN {min(members)} AND {max(members)}",
            [sealed, sealed],
        )
    reaching.reach(batches[0][:1], clock.now())  # reads the addresses of pages once a process
    began = time.process_time()
    for batch in batches:
        with transaction.atomic(using="loyalty"):
            reaching.reach(batch, clock.now())
            pressure.reserve(batch, clock.now())
    return len(members) / (time.process_time() - began)


def _sealed() -> bytes:
    value: bytes = SealedTextField().get_prep_value("+33639980000")
    return value


def _run(sql: str) -> int:
    with transaction.atomic(using="loyalty"), connections["loyalty"].cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.rowcount)


def _fill(town: int, members: int) -> None:
    """Write the town by SQL: what is measured is choosing among it."""
    postgresql = connections["loyalty"].vendor == "postgresql"
    now = clock.now()
    ago = {days: f"'{now - timedelta(days=days):%Y-%m-%d %H:%M:%S}'" for days in (1, 20, 60, 200)}
    ago |= {days: f"{text}::timestamptz" for days, text in ago.items()} if postgresql else {}

    def index(of: str) -> str:
        told = f"md5('{of}' || i)"
        return f"decode({told}, 'hex')" if postgresql else f"CAST(substr({told}, 1, 16) AS BLOB)"

    uuid = "md5('u' || i)::uuid" if postgresql else "md5('u' || i)"
    numbers = (
        "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        f" WHERE i < {members}) SELECT i FROM n) numbers"
    )
    _run(
        "INSERT INTO loyalty_member (id, association_id, first_name, last_name, name_key,"
        " given_key, phone_index, email_index, birth_month, birth_day, language, state,"
        " card_version, chain, chain_salt, chain_position, chain_digest, enrolled_at, enrolled_by,"
        f" last_active_on) SELECT i, {town}, 'A', 'B' || i, 'B' || i, 'A' || i, {index('p')},"
        f" {index('e')}, 1 + i % 12, 1 + i % 28, CASE WHEN i % 5 = 0 THEN 'en' ELSE 'fr' END,"
        f" 'active', 1, {uuid}, {index('s')}, 0, '', {ago[200]}, 'system:bench', DATE '2026-01-01'"
        f" FROM {numbers}".replace("DATE '", "DATE '" if postgresql else "'")
    )
    _run(
        "INSERT INTO loyalty_shopcustomer (member_id, shop_id, since, how)"
        f" SELECT id, 1 + id % {SHOPS}, {ago[200]}, 'enrolled' FROM loyalty_member"
    )
    for purpose, channel, every, rest in (
        ("offers", "sms", 3, "< 2"), ("offers", "email", 3, "> 0"), ("portrait", "none", 3, "= 0"),
    ):  # fmt: skip
        for controller in (0, f"1 + id % {SHOPS}"):
            _run(
                "INSERT INTO loyalty_permission (member_id, controller, purpose, channel, given,"
                f" since) SELECT id, {controller}, '{purpose}', '{channel}', true, {ago[200]}"
                f" FROM loyalty_member WHERE id % {every} {rest}"
            )
    for channel, column in (("sms", "phone_index"), ("email", "email_index")):
        _run(
            'INSERT INTO loyalty_suppression (association_id, channel, "index", cause, at)'
            f" SELECT {town}, '{channel}', {column}, 'stop', {ago[60]} FROM loyalty_member"
            " WHERE id % 50 = 7"
        )
    _run(
        "INSERT INTO loyalty_receipt (association_id, shop_id, source, external_id, content_digest,"
        " code, issued_at, recorded_at, currency, gross_cents, till_label, seller_label, member_id,"
        " attached_at, attached_times, attached_how, attached_by, returns_reference)"
        f" SELECT {town}, 1 + id % {SHOPS}, 'api', 'R' || id, '', 'C' || id,"
        f" CASE WHEN id % 2 = 0 THEN {ago[20]} ELSE {ago[200]} END, {ago[20]}, 'EUR',"
        f" 1000 + id % 9000, '', '', id, {ago[20]}, 1, 'till', '', '' FROM loyalty_member"
    )
    _past(town, ago)
    with connections["loyalty"].cursor() as cursor:
        cursor.execute("ANALYZE")


def _past(town: int, ago: dict[int, str]) -> None:
    """Three messages of the last weeks to each tenth member, with their places."""
    for days in (1, 20, 60):
        past = _campaign(town, 0, [])
        Campaign.objects.filter(pk=past.pk).update(state=Campaign.State.FINISHED)
        Delivery.objects.create(
            campaign=past, channel="sms", not_before=clock.now(), expires_at=clock.now(),
            changed_at=clock.now(), state="delivered",
        )  # fmt: skip
        columns = [f.column for f in Delivery._meta.concrete_fields if f.name not in {"id", "key"}]
        chosen = ", ".join("m.id" if c == "member_id" else f"d.{c}" for c in columns)
        key = f"md5('past {past.pk} ' || m.id)"
        cast = f"{key}::uuid" if connections["loyalty"].vendor == "postgresql" else key
        _run(
            f"INSERT INTO loyalty_delivery (key, {', '.join(columns)}) SELECT {cast}, {chosen}"
            f" FROM loyalty_member m, loyalty_delivery d WHERE d.campaign_id = {past.pk}"
            " AND d.member_id IS NULL AND m.id % 10 = 3"
        )
        _run(
            "INSERT INTO loyalty_pressure (member_id, delivery_id, controller, at)"
            f" SELECT member_id, id, 0, {ago[days]} FROM loyalty_delivery"
            f" WHERE campaign_id = {past.pk} AND member_id IS NOT NULL"
        )


if __name__ == "__main__":
    main()
