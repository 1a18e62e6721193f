"""The caps as the database keeps them: over all shops, in turn, and under many workers at once."""

import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction

from chaland.hub.loyalty.models import Campaign, Delivery, Gateway, Member, Pressure
from chaland.hub.loyalty.outreach import choices, pressure
from chaland.hub.loyalty.outreach.shapes import Held, Waiting
from tests.builders import Cast, build_cast
from tests.hub.loyalty.ledger.racing import racers
from tests.hub.loyalty.outreach.audience.conftest import (
    NOW,
    SMS,
    campaign_of,
    people,
    planned,
)
from tests.outreach_builders import build_gateway

DAY = timedelta(days=1)
Reason, State = Delivery.Reason, Delivery.State


def reserve(asked: list[Waiting], now: datetime = NOW) -> dict[int, Held]:
    with transaction.atomic(using="loyalty"):
        held = pressure.lock(asked, now)
        return held | pressure.reserve([one for one in asked if one.id not in held], now)


def sent(campaign: Campaign, member: Member, at: datetime, channel: str = "sms") -> None:
    """Let a message have gone, with its place."""
    (one,) = planned(campaign, [member], channel)
    Delivery.objects.filter(pk=one.id).update(state=State.DELIVERED)
    Pressure.objects.create(
        member=member, delivery_id=one.id, controller=campaign.controller, at=at
    )


@pytest.mark.django_db
def test_the_third_message_of_a_week_is_refused_whoever_sends_it(cast: Cast) -> None:
    shops = [shop.pk for shop in cast.shops]
    (member,) = people(cast, 1, SMS)
    sent(campaign_of(cast, shops[0]), member, NOW - 6 * DAY)
    sent(campaign_of(cast, shops[1]), member, NOW - DAY, "email")
    (one,) = planned(campaign_of(cast, shops[2]), [member])  # L12: over shops and channels
    assert reserve([one]) == {one.id: Held(Reason.CAP, NOW + DAY)}
    assert reserve([one], NOW + DAY) == {}
    assert pressure.left(member.pk, NOW + DAY).week == 0


@pytest.mark.django_db
def test_a_place_that_frees_too_late_is_none(cast: Cast, shop: int) -> None:
    (member,) = people(cast, 1, SMS)
    for days in (1, 2):
        sent(campaign_of(cast, shop), member, NOW - days * DAY)
    (one,) = planned(campaign_of(cast, shop, expires_at=NOW + 3 * DAY), [member])
    assert reserve([one]) == {one.id: Held(Reason.CAP, None)}


@pytest.mark.django_db
def test_a_member_lowers_the_cap_and_never_raises_it(cast: Cast, shop: int) -> None:
    few, none = people(cast, 2, SMS)
    choices.choose(few.pk, per_week=1, per_month=None, automatic=[])
    choices.choose(none.pk, per_week=0, per_month=None, automatic=[])
    sent(campaign_of(cast, shop), few, NOW - DAY)
    mine, theirs = planned(campaign_of(cast, shop), [few, none])
    assert reserve([mine, theirs]) == {
        mine.id: Held(Reason.OWN_CAP, NOW + 6 * DAY),
        theirs.id: Held(Reason.OWN_CAP, None),
    }
    for wrong in ({"per_week": 3}, {"per_month": 5}, {"per_week": -1}):
        with pytest.raises(choices.ChoiceErrorFinal):
            choices.choose(few.pk, **{"per_week": None, "per_month": None, **wrong}, automatic=[])
    with pytest.raises(choices.ChoiceErrorFinal):
        choices.choose(few.pk, per_week=None, per_month=None, automatic=["horoscope"])


@pytest.mark.django_db
def test_a_receipt_that_was_asked_for_takes_no_place(cast: Cast, shop: int) -> None:
    (member,) = people(cast, 1, SMS)
    for days in (1, 2):
        sent(campaign_of(cast, shop), member, NOW - days * DAY)
    (one,) = planned(campaign_of(cast, shop, automatic="receipt"), [member])
    assert reserve([one]) == {}
    assert not Pressure.objects.filter(delivery=one.id).exists()


@pytest.mark.django_db
def test_the_place_goes_to_who_had_the_fewest_whoever_asks_first(cast: Cast) -> None:
    loud, quiet = (shop.pk for shop in cast.shops[:2])
    (member,) = people(cast, 1, SMS)
    for days in (40, 50, 3):
        sent(campaign_of(cast, loud), member, NOW - days * DAY)
    (first,) = planned(campaign_of(cast, loud), [member])
    (second,) = planned(campaign_of(cast, quiet), [member], "email")
    held = reserve([first])  # alone in its batch: the other waits with another worker
    assert held[first.id].reason == Reason.OTHERS_TURN
    assert reserve([second]) == {}
    assert reserve([first])[first.id].reason == Reason.CAP


