"""Whose turn it is, round after round: several shops, one member's few places, one engine."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from chaland.hub.association.models import Shop
from chaland.hub.loyalty.models import Campaign, Delivery, Permission, Pressure
from chaland.hub.loyalty.outreach import automatic, campaigns
from chaland.hub.loyalty.outreach.engine import loop
from chaland.hub.loyalty.outreach.engine.loop import open_worker, run_once
from tests import outreach_builders as build
from tests.hub.loyalty.outreach.engine.conftest import Town

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def shops(town: Town) -> tuple[int, int]:
    """Two shops whose messages all members agreed to; the association sends nothing."""
    Campaign.objects.update(state=Campaign.State.DRAFT)
    first, second = Shop.objects.values_list("pk", flat=True).order_by("pk")[:2]
    agreed = list(Permission.objects.all())
    for shop in (first, second):
        for row in agreed:
            row.pk, row.controller = None, shop
        Permission.objects.bulk_create(agreed)
    return first, second


def campaign_of(town: Town, shop: int, after: timedelta = timedelta(0)) -> Campaign:
    campaign = build.build_campaign(
        town.association_id,
        controller=shop,
        send_at=town.now + after,
        expires_at=town.now + 20 * DAY,
    )
    build.build_deliveries(campaign, town.members)
    return campaign


def left(campaign: Campaign) -> int:
    return campaign.deliveries.filter(state="accepted").count()


def reasons(campaign: Campaign) -> set[str]:
    return set(campaign.deliveries.values_list("reason", flat=True))


def test_a_shop_that_had_its_turn_waits_for_one_that_comes_later(
    town: Town, shops: tuple[int, int]
) -> None:
    loud, quiet = shops
    campaign_of(town, loud)
    run_once(town.now)
    mine, theirs = campaign_of(town, loud), campaign_of(town, quiet, HOUR / 2)
    run_once(town.now)
    assert (left(mine), reasons(mine)) == (0, {"others_turn"})
    run_once(town.later(minutes=30))
    assert (left(mine), left(theirs)) == (0, 12)
    run_once(town.later(minutes=31))
    assert (left(mine), reasons(mine)) == (0, {"cap"})
    run_once(town.later(days=7))
    assert left(mine) == 12


def test_who_is_paused_keeps_the_turn_of_nobody(town: Town, shops: tuple[int, int]) -> None:
    loud, quiet = shops
    campaign_of(town, loud)
    run_once(town.now)
    mine, theirs = campaign_of(town, loud), campaign_of(town, quiet, HOUR / 2)
    run_once(town.now)
    campaigns.pause(theirs.pk)
    run_once(town.later(hours=1, minutes=1))
    assert (left(mine), left(theirs)) == (12, 0)


def test_over_weeks_each_shop_has_its_share_of_each_member(
    town: Town, shops: tuple[int, int]
) -> None:
    """One is first with all that it has; each member still hears as much of the other, and never
    more than two in seven days."""
    loud, quiet = shops
    for _ in range(4):
        campaign_of(town, loud)
    run_once(town.now)
    for _ in range(4):
        campaign_of(town, quiet)
    with open_worker(town.now) as worker:
        for _ in range(48):
            run_once(town.later(hours=8), worker)
    had = Counter(Pressure.objects.values_list("member", "controller"))
    assert {had[member.pk, shop] for member in town.members for shop in shops} == {2}
    for member in town.members:
        times = sorted(Pressure.objects.filter(member=member).values_list("at", flat=True))
        assert all(b - a >= 7 * DAY for a, b in zip(times, times[2:], strict=False))
    assert len(town.sent()) == 4 * 12
    waits = Delivery.objects.exclude(state="accepted").exclude(campaign=town.campaign)
    assert set(waits.values_list("reason", flat=True)) <= {"cap", "others_turn"}


def test_campaigns_in_which_nothing_is_due_cost_a_round_nothing_each(
    town: Town, shops: tuple[int, int]
) -> None:
    with open_worker(town.now) as worker:

        def asked() -> int:
            with CaptureQueriesContext(connections["loyalty"]) as found:
                loop.round_of(worker, town.now)
            return len(found)

        def automatics(controller: int) -> None:
            for kind in ("points", "stamps", "birthday"):
                build.build_campaign(
                    town.association_id, controller=controller, automatic=kind, purpose="reminders"
                )
            automatic.plan_automatic(town.now)

        asked()
        automatics(0)
        few = asked()
        for shop in shops:
            automatics(shop)
        assert asked() == few


def test_what_was_planned_today_is_planned_without_a_lock(town: Town) -> None:
    build.build_campaign(town.association_id, automatic="birthday", frozen_at=None)
    automatic.plan_automatic(town.now)
    with CaptureQueriesContext(connections["loyalty"]) as found:
        automatic.plan_automatic(town.later(hours=1))
    assert not [q for q in found if not q["sql"].startswith("SELECT") or "FOR UPDATE" in q["sql"]]
