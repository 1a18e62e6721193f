"""Whatever happens in whatever order, and again: money is conserved, no balance passes its floor,
the cache equals the entries, lots hold what accounts say, the chains verify."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from django.db.models import Q, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chaland.hub.common import clock
from chaland.hub.loyalty.ledger import proof, services
from chaland.hub.loyalty.ledger.postings import (
    Correction,
    Funding,
    LedgerErrorFinal,
    Part,
    Settlement,
)
from chaland.hub.loyalty.models import Account, Entry, Hold, Lot, LotUse, Member, Sponsor, Transfer
from tests.builders import build_cast
from tests.hub.loyalty.ledger.building import NOW, Purse
from tests.loyalty_builders import build_loyalty

pytestmark = pytest.mark.django_db

amounts = st.integers(1, 120)
shops = st.integers(0, 2)
who = st.integers(0, 5)


class Till(RuleBasedStateMachine):
    """Three members, the coalition's purse and one shop's points; a day passes now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._undo = ExitStack()
        for alias in ("default", "loyalty"):
            self._undo.enter_context(transaction.atomic(using=alias))
            self._undo.callback(transaction.set_rollback, True, using=alias)
        self._before, self.now = clock._read, NOW
        clock.use(lambda: self.now)
        self.late = False
        self.done: list[tuple[Callable[[], object], object]] = []

    def teardown(self) -> None:
        clock.use(self._before)
        self._undo.close()

    @initialize()
    def open(self) -> None:
        loyalty = build_loyalty(build_cast())
        ids = [shop.pk for shop in loyalty.cast.shops]
        self.town = loyalty.cast.association.pk
        self.sponsor = Sponsor.objects.create(association_id=self.town, name="Ville")
        assets = (loyalty.purse.asset, loyalty.points.asset)
        self.purses = [Purse(a, member, ids) for member in loyalty.members for a in assets]
        self.gone: set[int] = set()

    def attempt(self, request: Callable[[], object]) -> None:
        """Ask; what was answered must be answered again whenever it is asked again."""
        try:
            self.done.append((request, getattr(request(), "pk", None)))
        except LedgerErrorFinal:
            with pytest.raises(LedgerErrorFinal):
                request()

    def purse(self, number: int) -> Purse:
        return self.purses[number]

    def key(self) -> str:
        return f"key:{len(self.done)}:{Transfer.objects.count()}"

    # What happens -----------------------------------------------------------------------------

    @rule(
        n=who, lines=st.lists(amounts, max_size=3), lasts=st.none() | st.integers(0, 9), shop=shops
    )
    def earn(self, n: int, lines: list[int], lasts: int | None, shop: int) -> None:
        here = self.purse(n)
        until = None if lasts is None else (self.now + timedelta(days=lasts)).date()
        award = here.award(*lines, expires_on=until, key=self.key(), shop=shop)
        self.attempt(lambda: services.earn([award])[0])

    @rule(n=who, shop_pays=amounts, town_pays=amounts)
    def earn_sponsored(self, n: int, shop_pays: int, town_pays: int) -> None:
        parts = [Part(1, shop_pays), Part(1, town_pays, self.sponsor.pk), Part(2, 1)]
        award = replace(self.purse(n).award(key=self.key()), parts=parts)
        self.attempt(lambda: services.earn([award])[0])

    @rule(n=who, amount=amounts, shop=shops)
    def redeem(self, n: int, amount: int, shop: int) -> None:
        spending = self.purse(n).spending(amount, key=self.key(), shop=shop)
        self.attempt(lambda: services.redeem(spending))

    @rule(n=who, amount=amounts, ttl_s=st.sampled_from((60, 200_000)))
    def reserve(self, n: int, amount: int, ttl_s: int) -> None:
        key = self.key()
        self.attempt(lambda: self.purse(n).reserve(amount, ttl_s, key=key))

    @precondition(lambda self: Hold.objects.exists())
    @rule(pick=st.integers(0, 99), amount=st.none() | amounts, cancelled=st.booleans())
    def end_hold(self, pick: int, amount: int | None, cancelled: bool) -> None:
        hold = list(Hold.objects.order_by("made_at", "pk"))[pick % Hold.objects.count()]
        key = self.key()
        if cancelled:
            self.attempt(lambda: services.cancel(hold.pk))
        else:
            self.attempt(lambda: self.purses[0].confirm(hold, key=key, amount=amount))

    @precondition(lambda self: Transfer.objects.exists())
    @rule(
        pick=st.integers(0, 99),
        lines=st.none() | st.dictionaries(st.integers(0, 3), st.integers(0, 60), max_size=3),
        within=st.booleans(),
    )
    def take_back(self, pick: int, lines: dict[int, int] | None, within: bool) -> None:
        rows = Transfer.objects.order_by("recorded_at", "pk")
        self.reverse(rows[pick % rows.count()], lines, within=within)

    @precondition(lambda self: Transfer.objects.filter(kind="redeem").exists())
    @rule(pick=st.integers(0, 99), later=st.sampled_from((0, 9, 40)))
    def give_back_late(self, pick: int, later: int) -> None:
        """A spending comes back, perhaps when its lots have lapsed; they are made anew."""
        rows = Transfer.objects.filter(kind="redeem").order_by("recorded_at", "pk")
        one = rows[pick % rows.count()]
        self.now += timedelta(days=later)
        self.reverse(one, None, within=False)

    @rule(n=who, amount=amounts, lasts=st.integers(1, 9), which=st.integers(1, 2), late=shops)
    def return_what_was_spent(self, n: int, amount: int, lasts: int, which: int, late: int) -> None:
        """Two purchases earn, a third is paid with it; one of the two and the third come back, so
        that one award's lots stand in for the other's. Drawn by chance this hardly ever comes."""
        before = len(self.done)
        for days, shop in ((None, 0), (lasts, 1)):
            self.earn(n, [amount], days, shop)
        self.redeem(n, amount, 2)
        if len(self.done) < before + 3:
            return  # the member has left, or owes
        *earned, spent = (answer for _request, answer in self.done[before:])
        self.reverse(Transfer.objects.get(pk=earned[-which]), None, within=False)
        self.now += timedelta(days=9 * late)
        self.reverse(Transfer.objects.get(pk=spent), None, within=False)

    def reverse(self, one: Transfer, lines: dict[int, int] | None, *, within: bool) -> None:
        here, key = self.purses[0], self.key()
        request = partial(here.reverse, one, lines, within_balance=within, key=key)
        services.expire_due(self.now)  # else the reversal does, and what is left changes under it
        left, before = max(0, _left_of(one)), Entry.objects.count()
        self.attempt(request)
        if one.kind == "earn":
            mine = Entry.objects.filter(account__role__in=("member", "debt"))
            new = mine.filter(transfer__idempotency_key=key).aggregate(n=Sum("amount"))["n"] or 0
            assert -left <= new <= 0, "a return pays, or takes what has gone back already"
            assert new or Entry.objects.count() == before

    @rule(amount=st.integers(-60, 120))
    def fund(self, amount: int) -> None:
        asked = self.purses[0].asked(key=self.key())
        pair = {"asset_id": self.purses[0].asset.pk, "sponsor_id": self.sponsor.pk}
        self.attempt(lambda: services.fund(Funding(**asked, **pair, amount=amount)))

    @rule(n=who, amount=st.integers(-60, 60))
    def adjust(self, n: int, amount: int) -> None:
        here = self.purse(n)
        pair = {"asset_id": here.asset.pk, "member_id": here.member.pk}
        correction = Correction(**here.asked(key=self.key()), **pair, amount=amount)
        self.attempt(lambda: services.adjust(correction))

    @rule(shop=shops)
    def clear(self, shop: int) -> None:
        here = self.purses[0]
        if owed := here.position(shop):
            asked = here.asked(key=self.key(), shop=shop)
            self.attempt(
                lambda: services.settle(Settlement(**asked, asset_id=here.asset.pk, amount=-owed))
            )
            assert here.position(shop) == 0

    @rule(hours=st.sampled_from((1, 24, 100)))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        services.lapse_holds(self.now)
        services.expire_due(self.now)
        assert not services.expire_due(self.now)

    @rule(n=who, into=who)
    def merge(self, n: int, into: int) -> None:
        source, target = self.purse(n).member.pk, self.purse(into).member.pk
        if source == target or {source, target} & self.gone:
            return
        services.merge(source, target, occurred_at=self.now, actor="user:1")
        Member.objects.filter(pk=source).update(merged_into=target)
        Member.objects.filter(pk=target).update(merged_into=None)

    @rule(n=who)
    def leave(self, n: int) -> None:
        member = self.purse(n).member.pk
        if member in self.gone:
            return
        services.close(member, occurred_at=self.now, actor="member:1")
        Member.objects.filter(pk=member).delete()
        self.gone.add(member)

    @precondition(lambda self: self.done)
    @rule(pick=st.integers(0, 99))
    def again(self, pick: int) -> None:
        """An offline till sends its queue again: the same answers, and nothing moves."""
        request, answer = self.done[pick % len(self.done)]
        before = Entry.objects.count()
        if answer is not None:
            assert getattr(request(), "pk", None) == answer
            assert Entry.objects.count() == before

    # What always holds ------------------------------------------------------------------------

    @invariant()
    def money_is_conserved(self) -> None:
        sums = Entry.objects.values("account__asset").annotate(sum=Sum("amount"))
        assert all(row["sum"] == 0 for row in sums)

    @invariant()
    def no_balance_passes_its_floor(self) -> None:
        for account in Account.objects.filter(role__in=("member", "sponsor")):
            assert account.balance >= account.held >= 0
        assert not Account.objects.filter(role="debt", balance__gt=0).exists()

    @invariant()
    def no_payer_gets_back_more_than_it_paid(self) -> None:
        """What went back, lapsed, and lies in lots of an award is what its payers paid at most:
        else the next return of another award is owed by a member who has spent nothing."""
        # What a double earns after the merge waits there until the merge is done again, while its
        # return already finds the other's account: until then nothing can be said of its lots.
        doubles = Lot.objects.filter(left__gt=0, account__member__merged_into__isnull=False)
        self.late = self.late or doubles.exists()
        for award in Transfer.objects.filter(kind__in=("earn", "adjust")) if not self.late else ():
            lots = _lots_of(award)
            if lots or award.kind == "earn":  # staff take, too
                assert sum(lot.left for lot in lots) <= _left_of(award)

    @invariant()
    def cache_and_chains_are_those_of_the_entries(self) -> None:
        if town := getattr(self, "town", None):
            assert proof.verify_all(town) == []
            assert proof.rebuild(town) == []

    @invariant()
    def no_line_came_back_more_than_once(self) -> None:
        for transfer in Transfer.objects.filter(reversals__isnull=False).distinct():
            side = Entry.objects.exclude(account__role__in=("member", "debt"))
            for line in side.filter(transfer=transfer).values_list("line", flat=True).distinct():
                at = side.filter(line=line)
                moved = at.filter(transfer=transfer).aggregate(n=Sum("amount"))["n"]
                back = at.filter(transfer__reverses=transfer).aggregate(n=Sum("amount"))["n"] or 0
                assert 0 <= -back * (1 if moved > 0 else -1) <= abs(moved)


def _lots_of(award: Transfer) -> list[Lot]:
    family = set(Lot.objects.filter(entry__transfer=award).values_list("pk", flat=True))
    every = list(Lot.objects.order_by("pk"))
    for lot in every:
        if lot.origin_id in family:
            family.add(lot.pk)
    return [lot for lot in every if lot.pk in family]


def _left_of(earned: Transfer) -> int:
    """What the payers of an earning haven't got back yet: neither returned nor lapsed."""
    others = Entry.objects.exclude(account__role__in=("member", "debt"))
    of_it = Q(transfer=earned) | Q(transfer__reverses=earned)
    paid = -(others.filter(of_it).aggregate(n=Sum("amount"))["n"] or 0)
    uses = LotUse.objects.filter(lot__in=_lots_of(earned), entry__transfer__kind="expire")
    return paid - (uses.aggregate(n=Sum("amount"))["n"] or 0)


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(8, 25), pytest.param(400, 60, marks=pytest.mark.campaign)],
    ids=["short", "campaign"],
)
def test_any_sequence(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Till,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
