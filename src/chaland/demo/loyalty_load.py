"""Two years of receipts through the hub's own services, oldest first, then the live ones.

A process of its own (see ``__main__``), so that the page is served meanwhile. A few simulated days
are one transaction: wherever it is interrupted, the next start goes on from there. Months are
closed as they are passed, so that the pages fill from the first minute. What a till
would have done with the same receipts is what is stored: there is no path beside the services.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import click
import numpy as np
from django.conf import settings
from django.db import transaction

from chaland.demo import cast, loyalty, loyalty_due
from chaland.demo.loyalty import TILL_NAME
from chaland.demo.loyalty_outreach import Outreach
from chaland.demo.loyalty_people import person
from chaland.demo.loyalty_staged import Staged
from chaland.demo.timing import TownClock
from chaland.hub.association.models import Association, Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.ledger import selectors as ledger
from chaland.hub.loyalty.ledger.postings import LedgerErrorFinal
from chaland.hub.loyalty.members import contacts
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.members.services import Enrolment
from chaland.hub.loyalty.models import (
    Asset,
    Channel,
    Member,
    Purpose,
    Receipt,
    Reward,
    Seller,
    Source,
)
from chaland.hub.loyalty.programmes import services as programmes
from chaland.hub.loyalty.receipts import services as receipts
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn
from chaland.simulate import misuse
from chaland.simulate.air import TIMEZONE
from chaland.simulate.assortment import TRADES
from chaland.simulate.purchases import NOBODY, Clientele
from chaland.simulate.rhythm import real_rhythm
from chaland.simulate.town import drawn_town

AHEAD_DAYS = 60
"""So long can the demo live on before its customers stay away."""
MEMBERS = 5_400
"""Of whom 5,000 have joined when the live day begins, the others later."""
_SPENDS, _PURSE_MIN, _STAMPS, _POINTS = 0.2, 150, 10, 100
_DAYS_AT_ONCE = 3
"""More make the whole faster, and who waits to write wait longer."""
_WAIT_S = 2.0
_JOIN_AT_ONCE = timedelta(weeks=2)


class Loading:
    """One town's receipts on their way in."""

    def __init__(self, shops: int, seed: int, founded: date, days: int) -> None:
        self.town = drawn_town(shops)
        self.seed = seed
        first = loyalty.first_day(founded, days)
        count = MEMBERS * len(self.town.shops) // 30
        clientele = Clientele(
            self.town, real_rhythm(), seed, first, founded + timedelta(days=AHEAD_DAYS), count,
            TIMEZONE,
        )  # fmt: skip
        self.joins, self.rows = clientele.draw()
        self.association: int = Association.objects.get().pk
        ids = dict(Shop.objects.values_list("slug", "pk"))
        self.shops = [ids[shop.slug] for shop in self.town.shops]
        self.staff = loyalty.staff_of(self.shops)
        self.staged = Staged(self.association, seed, self.staff)
        self.first = datetime.combine(first, datetime.min.time(), TIMEZONE).astimezone(UTC)
        self.outreach = Outreach(
            self.association,
            seed,
            self.town,
            shops=self.shops,
            staff=self.staff,
            days=(first, founded),
            join=self.join,
            bought=self.bought,
        )
        before = [ids[slug] for slug in cast.CLAIMING_SHOPS if slug in ids]
        self.claiming = list(dict.fromkeys([*before, *self.shops]))
        self.wordings = wordings.current(self.association, "fr")
        self.rewards = {
            reward.programme.asset.kind: reward
            for reward in Reward.objects.select_related("programme__asset")
        }
        self.member_ids = self._known()
        self.refused: Counter[str] = Counter()
        self.taken = 0
        self.next_row, self.at = self._position()
        self.tasks_at = self.at
        self.late = self._pending()

    def _known(self) -> dict[int, int]:
        """Return the members who are there already by their number, by their telephone number."""
        indices = {
            contacts.blind("phone", self.association, contacts.phone_of(self._phone(i))): i
            for i in range(len(self.joins.home))
        }
        there = Member.objects.filter(association_id=self.association, phone_index__isnull=False)
        rows = there.values_list("pk", "phone_index")
        found = ((indices.get(bytes(index or b"")), pk) for pk, index in rows)
        return {number: pk for number, pk in found if number is not None}

    def _phone(self, number: int) -> str:
        return person(self.seed, number).phone

    def _position(self) -> tuple[int, datetime]:
        """Return the next receipt, and the instant up to which all is in."""
        mine = Receipt.objects.filter(association_id=self.association, source=Source.SIMULATED)
        last = mine.order_by("-external_id").first()
        if last is None:
            return 0, self.first
        return int(last.external_id) + 1, last.issued_at

    def _pending(self) -> list[tuple[int, int]]:
        """Return receipts to attach later, with when that happens (epoch seconds), soonest last."""
        rows = self.rows
        due_s = rows.time_s + rows.delay_s
        wanted = (rows.who != NOBODY) & (rows.delay_s > 0) & (due_s >= self.at.timestamp())
        return sorted(((int(due_s[i]), i) for i in np.flatnonzero(wanted).tolist()), reverse=True)

    def advance(self, target: datetime) -> bool:
        """Bring in the next days up to ``target``, and do what is due then; tell whether more than
        a day is still missing.

        Sales and messages are staged up to ``target`` first: who opens the pages waits for none of
        the receipts.
        """
        self.outreach.stage(target)
        until = _next_stop(self.at, target)
        # written within the time that it is about: the last day of a month belongs to that month
        clock.use(partial(_same, until - timedelta(seconds=1)))
        self.taken += self.step(until)
        self.staged.join_again(self.member_ids, until)
        behind = target - until > timedelta(days=1)
        if loyalty_due.are_due(self.tasks_at, until, behind=behind):
            self.tasks_at = until
            loyalty_due.run(self.association, until, behind=behind)
        if not behind:
            self.staged.claim(self.claiming, until)
        self.outreach.live(target, whole=not behind)
        return behind

    def step(self, until: datetime) -> int:
        """Bring in all that happens before ``until``, at once; return how many receipts."""
        end = int(np.searchsorted(self.rows.time_s, until.timestamp(), "left"))
        batch = range(self.next_row, max(end, self.next_row))
        with transaction.atomic(using="loyalty"):
            self._enrol(until)
            self._take(batch)
            self._attach_late(until)
            self._spend(batch)
        self.next_row, self.at = batch.stop, until
        return len(batch)

    def join(self, until: datetime) -> None:
        """Enrol all who join before ``until``, some weeks at once, each within its own time."""
        at = self.first
        while at < until:
            at = min(at + _JOIN_AT_ONCE, until)
            clock.use(partial(_same, at))
            with transaction.atomic(using="loyalty"):
                self._enrol(at)

    def bought(
        self, shops: Sequence[int], begin: datetime, end: datetime
    ) -> list[tuple[int, int, datetime]]:
        """Return who buys with their card in ``shops`` from ``begin`` to ``end``: member, shop,
        when; whether the receipts are in or not."""
        rows, seconds = self.rows, (begin.timestamp(), end.timestamp())
        first, after = np.searchsorted(rows.time_s, seconds, "left").tolist()
        return [
            (member, shop, self._issued(i))
            for i in range(first, after)
            if rows.delay_s[i] == 0 and rows.returns[i] < 0
            and (shop := self.shops[int(rows.shop[i])]) in shops
            and (member := self._member(i)) is not None
        ]  # fmt: skip

    def _enrol(self, until: datetime) -> None:
        """Enrol who joins until then, each at the till of the own shop."""
        end = int(np.searchsorted(self.joins.joined_s, until.timestamp(), "left"))
        new = [i for i in range(len(self.member_ids), end) if i not in self.member_ids]
        made = members.enrol_many([self._enrolment(number) for number in new])
        for number, member in zip(new, made, strict=True):
            if member is not None:
                self.member_ids[number] = member.pk
            if number == misuse.SELLERS_MEMBER and member is not None:
                self._tell_own_membership(member.pk)

    def _enrolment(self, number: int) -> Enrolment:
        who = person(self.seed, number)
        shop = self.shops[int(self.joins.home[number])]
        staff = self.staff[shop]
        seller = number % len(staff.seller_ids)
        said = {
            (Purpose.OFFERS, Channel.EMAIL): who.offers_by_email,
            (Purpose.OFFERS, Channel.SMS): who.offers_by_sms,
            (Purpose.PORTRAIT, Channel.NONE): who.portrait,
        }
        decisions = [
            Decision(controller, wording.purpose, wording.channel, True, wording.pk)
            for wording in self.wordings
            if said.get((Purpose(wording.purpose), Channel(wording.channel)))
            for controller in ((0, shop) if number % 3 else (shop,))
        ]
        return Enrolment(
            association_id=self.association, shop_id=shop, actor=staff.actor(seller),
            occurred_at=datetime.fromtimestamp(int(self.joins.joined_s[number]), UTC),
            first_name=who.first_name, last_name=who.last_name, phone=who.phone, email=who.email,
            birth_day=who.birth_day, birth_month=who.birth_month, over_15=True,
            decisions=decisions,
            evidence={"till": staff.till_id, "seller": staff.seller_ids[seller]},
        )  # fmt: skip

    def _tell_own_membership(self, member_id: int) -> None:
        """The seller of the staged misuse has told that she is a member, too."""
        slugs = [shop.slug for shop in self.town.shops]
        if misuse.SELF_AWARD_SHOP in slugs:
            staff = self.staff[self.shops[slugs.index(misuse.SELF_AWARD_SHOP)]]
            seller = Seller.objects.filter(pk=staff.seller_ids[misuse.SELLER])
            seller.update(own_member_id=member_id)

    def _take(self, batch: range) -> None:
        said = [self._receipt(index) for index in batch]
        for taken in receipts.take_in(said):
            if taken.outcome in ("refused", "conflict"):
                self.refused[taken.error] += 1

    def _receipt(self, index: int) -> ReceiptIn:
        rows = self.rows
        place = int(rows.shop[index])
        shop = self.shops[place]
        seller = int(rows.seller[index])
        purchase = int(rows.returns[index])
        lines = list(self._lines(index, place, is_return=purchase >= 0))
        at_till = int(rows.delay_s[index]) == 0 and purchase < 0
        return ReceiptIn(
            association_id=self.association, shop_id=shop, source=Source.SIMULATED,
            external_id=f"{index:07}", issued_at=self._issued(index),
            gross_cents=sum(line.gross_cents for line in lines), lines=lines,
            till_label=TILL_NAME, seller_label=self.staff[shop].names[seller],
            member_id=self._member(index) if at_till else None,
            attached_how=Receipt.How.TILL if at_till else "",
            actor=self.staff[shop].actor(seller),
            returns_external_id=f"{purchase:07}" if purchase >= 0 else "",
        )  # fmt: skip

    def _lines(self, index: int, place: int, *, is_return: bool) -> Iterator[LineIn]:
        rows = self.rows
        items = TRADES[self.town.shops[place].trade].items
        begin, end = int(rows.first_line[index]), int(rows.first_line[index + 1])
        for number, line in enumerate(range(begin, end), 1):
            cents, quantity = int(rows.cents[line]), int(rows.quantity[line])
            item = int(rows.item[line])
            if item < 0:
                yield LineIn(number, cents, item_name="Remise", discount=True)
                continue
            yield LineIn(
                number, cents, item_id=f"{place}-{item}", item_name=items[item].name,
                group=items[item].group, quantity_milli=1000 * quantity,
                vat_permyriad=items[item].vat_permyriad, returns_number=1 if is_return else None,
            )  # fmt: skip

    def _issued(self, index: int) -> datetime:
        return datetime.fromtimestamp(int(self.rows.time_s[index]), UTC)

    def _member(self, index: int) -> int | None:
        return self.member_ids.get(int(self.rows.who[index]))

    def _attach_late(self, until: datetime) -> None:
        """Attach what was forgotten: by the receipt's code, or by the seller who held it back."""
        while self.late and self.late[-1][0] < until.timestamp():
            at_s, index = self.late.pop()
            member = self._member(index)
            said = {"shop_id": self.shops[int(self.rows.shop[index])], "source": Source.SIMULATED}
            receipt = Receipt.objects.filter(external_id=f"{index:07}", **said).first()
            if receipt is None or member is None or receipt.attached_at:
                continue
            at = datetime.fromtimestamp(at_s, UTC)
            staged = int(self.rows.who[index]) == misuse.SELLERS_MEMBER
            actor = self.staff[receipt.shop_id].actor(int(self.rows.seller[index]))
            how = Receipt.How.TILL if staged else Receipt.How.LATE
            try:
                receipts.attach(
                    receipt.pk, member, how, actor if staged else f"member:{member}", at
                )
            except ReceiptErrorFinal as error:
                self.refused[error.code] += 1

    def _spend(self, batch: range) -> None:
        """Let some members spend: the purse in part, a full stamp card, a hundred points."""
        wishing = {
            member: i for i in batch
            if self.rows.wish[i] < _SPENDS and (member := self._member(i)) is not None
        }  # fmt: skip
        balances = ledger.balances_of(list(wishing))
        for member, index in wishing.items():
            shop = self.shops[int(self.rows.shop[index])]
            for balance in balances[member]:
                reward = self.rewards.get(balance.kind)
                if reward is None or balance.shop_id not in (None, shop):
                    continue
                wanted = (
                    balance.balance - balance.debt if balance.kind == Asset.Kind.PURSE else None
                )
                least = {Asset.Kind.PURSE: _PURSE_MIN, Asset.Kind.STAMPS: _STAMPS}
                if balance.balance - balance.debt < least.get(Asset.Kind(balance.kind), _POINTS):
                    continue
                self._redeem(index, shop, reward, member, wanted)

    def _redeem(
        self, index: int, shop: int, reward: Reward, member: int, wanted: int | None
    ) -> None:
        actor = self.staff[shop].actor(int(self.rows.seller[index]))
        ask = programmes.Ask(self.association, shop, f"demo:{index}:{reward.pk}", actor)
        try:
            programmes.redeem(ask, reward.pk, member, wanted_cents=wanted)
        except LedgerErrorFinal as error:  # a visitor of the demo is spending it
            self.refused[error.code] += 1


