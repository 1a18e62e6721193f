"""A town with one shop, a sensor in it that can sign, and a way to post what it says."""

from collections.abc import Callable

import pytest
from django.db import connections
from nacl.signing import SigningKey

from chaland.hub.association.models import Association, Shop, Zone
from chaland.hub.footfall.intake import drops
from chaland.hub.footfall.models import Charter
from chaland.hub.footfall.services.trial import sign_trial_charter
from tests.hub.footfall.intake.boxes import NOW, TOWN_KEY, Box, enrol
from tests.hub.footfall.intake.talkers import Talker

# Databases in memory refuse at once where a file or a server would wait.
collect_ignore = [] if connections["footfall"].vendor == "postgresql" else ["test_concurrency.py"]


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


@pytest.fixture
def box(make_box: Callable[[], Box]) -> Box:
    return make_box()


@pytest.fixture
def talkers(make_box: Callable[[], Box]) -> list[Talker]:
    """Three sensors of one shop that the charter lists."""
    return [Talker(make_box()) for _ in range(3)]
