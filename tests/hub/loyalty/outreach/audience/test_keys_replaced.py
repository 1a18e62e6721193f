"""CHALAND_INDEX_KEY is replaced, and everything sealed anew: who said stop is still stopped, and
what left in mails still works."""

import os
from datetime import timedelta
from typing import Any

import pytest

from chaland.hub.loyalty import resealing
from chaland.hub.loyalty.members.services import Enrolment, correct, enrol
from chaland.hub.loyalty.models import Member, Suppression
from chaland.hub.loyalty.outreach import stopping
from tests.builders import Cast
from tests.hub.loyalty.outreach.audience.conftest import EMAIL, NOW, SMS, campaign_of, people
from tests.hub.loyalty.outreach.audience.test_stopping import link_of, reached

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
STRANGER = "+33639980999"


def replace(settings: Any, *, keep: bool = True) -> None:
    settings.INDEX_KEYS = [os.urandom(32), *(settings.INDEX_KEYS if keep else [])]


@pytest.mark.parametrize("keep", [True, False])
def test_a_bounced_address_stays_suppressed(
    cast: Cast, shop: int, settings: Any, keep: bool
) -> None:
    member, other = people(cast, 2, EMAIL)
    town, campaign = cast.association.pk, campaign_of(cast, shop)
    stopping.stop(town, "email", member.email or "", "bounced", NOW)
    replace(settings, keep=keep)
    for _time in range(2):
        resealing.reseal()
        assert reached(campaign, member, "email") == "suppressed"
        assert reached(campaign, other, "email") == ""
    assert [row.at for row in stopping.stops_of(Member.objects.get(pk=member.pk))] == [NOW]


def test_a_link_that_left_under_the_old_key_still_stops(
    cast: Cast, shop: int, settings: Any
) -> None:
    (member,) = people(cast, 1, EMAIL)
    token, delivery_id = link_of(cast, shop, member)
    replace(settings)
    resealing.reseal()
    assert link_of(cast, shop, member)[0] != token
    assert stopping.unsubscribe(token, NOW)
    assert Suppression.objects.get().delivery_id == delivery_id
    assert reached(campaign_of(cast, shop), member, "email") == "no_consent"
    replace(settings, keep=False)
    assert stopping.of_token(token) is None


def test_a_stop_heard_before_all_is_sealed_anew_stops(cast: Cast, shop: int, settings: Any) -> None:
    (member,) = people(cast, 1, SMS)
    town, phone = cast.association.pk, member.phone or ""
    replace(settings)
    assert stopping.stop(town, "sms", phone, "stop", NOW)
    assert reached(campaign_of(cast, shop), member) == "no_consent"
    resealing.reseal()
    assert stopping.stops_of(Member.objects.get(pk=member.pk))
    assert not stopping.stop(town, "sms", phone, "stop", NOW)
    assert stopping.unheard(town, "sms", [phone, STRANGER]) == [STRANGER]


def test_a_number_of_no_member_is_known_when_it_comes(cast: Cast, settings: Any) -> None:
    """It was stopped under the old key: nobody could be sealed anew."""
    town = cast.association.pk
    stopping.stop(town, "sms", STRANGER, "stop", NOW - HOUR)
    replace(settings)
    resealing.reseal()
    assert stopping.unheard(town, "sms", [STRANGER]) == []
    (by_hand,) = people(cast, 1)
    changed = correct(by_hand, phone=STRANGER, email="", birthday=(None, None))
    assert [row.cause for row in stopping.stops_of(changed)] == ["stop"]
    correct(changed, phone="+33639980111", email="", birthday=(None, None))
    replace(settings)
    made = enrol(
        Enrolment(town, None, "user:1", NOW, first_name="Zoë", phone=STRANGER, over_15=True)
    )
    assert [row.cause for row in stopping.stops_of(made)] == ["stop"]


def test_of_two_stops_of_one_address_the_latest_is_kept(cast: Cast, settings: Any) -> None:
    town = cast.association.pk
    stopping.stop(town, "sms", STRANGER, "stop", NOW)
    old = settings.INDEX_KEYS
    settings.INDEX_KEYS = [os.urandom(32)]
    stopping.stop(town, "sms", STRANGER, "stop", NOW - HOUR)
    settings.INDEX_KEYS += old
    made = enrol(Enrolment(town, None, "user:1", NOW, first_name="Z", phone=STRANGER, over_15=True))
    assert [row.at for row in stopping.stops_of(made)] == [NOW]
    assert Suppression.objects.count() == 1
