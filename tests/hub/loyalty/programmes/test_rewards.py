"""What balances buy: in part, once, with a voucher that is used once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections

from chaland.hub.common import clock
from chaland.hub.loyalty.ledger.postings import (
    HoldOverErrorFinal,
    KeyReusedErrorFinal,
    NotEnoughErrorFinal,
)
from chaland.hub.loyalty.models import Advantage, Member, Programme, Reward, Tier, Voucher
from chaland.hub.loyalty.programmes import selectors
from chaland.hub.loyalty.programmes.refusals import ProgrammeErrorFinal
from chaland.hub.loyalty.programmes.services import (
    Ask,
    Redeemed,
    cancel,
    confirm,
    lapse_vouchers,
    redeem,
    reserve,
    undo,
    use_voucher,
)
from tests.hub.loyalty.programmes.building import WEDNESDAY, buy, has, receipt
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db


def _ask(town: Loyalty, key: str, shop: int = 0) -> Ask:
    return Ask(town.cast.association.pk, town.cast.shops[shop].pk, key, "till:1 seller:1")


def _reward(programme: Programme) -> int:
    return programme.rewards.get().pk


def _voucher(town: Loyalty, key: str = "v") -> Redeemed:
    return redeem(_ask(town, key), _reward(town.points), town.member.pk)


def _use(town: Loyalty, code: str, key: str, shop: int = 0) -> object:
    return use_voucher(town.cast.association.pk, town.cast.shops[shop].pk, code, key)


def test_a_part_of_the_purse_comes_off_at_any_shop(town: Loyalty) -> None:
    """odoo#264931: all of it or nothing."""
    buy(town, 100_000)
    done = redeem(_ask(town, "a", 2), _reward(town.purse), town.member.pk, wanted_cents=350)
    assert (done.units, done.cents, done.voucher_code) == (350, 350, "")
    assert has(town, town.purse) == (650, 0)
    with pytest.raises(NotEnoughErrorFinal) as refused:
        redeem(_ask(town, "b"), _reward(town.purse), town.member.pk, wanted_cents=651)
    assert refused.value.available == 650
    with pytest.raises(ProgrammeErrorFinal):
        redeem(_ask(town, "c"), _reward(town.purse), town.member.pk)


def test_the_same_key_spends_once(town: Loyalty) -> None:
    buy(town, 100_000)
    one, two = (
        redeem(_ask(town, "a"), _reward(town.purse), town.member.pk, wanted_cents=350)
        for _ in range(2)
    )
    assert one == two
    assert has(town, town.purse) == (650, 0)
    with pytest.raises(KeyReusedErrorFinal):
        redeem(_ask(town, "a"), _reward(town.purse), town.member.pk, wanted_cents=351)


def test_a_reservation_keeps_confirms_in_part_and_frees_the_rest(town: Loyalty) -> None:
    buy(town, 100_000)
    held = reserve(_ask(town, "h"), _reward(town.purse), town.member.pk, wanted_cents=900)
    with pytest.raises(NotEnoughErrorFinal):
        reserve(_ask(town, "h2"), _reward(town.purse), town.member.pk, wanted_cents=200)
    done = confirm(_ask(town, "c"), held.hold_id, wanted_cents=400)
    assert confirm(_ask(town, "c"), held.hold_id, wanted_cents=400) == done
    assert (done.units, done.cents) == (400, 400)
    assert has(town, town.purse) == (600, 0)
    with pytest.raises(HoldOverErrorFinal):
        cancel(_ask(town, "x"), held.hold_id)


def test_a_cancelled_reservation_is_whole_again(town: Loyalty) -> None:
    buy(town, 100_000)
    held = reserve(_ask(town, "h"), _reward(town.points), town.member.pk)
    cancel(_ask(town, "x"), held.hold_id)
    cancel(_ask(town, "x"), held.hold_id)
    assert has(town, town.points) == (1_000, 0)
    with pytest.raises(HoldOverErrorFinal):
        confirm(_ask(town, "c"), held.hold_id)
    assert not Voucher.objects.exists()


