"""The queue sends what is due, once, and says of each delivery why it wasn't sent."""

import pytest

from chaland.hub.loyalty.models import Campaign
from chaland.hub.loyalty.outreach.engine.loop import run_once
from tests.hub.loyalty.outreach.engine.conftest import Town

pytestmark = pytest.mark.django_db


def test_all_is_sent_once_and_the_campaign_is_finished(town: Town) -> None:
    done = run_once(town.now)
    assert done.states == {"accepted": 12}
    assert town.states() == {"accepted": 12}
    assert len(town.sent()) == 12
    assert Campaign.objects.get().state == Campaign.State.FINISHED
    assert not run_once(town.later(minutes=1))
    assert len(town.sent()) == 12
