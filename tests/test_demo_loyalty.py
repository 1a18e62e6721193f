"""The demo's receipts: through the services, once each, whatever interrupts them."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db.models import Count, Sum
from pytest_django import Settings

from chaland.demo import loyalty
from chaland.demo.founding import found
from chaland.demo.loyalty_load import Loading
from chaland.demo.loyalty_people import person
from chaland.demo.loyalty_staged import DOUBLES
from chaland.hub.common import clock
from chaland.hub.loyalty.ledger import proof
from chaland.hub.loyalty.members import contacts
from chaland.hub.loyalty.members.selectors import open_duplicates
from chaland.hub.loyalty.models import (
    Account,
    Clearing,
    Entry,
    Member,
    MonthFigures,
    Permission,
    Receipt,
)
from chaland.hub.loyalty.models.figures import THE_TOWN
from chaland.hub.loyalty.receipts import matching
from chaland.hub.loyalty.till import devices
from chaland.simulate.town import drawn_town

pytestmark = pytest.mark.django_db
FOUNDED, SHOPS, DAYS = date(2026, 11, 21), 3, 12


@pytest.fixture
def town(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.STATE_DIR, settings.OUTREACH_DIR = tmp_path, tmp_path / "outreach"
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    monkeypatch.setattr(clock, "_read", lambda: now)
    found(drawn_town(SHOPS), now)
    loyalty.found(drawn_town(SHOPS), FOUNDED, DAYS, tmp_path)
    return tmp_path


def load(days: int) -> Loading:
    loading = Loading(SHOPS, 1, FOUNDED, DAYS)
    for _ in range(days):
        loading.step(loading.at.replace(hour=23, minute=0) + timedelta(days=1))
    return loading


def test_a_town_s_receipts_go_in_once_and_the_ledger_holds(town: Path) -> None:
    loading = load(8)
    assert not loading.refused
    rows = Receipt.objects.count()
    assert rows == loading.next_row > 100
    assert Receipt.objects.filter(member__isnull=False).count() > 0.4 * rows
    again = load(0)
    assert again.next_row == rows
    assert again.member_ids == loading.member_ids
    again.step(again.at + timedelta(days=1))
    assert Receipt.objects.values("external_id").distinct().count() == Receipt.objects.count()
    sums = Entry.objects.values("account__asset").annotate(total=Sum("amount"))
    assert {row["total"] for row in sums} == {0}
    purses = Account.objects.filter(role=Account.Role.MEMBER, asset__kind="purse")
    assert purses.aggregate(total=Sum("balance"))["total"] > 0
    association = Member.objects.values_list("association_id", flat=True)[0]
    assert not proof.rebuild(association)


def test_months_are_closed_as_the_loading_passes_them(town: Path) -> None:
    loading = Loading(SHOPS, 1, FOUNDED, DAYS)
    now = datetime(2026, 11, 5, 11, tzinfo=UTC)
    while loading.at < now:
        loading.advance(now)
    october = date(2026, 10, 1)
    assert MonthFigures.objects.filter(month=october, shop_id=THE_TOWN).exists()
    clearing = Clearing.objects.get()
    assert clearing.month == october
    entries = Entry.objects.filter(pk__range=(clearing.first_entry_id, clearing.last_entry_id))
    earned = entries.filter(transfer__kind="earn").values_list("transfer__occurred_at", flat=True)
    assert max(earned).date() == date(2026, 10, 31)
    assert clearing.statements.filter(earned_cents__gt=0).exists()


def test_members_agreed_to_what_their_permissions_say(town: Path) -> None:
    load(4)
    kinds = Permission.objects.values_list("purpose", "given").annotate(Count("pk"))
    assert {(purpose, given) for purpose, given, _n in kinds} == {
        ("offers", True),
        ("portrait", True),
    }
    assert not Member.objects.filter(over_15_on__isnull=True).exists()


def test_the_cashier_s_till_is_paired(town: Path) -> None:
    till = devices.till_of(loyalty.till_token(town))
    assert till is not None
    assert till.name == "Tablette du comptoir"


def test_the_pages_learn_how_far_it_is(town: Path) -> None:
    until = loyalty.loaded_until(town)
    assert until is not None
    assert until.date() == loyalty.first_day(FOUNDED, DAYS)
    loyalty.note_loaded(town, None)
    assert loyalty.loaded_until(town) is None
    assert json.loads((town / "loyalty.json").read_text()) == {"until": ""}


def test_nobody_real_is_a_member() -> None:
    """Numbers of the range kept for fiction, each once; addresses of example domains."""
    people = [person(1, number) for number in range(0, 5400, 9)]
    phones = {contacts.phone_of(one.phone) for one in people}
    assert len(phones) == len(people)
    assert all(phone.startswith("+33639 98".replace(" ", "")) for phone in phones)
    domains = {one.email.partition("@")[2] for one in people if one.email}
    assert domains == {"example.org", "example.net", "example.com"}


def test_there_is_something_to_decide_once(town: Path) -> None:
    """Doubles and claims are staged where they are due, and not again by the next start."""
    loading = Loading(SHOPS, 1, FOUNDED, DAYS)
    now = datetime(2026, 11, 10, 16, tzinfo=UTC)
    while loading.at < now:
        loading.advance(now)
    association = loading.association
    pairs = open_duplicates(association, None)
    doubles = {phone for member in Member.objects.all() if (phone := member.phone)}
    joined = [
        i for i in range(len(DOUBLES)) if contacts.phone_of(person(1, 9_990 + i).phone) in doubles
    ]
    assert joined
    assert pairs.count() >= len(joined)
    waiting = matching.queue(association)
    assert waiting  # at most three: in so small a town some shops have no receipt of strangers
    assert all(each.candidates for each in waiting)
    assert any(each.sure for each in waiting)
    before = (Member.objects.count(), pairs.count())
    again = Loading(SHOPS, 1, FOUNDED, DAYS)
    again.advance(now + timedelta(minutes=5))
    assert (Member.objects.count(), pairs.count()) == before
    assert len(matching.queue(association)) == len(waiting)