def test_another_shop_confirms_nothing_of_ours_and_gives_no_reward_of_ours(town: Loyalty) -> None:
    buy(town, 100_000)
    held = reserve(_ask(town, "h"), _reward(town.points), town.member.pk)
    for ask in (_ask(town, "c", 1), Ask(99, town.cast.shops[0].pk, "c", "key:1")):
        with pytest.raises(ProgrammeErrorFinal) as refused:
            confirm(ask, held.hold_id)
        assert refused.value.code == "no-hold"
        with pytest.raises(ProgrammeErrorFinal) as refused:
            redeem(ask, _reward(town.points), town.member.pk)
        assert refused.value.code == "no-reward"


def test_a_paused_member_spends_nothing(town: Loyalty) -> None:
    buy(town, 100_000)
    Member.objects.update(state=Member.State.PAUSED)
    with pytest.raises(ProgrammeErrorFinal) as refused:
        redeem(_ask(town, "a"), _reward(town.purse), town.member.pk, wanted_cents=1)
    assert refused.value.code == "paused"


def test_a_full_card_gives_its_article_and_an_undo_gives_the_stamps_back(town: Loyalty) -> None:
    """The stamp card's undo, which no peer has."""
    for _ in range(11):
        buy(town, 500, shop=1)
    done = redeem(_ask(town, "s", 1), _reward(town.stamps), town.member.pk)
    assert (done.units, has(town, town.stamps)) == (10, (1, 0))
    undo(_ask(town, "u", 1), done.transfer_id)
    assert has(town, town.stamps) == (11, 0)
    with pytest.raises(ProgrammeErrorFinal):
        undo(_ask(town, "u2", 0), done.transfer_id)


def test_a_voucher_is_used_once_and_the_same_key_hears_the_same(town: Loyalty) -> None:
    """medusa#16347: a gift card redeemed twice."""
    buy(town, 10_000)
    code = _voucher(town).voucher_code
    used = _use(town, code.lower().replace("-", " "), "k1")
    assert _use(town, code, "k1") == used
    with pytest.raises(ProgrammeErrorFinal) as refused:
        _use(town, code, "k2")
    assert refused.value.code == "voucher-used"
    assert has(town, town.points) == (0, 0)


def test_a_replayed_purchase_of_a_voucher_gives_the_same_voucher(town: Loyalty) -> None:
    buy(town, 20_000)
    assert _voucher(town) == _voucher(town)
    assert Voucher.objects.count() == 1
    assert _voucher(town, "another").voucher_code != _voucher(town).voucher_code


def test_one_key_uses_one_voucher(town: Loyalty) -> None:
    buy(town, 20_000)
    one, two = (_voucher(town, key).voucher_code for key in "ab")
    _use(town, one, "k")
    with pytest.raises(KeyReusedErrorFinal):
        _use(town, two, "k")
    _use(town, two, "k2")


def test_a_voucher_of_one_shop_is_unknown_at_another(town: Loyalty) -> None:
    buy(town, 10_000)
    code = _voucher(town).voucher_code
    for shop, typed in ((1, code), (0, "0000-0000-0000"), (0, "")):
        with pytest.raises(ProgrammeErrorFinal) as refused:
            _use(town, typed, "k", shop)
        assert refused.value.code == "no-voucher"


