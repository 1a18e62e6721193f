"""Opening hours after midnight belong to the local day, 04:00 to 04:00, that is still open."""

from datetime import time

import pytest

from chaland.hub.association.models import OpeningHours
from chaland.hub.footfall.figures.opening import read_opening
from tests import builders

pytestmark = pytest.mark.django_db


def test_hours_after_midnight_are_of_the_evening_before() -> None:
    cast = builders.build_cast(1)
    OpeningHours.objects.all().delete()
    saturday, sunday = 5, 6
    OpeningHours.objects.create(shop=cast.shop, weekday=saturday, opens=time(18), closes=time(23))
    OpeningHours.objects.create(shop=cast.shop, weekday=sunday, opens=time(0), closes=time(2))
    week = read_opening([cast.shop.pk]).week[0]
    assert week[saturday].nonzero()[0].tolist() == [0, 1, 18, 19, 20, 21, 22]
    assert not week[sunday].any()
