"""Anybody who runs the hub can have ledger and consents checked, and learns what doesn't hold."""

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from django.test import Client

from chaland.hub.association.models import Association, User
from chaland.hub.loyalty import due, proving
from chaland.hub.loyalty.models import Account, Lot, Member, Proof
from chaland.hub.site.commands import hub
from tests.builders import build_cast
from tests.hub.loyalty.ledger.building import Purse
from tests.loyalty_builders import build_loyalty

pytestmark = pytest.mark.django_db


@pytest.fixture
def purse() -> Purse:
    loyalty = build_loyalty(build_cast())
    shops = [shop.pk for shop in loyalty.cast.shops]
    there = Purse(loyalty.purse.asset, loyalty.members[0], shops)
    there.earn(100)
    there.redeem(40)
    return there


def test_all_holds_and_the_command_says_so(purse: Purse) -> None:
    assert list(proving.faults()) == []
    said = CliRunner().invoke(hub, ["verify-ledger"])
    assert said.exit_code == 0, said.output


def test_what_was_changed_by_hand_is_told_and_stays(purse: Purse) -> None:
    Lot.objects.update(left=61)
    Account.objects.filter(member=purse.member).update(balance=61)
    said = CliRunner().invoke(hub, ["verify-ledger"])
    assert said.exit_code == 1
    assert "lot.left" in said.output
    assert "account.balance" in said.output
    assert Lot.objects.get().left == 61


def test_a_lost_consent_is_told(purse: Purse) -> None:
    Member.objects.filter(pk=purse.member.pk).update(chain_position=99)
    assert any("consents of member" in line for line in proving.faults())


def test_each_local_night_the_books_are_proved_once(
    purse: Purse, caplog: pytest.LogCaptureFixture
) -> None:
    night = datetime(2026, 5, 5, 0, 59, tzinfo=UTC)  # 02:59 in Paris
    assert proving.prove_due(night) == 0
    assert proving.prove_due(night + timedelta(minutes=2)) == Association.objects.count()
    kept = Proof.objects.get(association_id=purse.asset.association_id)
    assert (kept.faults, kept.said, kept.accounts) == (0, [], Account.objects.count())
    assert proving.prove_due(night + timedelta(hours=5)) == 0
    Account.objects.filter(member=purse.member).update(balance=61)
    assert proving.prove_due(night + timedelta(hours=23)) == 0, "before three"
    assert not caplog.records
    assert proving.prove_due(night + timedelta(days=1, minutes=1)) > 0
    kept.refresh_from_db()
    assert (kept.at, kept.faults) == (night + timedelta(days=1, minutes=1), len(kept.said))
    assert any("account.balance" in line for line in kept.said)
    assert {r.levelname for r in caplog.records} == {"ERROR"}
    assert "account.balance" in caplog.text


def test_the_worker_proves_and_the_director_reads_it(purse: Purse) -> None:
    assert proving.prove_due in [task for _name, task in due.TASKS]
    director = User.objects.get(roles__role="director")
    director.language = "en"
    director.save()
    client = Client()
    client.force_login(director)
    at = datetime(2026, 5, 5, 3, tzinfo=UTC)
    proving.prove_due(at)
    assert (
        f"{Account.objects.count()} accounts, 0 faults" in client.get("/clearing/").content.decode()
    )
    Lot.objects.update(left=61)
    proving.prove_due(at + timedelta(days=1))
    page = client.get("/clearing/").content.decode()
    assert "lot.left of" in page
    assert 'role="alert"' in page