def test_a_voucher_lapses_on_its_day_and_the_worker_marks_it(
    town: Loyalty, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy(town, 10_000)
    code = _voucher(town).voucher_code
    later = clock.now() + timedelta(days=61)
    monkeypatch.setattr(clock, "_read", lambda: later)
    with pytest.raises(ProgrammeErrorFinal) as refused:
        _use(town, code, "k")
    assert refused.value.code == "voucher-lapsed"
    assert lapse_vouchers(later) == 1
    assert lapse_vouchers(later) == 0


def test_an_undone_voucher_is_worthless_a_used_one_cannot_be_undone(town: Loyalty) -> None:
    buy(town, 20_000)
    first, second = _voucher(town, "a"), _voucher(town, "b")
    undo(_ask(town, "u"), first.transfer_id)
    with pytest.raises(ProgrammeErrorFinal) as refused:
        _use(town, first.voucher_code, "k")
    assert refused.value.code == "voucher-voided"
    _use(town, second.voucher_code, "k")
    with pytest.raises(ProgrammeErrorFinal) as refused:
        undo(_ask(town, "u2"), second.transfer_id)
    assert refused.value.code == "voucher-used"
    assert has(town, town.points) == (100, 0)


def test_no_code_lies_in_the_database(town: Loyalty) -> None:
    buy(town, 10_000)
    code = _voucher(town).voucher_code
    row = Voucher.objects.values().get()
    assert code not in str(row)
    assert code.replace("-", "") not in str(row)


@pytest.mark.django_db(transaction=True)
def test_of_many_uses_at_the_same_moment_one_is_granted() -> None:
    """medusa#16347, for real on PostgreSQL; tests on SQLite share a connection and take turns."""
    from tests.builders import build_cast
    from tests.loyalty_builders import build_loyalty

    town = build_loyalty(build_cast(2), members=1)
    buy(town, 10_000)
    code = _voucher(town).voucher_code

    def attempt(number: int) -> str:
        try:
            _use(town, code, f"k{number}")
        except ProgrammeErrorFinal as refused:
            return refused.code
        finally:
            if parallel:
                connections.close_all()
        return "granted"

    parallel = connections["loyalty"].vendor == "postgresql"
    if parallel:
        with ThreadPoolExecutor(8) as threads:
            granted = list(threads.map(attempt, range(16)))
    else:
        granted = [attempt(number) for number in range(16)]
    assert sorted(granted) == ["granted", *["voucher-used"] * 15]


def test_a_stale_reading_grants_nothing(town: Loyalty, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read-then-write would: the voucher is used by somebody between our reading and writing."""
    buy(town, 10_000)
    code = _voucher(town).voucher_code
    from chaland.hub.loyalty.programmes.services import vouchers

    timezone = vouchers._timezone

    def meanwhile(association_id: int) -> str:
        monkeypatch.setattr(vouchers, "_timezone", timezone)
        _use(town, code, "faster")
        return timezone(association_id)

    monkeypatch.setattr(vouchers, "_timezone", meanwhile)
    with pytest.raises(ProgrammeErrorFinal) as refused:
        _use(town, code, "slower")
    assert refused.value.code == "voucher-used"


def test_standing_says_what_a_member_has_at_a_shop(town: Loyalty) -> None:
    shop = town.cast.shops[1]
    tier = Tier.objects.create(
        programme=town.purse, name="Flâneur", measure="shops", threshold=2, multiplier_percent=120
    )
    for percent, needed in ((5, None), (10, tier)):
        Advantage.objects.create(
            association_id=town.cast.association.pk, shop_id=shop.pk, name=f"{percent} %",
            percent=percent, tier=needed, starts_on=WEDNESDAY.date(),
        )  # fmt: skip
    for _ in range(9):
        buy(town, 500, shop=1)
    at = WEDNESDAY + timedelta(minutes=1)
    now = selectors.standing(town.cast.association.pk, shop.pk, town.member.pk, at)
    assert [b.balance for b in now.balances] == [45, 9]
    assert [(o.name, o.missing) for o in now.offers] == [("Cagnotte", 0), ("Un fromage", 1)]
    assert [(t.name, t.next_name, t.next_missing) for t in now.tiers] == [("", "Flâneur", 1)]
    assert [a.percent for a in now.advantages] == [5]
    receipt(town, [100], shop=0)
    now = selectors.standing(town.cast.association.pk, shop.pk, town.member.pk, at)
    assert [t.name for t in now.tiers] == ["Flâneur"]
    assert [a.percent for a in now.advantages] == [5, 10]


def test_what_a_till_gets_names_no_member_and_computes_as_we_do(town: Loyalty) -> None:
    import json

    from chaland.hub.loyalty.programmes import rules

    told = selectors.for_till(town.cast.association.pk, town.cast.shops[0].pk, WEDNESDAY)
    assert json.loads(json.dumps(told)) == told
    assert "Martin" not in json.dumps(told)
    points = next(p for p in told["programmes"] if p["asset_id"] == town.points.asset_id)
    basket = rules.Basket([rules.Line(1, 1_999)])
    for rule in points["rules"]:
        assert rule.pop("starts_at") <= WEDNESDAY.isoformat()
        assert rule.pop("ends_at") is None
    found = rules.earn(basket, [rules.EarningRule(**rule) for rule in points["rules"]])
    assert sum(part.amount for part in found) == 19
    assert [reward["partial"] for reward in told["rewards"]] == [True, False]
    assert Reward.objects.count() == 3
