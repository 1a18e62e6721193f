"""Anybody who runs the hub can have ledger and consents checked, and learns what doesn't hold."""

import pytest
from click.testing import CliRunner

from chaland.hub.loyalty import proving
from chaland.hub.loyalty.models import Account, Lot, Member
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
