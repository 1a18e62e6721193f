"""A town whose members agreed to be written to, a gateway into an outbox, and a campaign."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, Delivery, Gateway, Member
from chaland.hub.loyalty.outreach import drivers
from chaland.hub.loyalty.outreach.outbox import Outbox
from chaland.hub.loyalty.outreach.shapes import Capabilities, Outcome, Result, Sms
from tests import outreach_builders as build
from tests.builders import build_cast
from tests.outreach_builders import NOON


@dataclass
class Town:
    """What a test of the queue begins with; ``now`` is the hub's clock."""

    association_id: int
    members: list[Member]
    gateway: Gateway
    campaign: Campaign
    outbox: Path
    now: datetime = NOON

    def states(self) -> dict[str, int]:
        """Count the deliveries by state, or by reason where they have one."""
        counted: dict[str, int] = {}
        for state, reason in Delivery.objects.values_list("state", "reason"):
            counted[reason or state] = counted.get(reason or state, 0) + 1
        return counted

    def sent(self) -> list[str]:
        """List what lies in the outbox; a name has three parts where a message left twice."""
        return sorted(p.name for p in self.outbox.glob("[!.]*")) if self.outbox.is_dir() else []

    def later(self, **time: float) -> datetime:
        self.now += timedelta(**time)
        return self.now


@pytest.fixture
def town(db: None, settings: Settings, tmp_path: Path) -> Iterator[Town]:
    settings.STATE_DIR = tmp_path
    association_id = build_cast(2).association.pk
    members = build.build_reachable(association_id, 12)
    gateway = build.build_gateway(association_id)
    campaign = build.build_campaign(association_id)
    build.build_deliveries(campaign, members)
    made = Town(
        association_id, members, gateway, campaign, tmp_path / "outbox" / str(association_id)
    )
    before = clock._read
    clock.use(lambda: made.now)
    yield made
    clock.use(before)


IDEMPOTENT = Capabilities(idempotent=True, looks_up=False, reports=True, batch=9)


class Odd(Outbox):
    """An outbox whose calls go wrong as a test says."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.answers: dict[int, Result | Exception] = {}
        self.drawn = 0

    def send(self, batch: Iterable[Sms]) -> Iterator[Outcome]:
        for message in batch:
            answer = self.answers.get(self.drawn, Result.ACCEPTED)
            self.drawn += 1
            if isinstance(answer, Exception):
                raise answer
            if answer == Result.ACCEPTED:
                yield from super().send([message])
            else:
                yield Outcome(message.key, answer, code="450")


@pytest.fixture
def odd(town: Town, monkeypatch: pytest.MonkeyPatch) -> Odd:
    driver = Odd(town.outbox)
    monkeypatch.setattr(drivers, "open_gateway", lambda _gateway: driver)
    return driver
