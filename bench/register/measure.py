"""Fill one engine's register and time look-ups, in a process of its own; prints JSON.

``python -m bench.register.measure MEMBERS``; the environment names the databases.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from typing import Any

import django
import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chaland.hub.site.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections, transaction  # noqa: E402

from bench.register.people import Person, Population, with_error  # noqa: E402
from chaland.hub.common import clock  # noqa: E402
from chaland.hub.loyalty.members import cards, contacts, lookups, services  # noqa: E402
from chaland.hub.loyalty.members.lookups import Answer, Asker  # noqa: E402
from chaland.hub.loyalty.members.names import set_name  # noqa: E402
from chaland.hub.loyalty.members.rules import name_key, spelling  # noqa: E402
from chaland.hub.loyalty.members.services import Enrolment  # noqa: E402
from chaland.hub.loyalty.models import Lookup, Member  # noqa: E402

TOWN, SHOPS, DEVICES = 1, 30, 60
CLIENTS = 8
CLIENT_S = 8.0
_BATCH = 2_000
Ask = Callable[[Asker], Answer]


def main() -> None:
    """Fill, measure, print."""
    town = Population(int(sys.argv[1]))
    for alias in ("default", "loyalty"):
        call_command("migrate", database=alias, verbosity=0)
    filled_s = _timed(lambda: _fill(town))
    _log_of_a_day()
    with connections["loyalty"].cursor() as cursor:
        cursor.execute("ANALYZE")
    found = {"engine": connections["loyalty"].vendor, "members": town.count, "filled_s": filled_s}
    found["kinds"] = {kind: _measure(asks) for kind, asks in _questions(town).items()}
    found["bare_ms"] = _bare(town)
    found["clients"] = _clients(town)
    print(json.dumps(found))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 1)


def _member(person: Person) -> Member:
    now = clock.now()
    member = Member(
        association_id=TOWN,
        birth_day=person.birth_day,
        birth_month=person.birth_month,
        chain_salt=b"0" * 32,
        enrolled_at=now,
        enrolled_by="system:bench",
        last_active_on=now.date(),
    )
    set_name(member, person.first_name, person.last_name)
    services.set_contacts(member, person.phone, None)
    return member


def _fill(town: Population) -> None:
    """Write members by bare SQL, as the model would: what is measured is finding them."""
    fields = [f for f in Member._meta.concrete_fields if f.name != "id"]
    places = ", ".join(["%s"] * len(fields))
    columns = ", ".join(f'"{f.column}"' for f in fields)
    database = connections["loyalty"]
    for at in range(0, town.count, _BATCH):
        people = [town[n] for n in range(at, min(at + _BATCH, town.count))]
        made = [_member(person) for person in people]
        rows = [[f.get_db_prep_save(f.pre_save(m, True), database) for f in fields] for m in made]
        with transaction.atomic(using="loyalty"), database.cursor() as cursor:
            cursor.executemany(f"INSERT INTO loyalty_member ({columns}) VALUES ({places})", rows)
    services.add_surnames(_member(Person("", name, "", 1, 1)) for name in town.surnames)
    with transaction.atomic(using="loyalty"), database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO loyalty_shopcustomer (member_id, shop_id, since, how)"
            f" SELECT id, 1 + id % {SHOPS}, enrolled_at, 'enrolled' FROM loyalty_member"
        )


def _log_of_a_day() -> None:
    """What a day of look-ups leaves for the quota to count: 400 for each device."""
    now = clock.now() - timedelta(hours=2)
    Lookup.objects.bulk_create(
        (
            Lookup(
                association_id=TOWN, shop_id=1 + device % SHOPS, actor=f"till:{device} seller:1",
                device=f"till:{device}", kind="phone", at=now - timedelta(minutes=i), shown=1,
            )
            for device in range(DEVICES)
            for i in range(400)
        ),
        batch_size=_BATCH,
    )  # fmt: skip


def _questions(town: Population) -> dict[str, list[tuple[Ask, str]]]:
    """Return what is asked, by kind, each with the name that ought to be found."""
    random = np.random.default_rng(9)
    kinds = ("phone", "digits", "card", "prefix", "first name", "both names", "typo", "nobody")
    told: dict[str, list[tuple[Ask, str]]] = {kind: [] for kind in kinds}
    for p in town.some(500, 1):
        key = name_key(p.first_name, p.last_name)
        index = contacts.blind("phone", TOWN, p.phone)
        card = cards.token(Member.objects.get(association_id=TOWN, phone_index=index))
        typo = f"{with_error(spelling(p.last_name), random)} {p.first_name}"
        told["phone"].append((lambda a, t=p.phone: lookups.by_phone(a, t), key))
        told["digits"].append(
            (lambda a, t=p.phone[-4:], m=p.birth_month: lookups.by_digits(a, t, m), key)
        )
        told["card"].append((lambda a, t=card: lookups.by_card(a, t), key))
        told["prefix"].append((lambda a, t=p.last_name[:4]: lookups.by_name(a, t), ""))
        told["first name"].append((lambda a, t=p.first_name[:4]: lookups.by_name(a, t), ""))
        told["both names"].append(
            (lambda a, t=f"{p.first_name} {p.last_name[:5]}": lookups.by_name(a, t), "")
        )
        told["typo"].append((lambda a, t=typo: lookups.by_typo(a, t), key))
        told["nobody"].append((lambda a, t=f"xq{typo}": lookups.by_name(a, t), ""))
    lookups.by_typo(_asker(0), "warmup")  # the dictionary is read once a process
    return told


def _asker(number: int) -> Asker:
    device = number % DEVICES
    return Asker(TOWN, 1 + device % SHOPS, f"till:{device} seller:1")


def _measure(asks: list[tuple[Ask, str]]) -> dict[str, float]:
    """Time each question; p50 and p99 in ms, CPU in ms, and the share that found who was meant."""
    times, hits, cpu = [], 0, time.process_time()
    for number, (ask, key) in enumerate(asks):
        began = time.perf_counter()
        answer = ask(_asker(number))
        times.append((time.perf_counter() - began) * 1000)
        hits += not key or key in _keys(answer)
    return {
        "p50": round(float(np.percentile(times, 50)), 2),
        "p99": round(float(np.percentile(times, 99)), 2),
        "cpu": round((time.process_time() - cpu) * 1000 / len(asks), 2),
        "found": round(hits / len(asks), 3),
    }


def _keys(answer: Answer) -> set[str]:
    ids = [found.member_id for found in answer.found]
    return set(Member.objects.filter(pk__in=ids).values_list("name_key", flat=True))


def _bare(town: Population) -> float:
    """Return the median ms of a look-up by number's own statements, by the driver alone."""
    told: list[list[tuple[str, Any]]] = []
    for number, person in enumerate(town.some(200, 2)):
        statements: list[tuple[str, Any]] = []

        def note(execute: Any, *asked: Any, into: Any = statements) -> Any:
            if not asked[0].startswith("BEGIN"):
                into.append(asked[:2])
            return execute(*asked)

        with connections["loyalty"].execute_wrapper(note):
            lookups.by_phone(_asker(number), person.phone)
        told.append(statements)
    times = []
    for statements in told:
        began = time.perf_counter()
        with transaction.atomic(using="loyalty"), connections["loyalty"].cursor() as cursor:
            for sql, params in statements:
                cursor.execute(sql, params)
                if cursor.description:
                    cursor.fetchall()
        times.append((time.perf_counter() - began) * 1000)
    return round(float(np.median(times)), 2)