@pytest.mark.django_db
@pytest.mark.parametrize(
    "gone",
    [
        {"campaign_state": Campaign.State.PAUSED},
        {"campaign_trouble": "its text is gone"},
        {"gateway_trouble": "wrong password"},
        {"reason": Reason.GATEWAY, "state": State.HELD},
        {"not_before": NOW - 2 * DAY},  # could have gone for long, and didn't
        {"not_before": NOW + 2 * DAY},
        {"expires_at": NOW},
        {"state": State.NOT_SENT},
    ],
    ids=str,
)
def test_who_can_not_go_keeps_nobody_waiting(cast: Cast, gone: dict[str, object]) -> None:
    loud, quiet = (shop.pk for shop in cast.shops[:2])
    (member,) = people(cast, 1, SMS)
    sent(campaign_of(cast, loud), member, NOW - 3 * DAY)
    (first,) = planned(campaign_of(cast, loud), [member])
    other = campaign_of(cast, quiet)
    (second,) = planned(other, [member], "email")
    assert reserve([first])[first.id].reason == Reason.OTHERS_TURN
    fields = dict(gone)
    if state := fields.pop("campaign_state", None):
        Campaign.objects.filter(pk=other.pk).update(state=state)
    if why := fields.pop("campaign_trouble", None):
        Campaign.objects.filter(pk=other.pk).update(trouble=why)
    if why := fields.pop("gateway_trouble", None):
        build_gateway(cast.association.pk, "email")
        assert reserve([first])[first.id].reason == Reason.OTHERS_TURN
        Gateway.objects.update(trouble=why)
    Delivery.objects.filter(pk=second.id).update(**fields) if fields else None
    assert reserve([first]) == {}


@pytest.mark.django_db
def test_a_place_is_taken_once_and_given_back(cast: Cast, shop: int) -> None:
    (member,) = people(cast, 1, SMS)
    (one,) = planned(campaign_of(cast, shop), [member])
    assert reserve([one]) == {}
    assert reserve([one]) == {}  # a lease ran out, and it is claimed again
    assert Pressure.objects.filter(member=member).count() == 1
    assert pressure.release([one.id]) == 1
    assert pressure.left(member.pk, NOW).week == 2


@pytest.mark.django_db
def test_the_calendar_shows_all_shops_and_no_few_members(cast: Cast) -> None:
    first, second = (shop.pk for shop in cast.shops[:2])
    members = people(cast, 40, SMS)
    people(cast, 5)  # agreed to nothing: not counted
    campaign = campaign_of(cast, first)
    draft = campaign_of(cast, second, state=Campaign.State.DRAFT)
    for member in members[:14]:
        sent(campaign, member, NOW - DAY)
    for member in members[:3]:
        sent(campaign_of(cast, second), member, NOW - 2 * DAY)
    choices.choose(members[20].pk, per_week=1, per_month=None, automatic=[])
    shown = pressure.planned(cast.association.pk, NOW - DAY, NOW + DAY)
    ids = {planned.campaign_id for planned in shown}
    assert campaign.pk in ids
    assert draft.pk not in ids
    assert pressure.members_left(cast.association.pk, NOW) == {
        0: None,
        1: None,
        2: 25,
    }  # 3, 12 and 25


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_never_pass_the_cap(tmp_path: Path) -> None:
    workers, campaigns = 4, 6
    with racers(workers, tmp_path) as there:

        def build() -> tuple[list[int], list[list[Waiting]]]:
            cast = build_cast(3)
            members = people(cast, 5)
            asked = [
                planned(campaign_of(cast, cast.shops[n % 3].pk), members) for n in range(campaigns)
            ]
            return [m.pk for m in members], asked

        members, asked = there.alone(build)

        def ask(worker: int) -> int:
            """Ask for all of some campaigns, until each is answered for good."""
            got = 0
            left = [one for n in range(campaigns) if n % workers == worker for one in asked[n]]
            for _turn in range(200):
                held = reserve(left)
                got += sum(one.id not in held for one in left)
                left = [
                    one for one in left
                    if one.id in held and held[one.id].reason in (Reason.NONE, Reason.OTHERS_TURN)
                ]  # fmt: skip
                if not left:
                    break
                time.sleep(0.02)  # SQLite serves who waits in no order: let the others in
            return got

        answers = there.race(ask)
        assert all(isinstance(answer, int) for answer in answers), answers
        taken = there.alone(lambda: list(Pressure.objects.values_list("member_id", flat=True)))
        assert sorted(taken) == sorted([*members, *members])  # two each: no more, and no fewer
