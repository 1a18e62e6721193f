"""Private sales and messages, staged before the demo's receipts come in: one sale that is over, one
running, other shops' campaigns in the calendar, members who choose and who stop. What the first
sale brought is worked out when all receipts are there.

All of it by the services that the pages call, each in the town's own time. Messages are written
into the outbox of the demo's folder: they reach nobody.
"""

import json
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction

from chaland.demo import cast
from chaland.demo import outreach_texts as texts
from chaland.demo.loyalty import ACTOR, Staff
from chaland.demo.loyalty_people import person
from chaland.hub.common import clock
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.members import contacts
from chaland.hub.loyalty.members.services import Enrolment, enrol
from chaland.hub.loyalty.models import (
    THE_ASSOCIATION,
    Campaign,
    Channel,
    Delivery,
    Invitation,
    Member,
    PrivateSale,
)
from chaland.hub.loyalty.outreach import campaigns, choices, gateways, stopping
from chaland.hub.loyalty.outreach.engine.loop import run_once
from chaland.hub.loyalty.sales import services as sales
from chaland.hub.loyalty.sales.offers import OfferIn
from chaland.hub.loyalty.sales.prices import PriceIn
from chaland.hub.loyalty.sales.services import SaleIn
from chaland.simulate.air import TIMEZONE
from chaland.simulate.assortment import TRADES
from chaland.simulate.town import Town

_NOTE = "outreach.json"
_NEWCOMER = 9_980
"""The number of who joins at the door: beyond those of all members."""
_PERCENT, _PLACES = 20, 12
_BOOKED, _STRAYS, _LOWERED, _REMINDED, _STOPPED, _CAME = 20, 6, 12, 40, 8, 7
_EVERY = timedelta(minutes=1)
_PRICES_SINCE = timedelta(days=60)
_SATURDAY = 5
_OF_BALANCES = frozenset({"points", "stamps"})
"""Automatic messages that would say what isn't so as long as receipts are missing."""

Act = Callable[[datetime], object]
Bought = Callable[[Sequence[int], datetime, datetime], list[tuple[int, int, datetime]]]
"""Who bought with their card in some shops from one instant to another: member, shop, when."""


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), TIMEZONE).astimezone(UTC)