def _next_stop(at: datetime, target: datetime) -> datetime:
    """Return how far one transaction goes: some whole days, never past a month's end."""
    today = at.astimezone(TIMEZONE).date()
    ends = (today + timedelta(days=ahead) for ahead in range(1, _DAYS_AT_ONCE + 1))
    day = next((end for end in ends if end.day == 1), today + timedelta(days=_DAYS_AT_ONCE))
    return min(datetime.combine(day, datetime.min.time(), TIMEZONE).astimezone(UTC), target)


def run(loading: Loading, now: TownClock, state: Path) -> None:
    """Load the history, then go on with the town's time for ever."""
    os.nice(10)  # the page and the live day come first
    began, told = time.monotonic(), False
    loading.outreach.stage(now.now())
    if now.now() - loading.at > timedelta(days=1):
        click.echo(
            f"Private sales and messages are there ({time.monotonic() - began:.0f} s); the receipts"
            " of two years follow, the oldest first, and then what the sales brought."
        )
    while True:
        target = now.now()
        if loading.at >= target - timedelta(seconds=1):
            time.sleep(_WAIT_S)
            continue
        behind = loading.advance(target)
        loyalty.note_loaded(state, loading.at if behind else None)
        if not behind and not told:
            told = True
            click.echo(
                f"Loyalty is loaded: {loading.taken} receipts in {time.monotonic() - began:.0f} s"
                f" ({time.process_time():.0f} s of processor time)"
                + (f"; refused: {dict(loading.refused)}" if loading.refused else "")
            )


def _same(at: datetime) -> datetime:
    return at


def main(shops: str, seed: str, founded: str, days: str) -> None:
    """Load and live, as a process of its own."""
    loading = Loading(int(shops), int(seed), date.fromisoformat(founded), int(days))
    run(loading, TownClock(settings.STATE_DIR), settings.STATE_DIR)
