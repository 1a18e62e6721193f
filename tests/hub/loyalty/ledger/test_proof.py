"""What is computed from entries: the cache again, and a member's statement."""

import pytest

from chaland.hub.loyalty.ledger import proof, selectors
from chaland.hub.loyalty.models import Account, Lot
from tests.hub.loyalty.ledger.building import Purse

pytestmark = pytest.mark.django_db


def test_a_changed_cache_is_found_and_set_right(purse: Purse) -> None:
    """odoo#206048: a balance and a history, neither of them authoritative."""
    purse.earn(100)
    Account.objects.filter(role="member").update(balance=150, held=3)
    Lot.objects.update(left=70)
    wrong = {(each.what, each.stored, each.computed) for each in proof.rebuild(_town(purse))}
    assert wrong == {
        ("account.balance", 150, 100),
        ("account.held", 3, 0),
        ("lot.left", 70, 100),
    }


def _town(purse: Purse) -> int:
    return purse.asset.association_id


def test_a_statement_tells_each_movement_and_why(purse: Purse) -> None:
    earned = purse.earn(100)
    purse.redeem(80)
    purse.reverse(earned)
    told = selectors.statement(purse.member.pk, purse.asset.pk)
    assert [(each.kind, each.amount, each.owed) for each in told] == [
        ("reverse-earn", -20, 80),
        ("redeem", -80, 0),
        ("earn", 100, 0),
    ]
