"""A town of three shops, a member, the coalition's purse and the first shop's points."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from chaland.hub.common import clock
from tests.builders import build_cast
from tests.hub.loyalty.ledger.building import NOW, Purse
from tests.loyalty_builders import Loyalty, build_loyalty


class Time:
    """What the hub's clock says; a test moves it."""

    now: datetime = NOW


@pytest.fixture
def time() -> Iterator[Time]:
    before, moved = clock._read, Time()
    clock.use(lambda: moved.now)
    yield moved
    clock.use(before)


@pytest.fixture
def loyalty(db: None, time: Time) -> Loyalty:
    return build_loyalty(build_cast())


@pytest.fixture
def purse(loyalty: Loyalty) -> Purse:
    return Purse(loyalty.purse.asset, loyalty.member, [shop.pk for shop in loyalty.cast.shops])


@pytest.fixture
def points(loyalty: Loyalty) -> Purse:
    return Purse(loyalty.points.asset, loyalty.member, [shop.pk for shop in loyalty.cast.shops])
