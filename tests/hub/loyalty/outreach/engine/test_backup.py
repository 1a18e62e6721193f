"""A back-up an hour old is put back, whole: copies of the real database, workers in processes."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.hub.loyalty.outreach.engine.receiving import Receiver, receiving
from tests.hub.loyalty.outreach.engine.site import Site

MEMBERS, FIRST = 90, 30
_HALF_AN_HOUR_LATER = f"""
rows = Delivery.objects.order_by("pk").values_list("pk", flat=True)[{FIRST}:]
Delivery.objects.filter(pk__in=list(rows)).update(not_before=NOON + timedelta(minutes=30))
"""
_ANOTHER_CAMPAIGN = """
from chaland.hub.loyalty.outreach import choices
for member in Member.objects.all():
    choices.choose(member.pk, per_week=1, per_month=4, automatic=[])
second = build_campaign(Gateway.objects.get().association_id, "email", send_at=clock.now())
build_deliveries(second, list(Member.objects.all()), "email")
loop.run_once(clock.now())
print(json.dumps([Pressure.objects.count(), sorted(
    set(Delivery.objects.filter(campaign=second).values_list("state", "reason")))]))
"""
_TROUBLE = (
    "from chaland.hub.loyalty.outreach.engine import machines as m; print(m.ask(clock.now()) or '')"
)
_REASONS = """
loop.run_once(clock.now())
print(*sorted(set(Delivery.objects.filter(state="not_sent").values_list("reason", flat=True))))
"""


def an_hour_is_lost(site: Site, receiver: Receiver) -> set[str]:
    """Send a third, copy the database, send the rest, with a worker that dies; put the copy back.
    Returns the keys of what was unknown before."""
    told = {"host": "127.0.0.1", "port": receiver.port, "tls": "none", "offline": True}
    site.prepare("email", "smtp", told, MEMBERS, rate=0)
    site.run(_HALF_AN_HOUR_LATER)
    site.run()
    assert receiver.taken.total() == FIRST
    site.back_up()
    site.later(minutes=30)
    site.kill([lambda: receiver.wait_for(FIRST + 10, 60)])
    site.run()
    unknown = site.states().get("unknown", set())
    site.later(minutes=30)
    site.put_back()
    assert len(site.states()["planned"]) == MEMBERS - FIRST, "it believes these not sent"
    return unknown


@pytest.fixture
def site(tmp_path: Path, own_database: str) -> Site:
    return Site(tmp_path, own_database)


def test_nothing_old_is_sent_again_and_what_left_counts(site: Site) -> None:
    with receiving() as receiver:
        unknown = an_hour_is_lost(site, receiver)
        before = Counter(receiver.taken)
        site.run()
        states = site.states()
        told = site.run(_ANOTHER_CAMPAIGN).strip()
    assert receiver.taken == before
    assert set(before.values()) == {1}
    assert states.get("unknown", set()) == unknown
    assert states["accepted"] == set(before) - unknown
    assert len(states["accepted"] | unknown) == MEMBERS
    assert told == f'[{MEMBERS}, [["not_sent", "own_cap"]]]', "each member has had one this week"


def test_without_its_journal_what_was_due_waits_for_a_person_until_it_expires(site: Site) -> None:
    """The whole machine is lost: what left in that hour can't be known by anybody."""
    with receiving() as receiver:
        an_hour_is_lost(site, receiver)
        before = Counter(receiver.taken)
        shutil.rmtree(site.folder / "outreach")
        site.run()
        assert site.run(_TROUBLE).strip(), "a person is told"
        assert len(site.states()["planned"]) == MEMBERS - FIRST
        site.later(days=3)
        assert site.run(_REASONS).strip() == "expired"
    assert receiver.taken == before