class Outreach:
    """One town's sales and messages; ``shops`` are their numbers, in the town's order.

    ``join`` enrols who has joined by an instant; ``bought`` knows receipts that aren't in yet.
    """

    def __init__(
        self,
        association_id: int,
        seed: int,
        town: Town,
        *,
        shops: Sequence[int],
        staff: Mapping[int, Staff],
        days: tuple[date, date],
        join: Callable[[datetime], None],
        bought: Bought,
    ) -> None:
        self.association, self.seed, self.town = association_id, seed, town
        self.shops, self.staff = shops, staff
        self._join, self._bought = join, bought
        slugs = [shop.slug for shop in town.shops]
        self.host = slugs.index(cast.till_shop(slugs))  # its till can check guests in
        self.first, founded = days
        self.held_on = founded - timedelta(days=20)
        while self.held_on.weekday() != _SATURDAY:
            self.held_on -= timedelta(days=1)
        self._note = settings.STATE_DIR / _NOTE
        self.acts = [each for each in self._story(founded) if each[0] >= _at(self.first, 12)]
        self.done = json.loads(self._note.read_text()) if self._note.exists() else 0
        self._sent_at = datetime.fromtimestamp(0, UTC)
        self._balances_known = False

    def _story(self, founded: date) -> list[tuple[datetime, Act]]:
        """List what happens and when. A day on which no message may go is tried again the next."""
        ago = partial(_days_before, founded)
        held = self.held_on
        first = max(self.first, held - timedelta(days=60))
        return [
            (_at(first, 12), self._set_up),
            (_at(held - timedelta(days=5), 9), self._announce_past),
            (_at(held - timedelta(days=4), 10, 30), self.send),
            (_at(held - timedelta(days=3), 10, 30), self.send),
            (_at(held, 18, 59), self._came_to_past),
            (_at(held, 19, 1), self._close_past),
            (_at(ago(10), 10, 30), self._news_sent),
            (_at(ago(9), 10, 30), self.send),
            (_at(ago(8), 11), self._choose),
            (_at(ago(6), 9), self._announce_present),
            (_at(ago(5), 10, 30), self.send),
            (_at(ago(4), 10, 30), self.send),
            (_at(ago(3), 18), self._book),
            (_at(ago(1), 18, 30), self._came_to_present),
            (_at(founded, 9, 30), self._news_to_come),
        ]

    def stage(self, until: datetime) -> None:
        """Do what has come by ``until``, each at its own moment; the caller sets the clock anew."""
        while self.done < len(self.acts) and self.acts[self.done][0] <= until:
            moment, act = self.acts[self.done]
            self._join(moment)
            _set_clock(moment)
            act(moment)
            self.done += 1
            new = self._note.with_suffix(".new")
            new.write_text(json.dumps(self.done), encoding="ascii")
            new.replace(self._note)

    def live(self, now: datetime, *, whole: bool) -> None:
        """Send what is due, once a minute of the town's time; ``whole``: all receipts are in."""
        news = whole and not self._balances_known
        if self.done < len(self.acts) or (now - self._sent_at < _EVERY and not news):
            return
        _set_clock(now)
        if news:
            self._balances_known = True
            self._automatics(_OF_BALANCES, now)
        self._sent_at = now
        self.send(now)

    def send(self, now: datetime) -> None:
        """Let the queue do all that is due."""
        run_once(now)

    # What is there before ------------------------------------------------------------------------

    def _set_up(self, now: datetime) -> None:
        for channel, sender, own in (
            (Channel.SMS, texts.SENDER_SMS, {"stop": texts.STOP}),
            (Channel.EMAIL, texts.SENDER_EMAIL, {"postal": texts.POSTAL}),
        ):
            gateways.save(
                self.association, channel, driver="outbox", sender=sender, settings=own,
                rate_per_s=0, first_hour=0, now=now,
            )  # fmt: skip
        today = now.astimezone(TIMEZONE).date()
        since = today - _PRICES_SINCE
        for place, shop in enumerate(self.shops):
            items = TRADES[self.town.shops[place].trade].items
            told = [
                PriceIn(f"{place}-{number}", item.name, item.price_cents, since, item.group)
                for number, item in enumerate(items)
            ]
            sales.take_prices(self.association, shop, told, ACTOR, today=today, source="imported")
        self._automatics(texts.AUTOMATIC.keys() - _OF_BALANCES, now)

    def _automatics(self, kinds: Set[str], now: datetime) -> None:
        for kind, (name, greeting) in texts.AUTOMATIC.items():
            if kind in kinds:
                with transaction.atomic(using="loyalty"):
                    self._automatic(kind, name, greeting, now)

    def _automatic(self, kind: str, name: str, greeting: str, now: datetime) -> None:
        there = Campaign.objects.filter(association_id=self.association, automatic=kind)
        if there.exists():
            return
        campaign = campaigns.create(
            self.association, THE_ASSOCIATION, name=name, created_by=ACTOR, now=now,
            automatic=kind, channels=[Channel.EMAIL], holdout_percent=0,
        )  # fmt: skip
        campaigns.write_automatic(campaign.pk, {"fr": greeting})
        campaigns.schedule(campaign.pk, now, now)

    # Sales ---------------------------------------------------------------------------------------

    def _announce_past(self, now: datetime) -> None:
        """The association's: two days, in the first shops of the town."""
        begins = self.held_on - timedelta(days=1)
        told = SaleIn(
            self.association, None, texts.PAST_SALE, _at(begins, 9), _at(self.held_on, 19)
        )
        self._announce(told, list(enumerate(self.shops))[:4], now)

    def _announce_present(self, now: datetime) -> None:
        """One shop's own: the first day is over, three are to come."""
        begins = now.astimezone(TIMEZONE).date() + timedelta(days=5)
        place, shop = self.host, self.shops[self.host]
        told = SaleIn(
            self.association, shop, texts.PRESENT_SALE, _at(begins, 9),
            _at(begins + timedelta(days=4), 19),
        )  # fmt: skip
        self._announce(told, [(place, shop)], now)

    @transaction.atomic(using="loyalty")
    def _announce(self, told: SaleIn, where: list[tuple[int, int]], now: datetime) -> None:
        if PrivateSale.objects.filter(name=told.name, association_id=self.association).exists():
            return
        sale = sales.create(told, ACTOR)
        for place, shop in where:
            if told.shop_id is None:
                sales.add_shop(sale.pk, shop)
                sales.agree(sale.pk, shop, ACTOR)
            item = TRADES[self.town.shops[place].trade].items[0]
            offer = OfferIn(item.name, f"{place}-0", percent=_PERCENT)
            sales.set_offer(sale.pk, shop, offer)
        if told.shop_id is not None:
            for hour in (10, 14, 17):
                day = (told.starts_at + timedelta(days=1)).astimezone(TIMEZONE).date()
                sales.set_slot(sale.pk, _at(day, hour), _at(day, hour + 2), _PLACES)
        sales.open_sale(sale.pk, [texts.SALE_SMS, texts.SALE_SUBJECT, texts.SALE_EMAIL])
        campaign = campaigns.create(
            self.association, told.shop_id or THE_ASSOCIATION, name=told.name, created_by=ACTOR,
            now=now, sale_id=sale.pk,
        )  # fmt: skip
        campaigns.write_text(campaign.pk, Channel.SMS, "fr", body=texts.SALE_SMS)
        campaigns.write_text(
            campaign.pk, Channel.EMAIL, "fr", subject=texts.SALE_SUBJECT, body=texts.SALE_EMAIL,
            button=texts.SALE_BUTTON,
        )  # fmt: skip
        campaigns.schedule(campaign.pk, now + timedelta(hours=25), now)

    def _sale(self, name: str) -> PrivateSale | None:
        return PrivateSale.objects.filter(association_id=self.association, name=name).first()

    def _came_to_past(self, _now: datetime) -> None:
        self._came(self._sale(texts.PAST_SALE))

    def _came_to_present(self, now: datetime) -> None:
        sale = self._sale(texts.PRESENT_SALE)
        self._came(sale)
        if sale is None:
            return
        shop = self.shops[self.host]
        actor = self.staff[shop].actor(0)
        _set_clock(now)
        guests = Invitation.objects.filter(sale=sale, state=Invitation.State.OPEN)
        for invitation in guests.order_by("pk")[:_CAME]:
            sales.arrive(invitation.pk, shop, actor)
        sales.join_at_door(sale.pk, self._newcomer(shop, now), shop, actor)

    def _newcomer(self, shop: int, now: datetime) -> int:
        """Return who joins at the door, enrolled there and then."""
        who = person(self.seed, _NEWCOMER)
        index = contacts.blind("phone", self.association, contacts.phone_of(who.phone))
        there = Member.objects.filter(association_id=self.association, phone_index=index).first()
        if there is not None:
            return there.pk
        joined = enrol(
            Enrolment(
                self.association, shop, self.staff[shop].actor(0), now,
                first_name=who.first_name, last_name=who.last_name, phone=who.phone, over_15=True,
            ),
            despite_duplicates=True,
        )  # fmt: skip
        return joined.pk

    def _came(self, sale: PrivateSale | None) -> None:
        """Check in who bought in a shop of the sale while it ran; some others join at the door."""
        if sale is None:
            return
        invited = dict(sale.invitations.values_list("member_id", "pk"))
        shops = list(sale.shops.values_list("shop_id", flat=True))
        until = min(clock.now(), sale.ends_at - _EVERY)
        strays = 0
        for member, shop, at in self._bought(shops, sale.starts_at, until):
            actor = self.staff[shop].actor(0)
            _set_clock(at)
            if member in invited:
                sales.arrive(invited[member], shop, actor)
            elif strays < _STRAYS:
                strays += 1
                sales.join_at_door(sale.pk, member, shop, actor)

    def _close_past(self, now: datetime) -> None:
        sales.close_due(now)
        self.send(now)  # what was not sent by now is ended, the campaign is finished

    def _book(self, _now: datetime) -> None:
        sale = self._sale(texts.PRESENT_SALE)
        if sale is None:
            return
        slots = list(sale.slots.all())
        guests = Invitation.objects.filter(sale=sale, state=Invitation.State.OPEN)
        for number, invitation in enumerate(guests.order_by("pk")[:_BOOKED]):
            # the first slot fills, and has a queue
            sales.book(invitation.pk, slots[0 if number < _PLACES + 3 else 1].pk)

    # Others' campaigns, and what members say ------------------------------------------------------

    def _news_sent(self, now: datetime) -> None:
        self._news(self.shops[-1], texts.NEWS[0], now)
        self.send(now)

    def _news_to_come(self, now: datetime) -> None:
        self._news(self.shops[1 % len(self.shops)], texts.NEWS[1], now + timedelta(days=2))
        self._news(self.shops[-1], texts.NEWS[2], None)

    @transaction.atomic(using="loyalty")
    def _news(self, shop: int, name: str, send_at: datetime | None) -> None:
        there = Campaign.objects.filter(association_id=self.association, name=name)
        if there.exists():
            return
        now = clock.now()
        campaign = campaigns.create(self.association, shop, name=name, created_by=ACTOR, now=now)
        campaigns.write_text(campaign.pk, Channel.SMS, "fr", body=texts.NEWS_SMS)
        campaigns.write_text(
            campaign.pk, Channel.EMAIL, "fr", subject=texts.NEWS_SUBJECT, body=texts.NEWS_EMAIL
        )
        if send_at is not None:
            campaigns.schedule(campaign.pk, send_at, now)

    def _choose(self, now: datetime) -> None:
        """Some want fewer messages, some automatic ones; some of who was written to say stop."""
        active = Member.objects.filter(association_id=self.association, state=Member.State.ACTIVE)
        members = list(active.exclude(email_index=None).order_by("pk")[: _LOWERED + _REMINDED])
        for member in members[:_LOWERED]:
            choices.choose(member.pk, per_week=1, per_month=2, automatic=[])
        asked = [w for w in wordings.current(self.association, "fr") if w.purpose == "reminders"]
        boxes = [Decision(0, w.purpose, w.channel, True, w.pk) for w in asked]
        for member in members[_LOWERED:]:
            consent.record(member, boxes, place="member", occurred_at=now)
            choices.choose(
                member.pk, per_week=None, per_month=None, automatic=list(texts.AUTOMATIC)
            )
        gone = Delivery.objects.filter(
            campaign__association_id=self.association, state=Delivery.State.ACCEPTED
        ).order_by("-pk")
        for one in gone.exclude(member=None)[:_STOPPED]:
            token = choices.choice_of(one.member_id or 0).token
            stopping.unsubscribe(stopping.token(token, one.campaign_id, one.channel), now)


def _set_clock(at: datetime) -> None:
    clock.use(lambda: at)


def _days_before(day: date, days: int) -> date:
    return day - timedelta(days=days)
