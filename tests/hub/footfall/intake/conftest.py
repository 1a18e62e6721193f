"""A town with one shop, a sensor in it that can sign, and a way to post what it says."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from nacl.signing import SigningKey

from chaland.hub.association.models import Association, Shop, Zone
from chaland.hub.footfall.intake import drops
from chaland.hub.footfall.intake.services import Receipt, accept
from chaland.hub.footfall.models import Charter, Sensor
from chaland.hub.footfall.services.trial import sign_trial_charter
from chaland.wire.signature import sensor_identifier, sign
from chaland.wire.summary import CellCounts, Count, Mode, State, Summary, encode

# Databases in memory refuse at once where a file or a server would wait.
collect_ignore = [] if connections["footfall"].vendor == "postgresql" else ["test_concurrency.py"]

TOWN_KEY = SigningKey(bytes(range(1, 33)))
NOW = datetime(2026, 3, 14, 12, 15, 3, tzinfo=UTC)


@dataclass
class Box:
    """A sensor's box as the hub sees it: a key, a number that grows, one cell after the other."""

    key: SigningKey
    sensor: Sensor

    def summary(self, sequence: int, **changes: object) -> Summary:
        start = NOW.replace(minute=0, second=0) + timedelta(minutes=15 * (sequence - 1))
        counts = {
            "fingerprints": Count(41, 3, "0.6"),
            "scans": Count(96, 3, "0.15"),
            "arrivals": Count(-4, 1, "0.46"),
            "passers_by": Count(2, 1, "0.46"),
        }
        cell = CellCounts(start, 3, State.OK, Mode.DEFAULT, counts)
        cell_changes = {k: v for k, v in changes.items() if k in CellCounts.__slots__}
        rest = {k: v for k, v in changes.items() if k not in cell_changes}
        whole = Summary(self.sensor.identifier, sequence, self.at(sequence), False, cell)
        return replace(whole, cell=replace(cell, **cell_changes), **rest)  # type: ignore[arg-type]

    def at(self, sequence: int) -> datetime:
        """The instant at which a box sends that summary."""
        return NOW + timedelta(minutes=15 * (sequence - 1))

    def send(
        self, summary: Summary | bytes, sequence: int = 0, at: datetime | None = None
    ) -> Receipt:
        body = summary if isinstance(summary, bytes) else encode(summary)
        sequence = sequence or (summary.sequence if isinstance(summary, Summary) else 1)
        at = at or self.at(sequence)
        return accept(body, sign(self.key, sequence, at, body), at)


@pytest.fixture(autouse=True)
def strangers(monkeypatch: pytest.MonkeyPatch) -> drops.Strangers:
    """Counts of strangers' refusals of this test's own."""
    fresh = drops.Strangers()
    monkeypatch.setattr(drops, "strangers", fresh)
    return fresh


@pytest.fixture
def shop(db: None) -> Shop:
    town = Association.objects.create(name="Les vitrines", town="Bourg")
    zone = Zone.objects.create(association=town, name="Halles", slug="halles")
    return Shop.objects.create(association=town, zone=zone, name="Librairie", slug="librairie")


@pytest.fixture
def sign_charter(shop: Shop) -> Callable[[], Charter]:
    """Sign the town's next charter, of all sensors that are enrolled by then."""
    return lambda: sign_trial_charter(shop.association_id, TOWN_KEY, NOW)


@pytest.fixture
def make_box(shop: Shop, sign_charter: Callable[[], Charter]) -> Callable[..., Box]:
    """Enrol a box in the shop, or in another one; a new charter lists it."""

    def make(at: Shop = shop) -> Box:
        key = SigningKey.generate()
        sensor = enrol(key, at)
        sign_charter()
        return Box(key, sensor)

    return make


def enrol(key: SigningKey, shop: Shop) -> Sensor:
    public = bytes(key.verify_key)
    return Sensor.objects.create(
        identifier=sensor_identifier(public), shop_id=shop.pk, public_key=public, enrolled_at=NOW
    )


@pytest.fixture
def box(make_box: Callable[[], Box]) -> Box:
    return make_box()
