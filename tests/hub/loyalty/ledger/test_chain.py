"""A chain shows any change of the past, by whoever can get round the triggers."""

import pytest
from django.db import connections

from chaland.hub.loyalty.ledger import proof, services
from chaland.hub.loyalty.models import Account
from tests.conftest import _guards
from tests.hub.loyalty.ledger.building import NOW, Purse

pytestmark = pytest.mark.django_db


def _forge(statement: str) -> None:
    """Change rows as somebody does who owns the database: the triggers are taken away first."""
    off, on = _guards(connections["loyalty"])
    for each in [*off, statement, *on]:
        connections["loyalty"].check_constraints()  # else PostgreSQL still waits to check keys
        with connections["loyalty"].cursor() as cursor:
            cursor.execute(each)


FORGERIES = {
    "amount": "UPDATE loyalty_entry SET amount = amount + 1 WHERE position = 2",
    "order": "UPDATE loyalty_entry SET position = 9 WHERE position = 2",
    "digest": "UPDATE loyalty_entry SET digest = 'x' WHERE position = 2",
    "end": "UPDATE loyalty_account SET chain_digest = 'x' WHERE chain_position > 0",
}
OF_FACTS = {
    "actor": "UPDATE loyalty_transfer SET actor = 'user:1'",
    "shop": "UPDATE loyalty_transfer SET shop_id = 999",
    "time": "UPDATE loyalty_transfer SET occurred_at = '2026-01-01 00:00:00+00:00'",
    "recorded": "UPDATE loyalty_transfer SET recorded_at = '2026-01-01 00:00:00+00:00'",
    "why": """UPDATE loyalty_transfer SET why = '{"forged": true}'""",
    "key": "UPDATE loyalty_transfer SET idempotency_key = 'x' WHERE kind = 'redeem'",
    "request": "UPDATE loyalty_transfer SET request_digest = 'x'",
    "another leg": "UPDATE loyalty_entry SET amount = amount - 1 WHERE position IS NULL",
    "another leg’s line": "UPDATE loyalty_entry SET line = 7 WHERE position IS NULL",
    "line": "UPDATE loyalty_entry SET line = 9 WHERE position = 2",
}


@pytest.fixture
def account(purse: Purse) -> Account:
    purse.earn(100)
    purse.redeem(30)
    purse.earn(5)
    return Account.objects.get(role="member", asset=purse.asset)


@pytest.mark.parametrize("forgery", [*FORGERIES.values(), *OF_FACTS.values()])
def test_each_forgery_breaks_the_chain(account: Account, forgery: str) -> None:
    assert proof.verify_account(account.pk) == []
    _forge(forgery)
    assert proof.verify_account(account.pk)


@pytest.mark.parametrize("forgery", FORGERIES.values())
def test_after_erasure_the_chain_still_shows_them(
    purse: Purse, account: Account, forgery: str
) -> None:
    services.close(purse.member.pk, occurred_at=NOW, actor="member:1")
    purse.member.delete()
    assert proof.verify_account(account.pk) == []
    _forge(forgery)
    assert proof.verify_account(account.pk)
