"""One simulated Tuesday of a small town, shared by the tests that look at it."""

from datetime import date

import pytest

from chaland.simulate.radio import Sightings, hear
from chaland.simulate.rhythm import Rhythm, real_rhythm
from chaland.simulate.town import Town, drawn_town
from chaland.simulate.walkers import Day, Walkers

TUESDAY = date(2026, 5, 19)
SEED = 20260519


@pytest.fixture(scope="session")
def rhythm() -> Rhythm:
    return real_rhythm()


@pytest.fixture(scope="session")
def town() -> Town:
    return drawn_town(8)


@pytest.fixture(scope="session")
def walkers(town: Town, rhythm: Rhythm) -> Walkers:
    return Walkers(town, rhythm, SEED)


@pytest.fixture(scope="session")
def tuesday(walkers: Walkers) -> Day:
    return walkers.day(TUESDAY)


@pytest.fixture(scope="session")
def heard(tuesday: Day) -> Sightings:
    return hear(tuesday, SEED)
