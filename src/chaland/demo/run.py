"""Runs the demo: make or reuse its folder, then serve it with its live day until interrupted."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import django

from chaland.demo import cast
from chaland.demo.folder import Folder
from chaland.demo.past import TownSeed
from chaland.demo.processes import Children, port_is_free
from chaland.hub.site.commands import prepare
from chaland.simulate.rhythm import ATTRIBUTION, ATTRIBUTION_FR
from chaland.simulate.town import drawn_town

RECENT_DAYS = 98
"""Days made before the page is served; the older ones are added behind it."""


@dataclass(frozen=True)
class Plan:
    """What the command was asked for."""

    state: Path
    port: int
    fresh: bool
    days: int
    shops: int
    speed: float
    seed: int

    @property
    def town_seed(self) -> TownSeed:
        return TownSeed(self.shops, self.seed)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def town(self) -> dict[str, object]:
        """What makes a folder's town; another one needs another folder."""
        return {"shops": self.shops, "days": self.days, "seed": self.seed}


def run(plan: Plan) -> None:
    """Serve until interrupted; ends with an error where a part of it dies."""
    began = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"[{time.monotonic() - began:5.1f} s] {text}")

    if not port_is_free(plan.port):
        raise click.ClickException(
            f"port {plan.port} is taken on this machine: give another --port."
        )
    folder = Folder(plan.state)
    ready = folder.prepare(town=plan.town, fresh=plan.fresh)
    _take_settings(plan)
    django.setup()
    prepare()
    say("Databases and static files are ready")
    if ready:
        say(f"Using the town in {plan.state} (--fresh makes it anew)")
    else:
        _build(plan, folder, say)
    founded = str(folder.note["founded"])
    try:
        with Children() as children:
            children.serve(plan.port)
            children.wait_for_page(plan.url)
            say(f"Ready: {plan.url}")
            _introduce()
            children.live(plan.url, plan.town_seed, plan.speed, founded)
            children.loyalty(plan.town_seed, founded, plan.days)
            children.older(plan.town_seed, founded, plan.days)
            children.wait()
    except KeyboardInterrupt:
        click.echo("\nThe demo has ended; its town is kept for the next start.")


def _take_settings(plan: Plan) -> None:
    """Set the demo's settings for this process and its children, and no others.

    Those of a real installation are taken away: the demo must never reach its databases.
    """
    for name in [name for name in os.environ if name.startswith("CHALAND_")]:
        if name != "CHALAND_LOG_LEVEL":
            del os.environ[name]
    os.environ.setdefault("CHALAND_LOG_LEVEL", "WARNING")
    os.environ["DJANGO_SETTINGS_MODULE"] = "chaland.hub.site.settings"
    # One thread a process: two that wait for each other over small matrices cost 30 times more.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["CHALAND_DEMO"] = "1"
    os.environ["CHALAND_STATE_DIR"] = str(plan.state)
    os.environ["CHALAND_PUBLIC_ORIGIN"] = plan.url
    accounts = [
        {"who": f"{member.name}, {member.post}", "email": member.email, "password": cast.PASSWORD}
        for member in cast.staff(plan.shops)
    ]
    attribution = {"en": ATTRIBUTION, "fr": ATTRIBUTION_FR}
    shops = drawn_town(plan.shops).shops
    cashier = cast.till_shop([shop.slug for shop in shops])
    till = next(shop.name for shop in shops if shop.slug == cashier)
    notes = {
        "accounts": accounts,
        "till": till,
        "pin": cast.SELLER_PIN,
        "speed": round(plan.speed),
        "attribution": attribution,
    }
    os.environ["CHALAND_DEMO_NOTES"] = json.dumps(notes)


def _build(plan: Plan, folder: Folder, say: Callable[[str], None]) -> None:
    from chaland.demo import loyalty  # noqa: PLC0415  # models load only from here on
    from chaland.demo.build import build  # noqa: PLC0415

    recent = min(plan.days, RECENT_DAYS)
    say(f"Making a town of {plan.shops} shops and its last {recent} days, in {plan.state}")
    founded = build(plan.town_seed, recent, folder.path, plan.url, say)
    loyalty.found(drawn_town(plan.shops), founded, plan.days, folder.path)
    say("Loyalty programmes, tills and sellers; receipts follow behind the page")
    folder.write(ready=True, town=plan.town, founded=founded.isoformat())


def _introduce() -> None:
    notes = json.loads(os.environ["CHALAND_DEMO_NOTES"])
    click.echo("\nEverything in it is invented. Sign in as:")
    for account in notes["accounts"]:
        click.echo(f"  {account['email']:32} {account['password']}   ({account['who']})")
    click.echo(f"\n{ATTRIBUTION}.\nCtrl-C ends the demo.")