def _one_client(work: tuple[int, list[str]]) -> tuple[int, float]:
    """Look up by number, and enrol one in ten, for some seconds; (requests, slowest ms)."""
    number, phones = work
    connections.close_all()
    done, slowest, ends = 0, 0.0, time.perf_counter() + CLIENT_S
    while time.perf_counter() < ends:
        began = time.perf_counter()
        if done % 10 == 9:
            services.enrol(_newcomer(number, done))
        else:
            device = (number * 40 + done // 40) % 100_000
            # a shop each: 1,200 look-ups an hour are a shop's quota
            asker = Asker(TOWN, 1_000 + device, f"till:{device} seller:1")
            lookups.by_phone(asker, phones[done % len(phones)])
        slowest = max(slowest, (time.perf_counter() - began) * 1000)
        done += 1
    return done, slowest


def _newcomer(number: int, done: int) -> Enrolment:
    return Enrolment(
        TOWN, 1, f"till:{number}", clock.now(), first_name="Zed",
        last_name=f"Nouveau{number} {done}", phone=f"+337{number}{done:07}", over_15=True,
    )  # fmt: skip


def _clients(town: Population) -> dict[str, float]:
    """Return requests a second of eight clients at once, one in ten an enrolment."""
    connections.close_all()
    work = [(i, [p.phone for p in town.some(400, 100 + i)]) for i in range(CLIENTS)]
    with ProcessPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(_one_client, work))
    return {
        "per_s": round(sum(done for done, _slow in answers) / CLIENT_S, 0),
        "slowest_ms": round(max(slow for _done, slow in answers), 0),
    }


if __name__ == "__main__":
    main()
