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
from chaland.simulate.rhythm import ATTRIBUTION

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
    os.environ.update(environment(plan))
    if ready:
        say(f"Using the town in {plan.state} (--fresh makes it anew)")
    else:
        _build(plan, folder, say)
    with Children() as children:
        children.serve(plan.port)
        children.wait_for_page(plan.url)
        say(f"Ready: {plan.url}")
        _introduce()
        founded = str(folder.note["founded"])
        children.live(plan.url, plan.town_seed, plan.speed, founded)
        children.older(plan.town_seed, founded, plan.days)
        children.wait()


def environment(plan: Plan) -> dict[str, str]:
    """Return the settings of the demo; a real installation's databases are put out of reach."""
    for name in ("CHALAND_ASSOCIATION_DATABASE_URL", "CHALAND_FOOTFALL_DATABASE_URL"):
        os.environ.pop(name, None)
    accounts = [
        {"who": member.name, "email": member.email, "password": cast.PASSWORD}
        for member in cast.staff(plan.shops)
    ]
    notes = {"accounts": accounts, "speed": round(plan.speed), "attribution": ATTRIBUTION}
    return {
        "DJANGO_SETTINGS_MODULE": "chaland.hub.site.settings",
        "CHALAND_DEMO": "1",
        "CHALAND_DEMO_NOTES": json.dumps(notes),
        "CHALAND_STATE_DIR": str(plan.state),
        "CHALAND_LOG_LEVEL": os.environ.get("CHALAND_LOG_LEVEL", "WARNING"),
    }


def _build(plan: Plan, folder: Folder, say: Callable[[str], None]) -> None:
    django.setup()
    from chaland.demo.build import build  # noqa: PLC0415  # models load only from here on

    recent = min(plan.days, RECENT_DAYS)
    say(f"Making a town of {plan.shops} shops and its last {recent} days, in {plan.state}")
    founded = build(plan.town_seed, recent, folder.path, say)
    folder.write(ready=True, town=plan.town, founded=founded.isoformat())


def _introduce() -> None:
    notes = json.loads(os.environ["CHALAND_DEMO_NOTES"])
    click.echo("\nEverything in it is invented. Sign in as:")
    for account in notes["accounts"]:
        click.echo(f"  {account['email']:32} {account['password']}   ({account['who']})")
    click.echo(f"\n{ATTRIBUTION}.\nCtrl-C ends the demo.")
