"""The queue: claims against receipts, ranked by shop, amount and time; nothing by itself."""

from datetime import datetime, timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.models import Claim, Receipt
from chaland.hub.loyalty.receipts import matching, scores
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.services import detach
from tests.hub.loyalty.receipts.conftest import AT, Town

pytestmark = pytest.mark.django_db


def claim(town: Town, cents: int | None = 2_300, member: int = 0, **more: object) -> Claim:
    said: dict[str, object] = {"at": AT, "shop_id": town.shops[0]} | more
    return matching.claim(
        town.loyalty.cast.association.pk,
        int(str(said["shop_id"])),
        town.members[member].pk,
        at=said["at"] if isinstance(said["at"], datetime) else AT,
        actor="till:1",
        amount_cents=cents,
    )


def sale(town: Town, number: str, cents: int = 2_300, minutes: int = 0, shop: int = 0) -> int:
    taken = town.buy(
        number, cents, member_id=None, shop_id=town.shops[shop],
        issued_at=AT + timedelta(minutes=minutes),
    )  # fmt: skip
    return taken.receipt_id or 0


def queue(town: Town, shop: int | None = None) -> list[matching.Waiting]:
    shop_id = None if shop is None else town.shops[shop]
    return matching.queue(town.loyalty.cast.association.pk, shop_id)


def test_candidates_are_ranked_by_shop_amount_and_time(town: Town) -> None:
    claim(town)
    best = sale(town, "best", minutes=2)
    later = sale(town, "later", minutes=40)
    near = sale(town, "near", 2_350, minutes=2)
    elsewhere = sale(town, "elsewhere", minutes=2, shop=2)
    sale(town, "next day", minutes=24 * 60)
    sale(town, "other amount elsewhere", 9_900, shop=2)
    (waiting,) = queue(town)

    found = [candidate.receipt.pk for candidate in waiting.candidates]
    assert found[0] == best
    assert set(found) == {best, later, near, elsewhere}
    assert found[-1] == elsewhere
    assert waiting.sure


def test_what_is_sure_is_attached_together_and_the_rest_waits(town: Town) -> None:
    claim(town)
    claim(town, member=1, at=AT + timedelta(minutes=60))
    claim(town, member=2, at=AT + timedelta(minutes=61))
    sale(town, "a", minutes=2)
    sale(town, "b", minutes=60)  # of two members who claim the same amount within a minute

    done = matching.decide_sure(town.loyalty.cast.association.pk, None, "user:1", AT)
    assert done == 1
    assert [town.has(member=m) for m in town.members] == [23, 0, 0]
    assert len(queue(town)) == 2


def test_a_claim_without_an_amount_is_never_sure(town: Town) -> None:
    claim(town, None)
    sale(town, "a")
    assert [w.sure for w in queue(town)] == [False]


def test_a_decision_is_taken_once(town: Town) -> None:
    waiting = claim(town)
    receipt = sale(town, "a")
    matching.decide(waiting.pk, receipt, "user:1", AT)

    assert town.has() == 23
    for again in (lambda: matching.decide(waiting.pk, receipt, "user:1", AT),
                  lambda: matching.drop(waiting.pk)):  # fmt: skip
        with pytest.raises(ReceiptErrorFinal) as refusal:
            again()
        assert refusal.value.code == "claim-over"


def test_an_undone_match_waits_again(town: Town) -> None:
    waiting = claim(town)
    receipt = sale(town, "a")
    matching.decide(waiting.pk, receipt, "user:1", AT)
    detach(receipt, "user:1", AT)

    assert [w.claim for w in queue(town)] == [waiting]
    matching.decide(waiting.pk, receipt, "user:1", AT)
    assert town.has() == 23


def test_a_receipt_of_another_town_is_out_of_reach(town: Town) -> None:
    waiting, receipt = claim(town), sale(town, "a")
    Receipt.objects.filter(pk=receipt).update(association_id=10**6)

    assert queue(town)[0].candidates == []
    with pytest.raises(ReceiptErrorFinal):
        matching.decide(waiting.pk, receipt, "user:1", AT)


def test_a_shop_s_queue_holds_its_own_only(town: Town) -> None:
    claim(town)
    sale(town, "a")
    sale(town, "b", shop=2)
    assert queue(town, 2) == []
    assert len(queue(town, 0)[0].candidates) == 1


def test_two_reads_however_long_the_queue(town: Town) -> None:
    for i in range(30):
        claim(town, 1_000 + i, at=AT + timedelta(hours=9 * i))
        sale(town, str(i), 1_000 + i, minutes=9 * 60 * i)
    with CaptureQueriesContext(connections["loyalty"]) as queries:
        assert all(waiting.sure for waiting in queue(town))
    assert len(queries) == 2


def test_claims_whose_receipt_never_comes_are_given_up(town: Town) -> None:
    claim(town)
    assert matching.drop_old(AT + timedelta(days=2)) == 0
    assert matching.drop_old(AT + timedelta(days=4)) == 1
    assert queue(town) == []


@given(
    st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 10**6), st.floats(0, 10**6),
)  # fmt: skip
def test_closer_never_scores_less(claimed: int, gross: int, apart: float, more: float) -> None:
    def score(cents: int, apart_s: float, same_shop: bool = True) -> int:
        return scores.factors(
            same_shop=same_shop, claimed_cents=claimed, gross_cents=cents, apart_s=apart_s
        ).score

    assert 0 <= score(gross, apart + more) <= score(gross, apart) <= score(claimed, apart) <= 100
    assert score(gross, apart, same_shop=False) <= score(gross, apart)


def test_many_claims_of_one_shop_crowd_out_no_other_shops(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "WAITING_AT_MOST", 3)
    town_id, (here, there, _) = town.loyalty.cast.association.pk, town.shops
    for minutes in range(5):
        at = AT - timedelta(days=2, minutes=minutes)
        matching.claim(town_id, there, town.members[0].pk, at=at, actor="till:1")
    mine = matching.claim(town_id, here, town.members[1].pk, at=AT, actor="till:1")
    waiting = [each.claim for each in matching.queue(town_id)]
    assert mine in waiting
    assert [AT - c.at for c in waiting if c != mine] == [
        timedelta(days=2, minutes=minutes) for minutes in (2, 1, 0)
    ]
