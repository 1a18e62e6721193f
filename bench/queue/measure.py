"""Fill a folder with members and deliveries, then hand them over; prints what it took as JSON.

``python -m bench.queue.measure STEP COUNT PORT KIND``; STEP: ``fill`` for a KIND, ``states`` (how
many deliveries are in each), or the KIND: ``mail``, ``sms`` (PORT: Kannel's), ``django``.
"""

import json
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chaland.hub.site.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.mail import EmailMultiAlternatives  # noqa: E402
from django.core.mail.backends.smtp import EmailBackend  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from chaland.hub.common import clock  # noqa: E402
from chaland.hub.loyalty.models import Delivery  # noqa: E402
from chaland.hub.loyalty.outreach import placeholders  # noqa: E402
from chaland.hub.loyalty.outreach.engine import loop  # noqa: E402
from chaland.hub.loyalty.outreach.mail.templates import Letter, compile_html  # noqa: E402
from tests import outreach_builders as build  # noqa: E402
from tests.builders import build_cast  # noqa: E402
from tests.outreach_builders import NOON  # noqa: E402

TEXT = """Bonjour {first_name},

{shop} vous ouvre ses portes avant tout le monde : samedi, de 9 h à 12 h, les nouveautés d’hiver
sont à prix réservé aux membres. Venez comme vous êtes, votre place est prête.

À samedi !"""
_AT_ONCE = 20_000


def main() -> None:
    """Measure one thing."""
    step, kind = sys.argv[1], sys.argv[4]
    count, port = int(sys.argv[2]), int(sys.argv[3])
    _clock()
    if step == "fill":
        _fill(kind, count, port)
    elif step in ("mail", "sms"):
        print(json.dumps(_handed_over(count)))
    elif step == "states":
        states = Counter(Delivery.objects.values_list("state", flat=True))
        print(json.dumps({"states": states, "batch": loop.BATCH}))
    else:
        print(json.dumps(_django(count, port)))


def _clock() -> None:
    """Let it be noon of a working day; of workers that follow one another, when the first began."""
    began = datetime.fromtimestamp(float(os.environ.get("BENCH_BEGAN", time.time())), UTC)
    behind = began - NOON
    clock.use(lambda: datetime.now(UTC) - behind)


def _fill(kind: str, count: int, port: int) -> None:
    if connections["loyalty"].vendor == "postgresql":  # the database is used again and again
        with connections["loyalty"].cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    for database in settings.DATABASES:
        call_command("migrate", database=database, verbosity=0)
    channel, driver = ("sms", "kannel") if kind == "sms" else ("email", "smtp")
    told = _kannel_settings(port) if kind == "sms" else _mail_settings(port)
    town = build_cast(2).association.pk
    build.build_gateway(town, channel, driver, json.dumps(told))
    campaign = build.build_campaign(town, channel)
    (text,) = campaign.texts.all()
    if channel == "email":
        text.body = TEXT
        text.html = compile_html(Letter.of(text, campaign))
        text.save()
    for first in range(0, count, _AT_ONCE):
        members = build.build_reachable(town, min(_AT_ONCE, count - first), channel)
        build.build_deliveries(campaign, members, channel)


def _mail_settings(port: int) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "tls": "none", "offline": True, "postal": "1 rue X"}


def _kannel_settings(port: int) -> dict[str, Any]:
    return {
        "url": f"http://127.0.0.1:{port}/cgi-bin/sendsms",
        "username": "chaland",
        "password": "s3cret-of-kannel",
        "smsc": "fake",
        "stop": "36105",
    }


def _handed_over(at_most: int) -> dict[str, Any]:
    """Hand over the first deliveries; seconds of it, and the process' memory before and at most."""
    done: dict[str, int] = {}
    with loop.open_worker(clock.now()) as worker:
        loop.round_of(worker, clock.now())  # what a worker imports and opens once
        started, used = time.perf_counter(), time.process_time()
        while sum(done.values()) < at_most:
            part = loop.round_of(worker, clock.now())
            for state, number in part.states.items():
                done[state] = done.get(state, 0) + number
            if not part:
                break
        took, used = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"states": done, "seconds": took, "cpu": used, "peak_mib": peak}


def _django(count: int, port: int) -> dict[str, Any]:
    """Django's own way, the same words and HTML: EmailMultiAlternatives, ``send_messages``."""
    letter = Letter("fr", "Vente privée", TEXT, "", False)
    page = compile_html(letter)
    words = {**dict.fromkeys((*placeholders.WRITTEN, *placeholders.FRAME), "Vitrines")}

    def mails() -> Iterator[EmailMultiAlternatives]:
        for number in range(count):
            own = words | {"first_name": f"Anna{number}"}
            mail = EmailMultiAlternatives(
                letter.subject, placeholders.fill(TEXT, own),
                "bonjour@vitrines.example", [f"m{number}@example.org"],
                headers={"List-Unsubscribe": f"<https://x.example/u/{number:042}/>"},
            )  # fmt: skip
            mail.attach_alternative(placeholders.fill(page, own, as_html=True), "text/html")
            yield mail

    backend = EmailBackend(host="127.0.0.1", port=port)
    started = time.perf_counter()
    sent = backend.send_messages(list(mails()))
    return {"states": {"sent": sent}, "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    main()
