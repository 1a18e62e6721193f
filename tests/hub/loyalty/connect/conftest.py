"""A shop with a key, and its neighbour's."""

from collections.abc import Callable

import pytest
from django.core.cache import cache

from chaland.hub.common import clock
from chaland.hub.loyalty.connect import rates
from chaland.hub.loyalty.connect.keys import make_key
from tests.builders import Cast, build_cast
from tests.hub.loyalty.connect.tills import Till
from tests.loyalty_builders import Loyalty, build_loyalty


@pytest.fixture
def cast(db: None) -> Cast:
    cache.clear()
    rates._leases.clear()
    return build_cast()


@pytest.fixture
def loyalty(cast: Cast) -> Loyalty:
    return build_loyalty(cast)


@pytest.fixture
def till_of(cast: Cast) -> Callable[[int], Till]:
    def made(place: int) -> Till:
        shop = cast.shops[place]
        token = make_key(cast.association.pk, shop.pk, "Caisse", clock.now())
        return Till(cast.association.pk, shop.pk, token)

    return made


@pytest.fixture
def till(till_of: Callable[[int], Till]) -> Till:
    return till_of(0)


@pytest.fixture
def neighbour(till_of: Callable[[int], Till]) -> Till:
    return till_of(1)
