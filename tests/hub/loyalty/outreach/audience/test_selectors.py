"""What pages read: progress, each person's message, who tires people; and who reads addresses."""

import ast
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from chaland.hub.loyalty.models import Delivery
from chaland.hub.loyalty.outreach import selectors, stopping, values
from tests.builders import Cast
from tests.hub.loyalty.outreach.audience.conftest import (
    NOW,
    SMS,
    campaign_of,
    people,
    planned,
)

LOYALTY = Path(__file__).parents[5] / "src" / "chaland" / "hub" / "loyalty"
DAY = timedelta(days=1)
State = Delivery.State


def test_nobody_else_reads_a_members_number_or_address() -> None:
    """Consent and suppression are looked at in one place, because addresses are read there only."""
    reading = {
        f"{path.relative_to(LOYALTY)}:{node.lineno}"
        for part in ("sales", "outreach", "web/sales", "web/outreach")
        for path in sorted((LOYALTY / part).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if _reads(node, columns=not part.startswith("web"))
    }
    places = {place.partition(":")[0] for place in reading}
    assert places <= {"outreach/audience/reaching.py", "outreach/stopping.py"}, reading


def _reads(node: ast.AST, *, columns: bool) -> bool:
    """Say whether ``.phone`` or ``.email`` is read of anybody but the member of staff who is signed
    in (``request.user``), or a column is named so (pages name fields of forms so, too)."""
    if isinstance(node, ast.Attribute) and node.attr in {"phone", "email"}:
        return not (isinstance(node.value, ast.Attribute) and node.value.attr == "user")
    named = {"member__phone", "member__email", *(["phone"] if columns else [])}
    return isinstance(node, ast.Constant) and node.value in named


@pytest.mark.django_db
def test_progress_and_each_persons_fate(cast: Cast, shop: int) -> None:
    members = people(cast, 6, SMS)
    campaign = campaign_of(cast, shop)
    rows = planned(campaign, members)
    fates = [
        (State.DELIVERED, ""), (State.DELIVERED, ""), (State.UNKNOWN, ""),
        (State.NOT_SENT, "cap"), (State.NOT_SENT, "held_out"), (State.HELD, "quiet"),
    ]  # fmt: skip
    for row, (state, reason) in zip(rows, fates, strict=True):
        paid = {"segments": 2, "cost_microcents": 90} if state == State.DELIVERED else {}
        Delivery.objects.filter(pk=row.id).update(state=state, reason=reason, **paid)
    found = selectors.progress(campaign)
    assert found.states == {"delivered": 2, "unknown": 1, "not_sent": 2, "held": 1}
    assert found.reasons == {"cap": 1, "held_out": 1, "quiet": 1}
    assert (found.all, found.segments, found.cost_microcents) == (6, 4, 180)
    shown = [selectors.told(d) for d in selectors.people(campaign, shop)]
    assert [t.name for t in shown] == [f"{m.first_name} M." for m in members]
    assert all(bool(t.reason) == bool(reason) for t, (_s, reason) in zip(shown, fates, strict=True))
    assert [d.pk for d in selectors.messages_of(members[3])] == [rows[3].id]


@pytest.mark.django_db
def test_a_shop_sees_its_own_campaigns_people_and_no_others(cast: Cast, shop: int) -> None:
    members = people(cast, 3, SMS)
    mine, towns = campaign_of(cast, shop), campaign_of(cast, 0)
    planned(mine, members)
    planned(towns, members)
    members[0].shops.all().delete()  # no customer of the shop any more
    members[1].delete()  # erased
    assert selectors.people(towns, shop).count() == 0
    assert [d.member_id for d in selectors.people(mine, shop)] == [members[2].pk]
    names = [selectors.told(d).name for d in selectors.people(mine, None)]
    assert len(names) == 3
    assert not any("Martin" in name for name in names)


@pytest.mark.django_db
def test_who_tires_people_comes_first(cast: Cast, shop: int) -> None:
    other = cast.shops[1].pk
    members = people(cast, 8, SMS)
    for controller, count in ((shop, 8), (other, 4)):
        rows = planned(campaign_of(cast, controller), members[:count])
        Delivery.objects.filter(pk__in=[r.id for r in rows]).update(
            state=State.DELIVERED, sending_at=NOW
        )
        stopping.suppress_delivery(rows[count - 1].id, "stop", NOW)
    stopping.suppress_delivery(rows[0].id, "complained", NOW)
    found = selectors.tiring(cast.association.pk, NOW - DAY, NOW + DAY)
    assert [(t.controller, t.sent, t.stops, t.complaints) for t in found] == [
        (other, 4, 1, 1),
        (shop, 8, 1, 0),
    ]
    assert selectors.tiring(cast.association.pk, NOW + DAY, NOW + 2 * DAY) == []
    each = selectors.per_member(cast.association.pk, NOW - DAY, NOW + DAY)
    assert (each.members, each.messages, each.most) == (8, 12, 2)


@pytest.mark.django_db
def test_months_are_the_town_s_and_only_those_asked_for(cast: Cast, shop: int) -> None:
    paris = ZoneInfo("Europe/Paris")
    rows = planned(campaign_of(cast, shop), people(cast, 6, SMS))
    for row, at in zip(rows, ("07-31T23", "08-31T21", "09-30T21", "09-30T23"), strict=False):
        moment = datetime.fromisoformat(f"2026-{at}:30:00+00:00")
        Delivery.objects.filter(pk=row.id).update(state=State.DELIVERED, sending_at=moment)
    months = (date(2026, 8, 1), date(2026, 9, 1))
    found = selectors.sent_by_month(cast.association.pk, paris, *months)
    assert found == {months[0]: 2, months[1]: 1}
    assert selectors.sent_by_month(cast.association.pk + 1, paris, *months) == {}


@pytest.mark.django_db
def test_a_year_s_messages_are_not_read_for_a_month_s(cast: Cast, shop: int) -> None:
    """What is asked of a period is found by its time, whatever else was ever sent."""
    town, connection = cast.association.pk, connections["loyalty"]
    with CaptureQueriesContext(connection) as asked:
        selectors.tiring(town, NOW - 30 * DAY, NOW)
        selectors.per_member(town, NOW - 30 * DAY, NOW)
        selectors.sent_by_month(town, ZoneInfo("Europe/Paris"), NOW.date(), NOW.date())
    of_deliveries = [q["sql"] for q in asked if 'FROM "loyalty_delivery"' in q["sql"]]
    assert len(of_deliveries) == 3
    assert all('"sending_at" >=' in sql for sql in of_deliveries)
    if connection.vendor != "sqlite":
        return  # of a table this small PostgreSQL rightly reads all
    with connection.cursor() as cursor:
        for sql in of_deliveries:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql.replace('%', '%%')}")
            assert any("delivery_sent" in row[-1] for row in cursor.fetchall()), sql


@pytest.mark.django_db
def test_what_a_campaign_says_of_itself(cast: Cast, shop: int) -> None:
    own, towns = campaign_of(cast, shop), campaign_of(cast, 0)
    assert values.of_campaign(own, "fr")["shop"] == cast.shops[0].name
    said = values.of_campaign(towns, "fr")
    assert (said["shop"], said["place"]) == (cast.association.name, cast.association.town)
    assert (said["sale"], said["dates"]) == ("", "")
