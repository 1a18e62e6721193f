"""Who buys what, where and when: members of a loyalty programme, and the other customers.

Each member has a home shop, and draws to other shops by gravity: nearer and busier ones more. At
each of them purchases follow a Poisson process whose rate is gamma-distributed, ended after each
purchase with a beta-distributed probability (the BG/NBD model of Fader, Hardie and Lee, 2005),
in a time that passes faster on Saturdays and in the trade's season and stands still when the shop
is closed. Numbers of people and habits are invented (``assortment``); the hours are those of
``rhythm``. Whole histories are drawn at once: the same seed gives the same receipts.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from chaland.simulate import misuse
from chaland.simulate.assortment import TRADES
from chaland.simulate.calendar import Calendar
from chaland.simulate.rhythm import Rhythm
from chaland.simulate.town import Town

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NOBODY = -1
SELLERS = 3
_OTHER_SHOPS = 3.2
_HABIT_M = 250.0
"""Habits are nearer than walks: regulars go far for few shops."""
_ELSEWHERE = 0.45
"""How often one comes to a shop that isn't one's own, relative to that one."""
_EVENNESS = 0.35
"""Shape of the gamma distribution of habits: below 1 many come seldom, and a few every week."""
_LAUNCH_SHARE, _LAUNCH_DAYS = 0.35, 75
_STAYS_YEARS = 6.0
_LATE, _RETURN_DAYS = 0.02, (2, 15)


@dataclass(frozen=True)
class Members:
    """Who joined: when (seconds since the epoch), and at which shop."""

    joined_s: Ints
    home: Ints


@dataclass(frozen=True)
class Receipts:
    """Receipts in order of time, as columns.

    ``who`` is a member's number or ``NOBODY``; ``delay_s`` how long after the purchase the receipt
    was attached (0 at the till); ``returns`` the index of the purchase that a return belongs to,
    else -1; ``wish`` (0 to 1) is low for those who would like to spend their purse now. The lines
    of receipt ``i`` are ``first_line[i]`` to ``first_line[i + 1]``; ``item`` numbers the trade's
    articles, -1 is a discount.
    """

    time_s: Ints
    shop: Ints
    who: Ints
    seller: Ints
    delay_s: Ints
    returns: Ints
    wish: Floats
    first_line: Ints
    item: Ints
    quantity: Ints
    cents: Ints

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True)
class _Events:
    """Purchases before they have lines."""

    time_s: Ints
    shop: Ints
    who: Ints
    seller: Ints
    delay_s: Ints

    def joined(self, other: "_Events") -> "_Events":
        columns = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])
            for name in self.__dataclass_fields__
        }
        return _Events(**columns)

    def ordered(self) -> "_Events":
        order = np.argsort(self.time_s, kind="stable")
        return _Events(**{name: getattr(self, name)[order] for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class Clientele:
    """All that makes a history of purchases, from ``first`` to ``last`` (both included)."""

    town: Town
    rhythm: Rhythm
    seed: int
    first: date
    last: date
    members: int
    timezone: ZoneInfo

    def draw(self) -> tuple[Members, Receipts]:
        """Return the members and all receipts of the period."""
        rng = np.random.default_rng([self.seed, 41])
        calendar = Calendar.of(self.town, self.rhythm, self.seed, self.first, self.last)
        members = self._members(calendar, rng)
        bought = self._bought(calendar, members, rng)
        events = self._attached(bought, rng)
        events = events.joined(self._others(calendar, events, rng)).ordered()
        staged = misuse.staged(self.town, self._epoch_s(), len(calendar.days), members.joined_s)
        if staged is not None:
            events = events.joined(_Events(*staged)).ordered()
        receipts = self._with_lines(events, rng)
        return members, self._with_returns(calendar, receipts, rng)

    def _epoch_s(self) -> Ints:
        """Return twelve hours before each local noon: where clocks change that isn't midnight, but
        the hours of trade come out right."""
        days = (self.last - self.first).days + 1
        noons = (
            datetime.combine(self.first + timedelta(days=i), time(12), self.timezone)
            for i in range(days)
        )
        return np.array([int(noon.timestamp()) - 43_200 for noon in noons], np.int64)

    def _members(self, calendar: Calendar, rng: np.random.Generator) -> Members:
        sells = np.array([TRADES[shop.trade].a_year > 0 for shop in self.town.shops])
        weight = self.town.visits_per_day * sells
        home = rng.choice(len(weight), self.members, p=weight / weight.sum())
        days = len(calendar.days)
        launch = rng.random(self.members) < _LAUNCH_SHARE
        u = np.where(
            launch,
            rng.random(self.members) ** 1.5 * min(_LAUNCH_DAYS, days) / days,
            rng.random(self.members),
        )
        joined = calendar.moments(home, u * calendar.busy[home, -1], rng)
        order = np.argsort(joined, kind="stable")
        return Members(self._seconds(joined[order]), home[order])

    def _seconds(self, moment: Floats) -> Ints:
        """Turn days since the first (with the part of the day) into seconds since the epoch."""
        epoch = self._epoch_s()
        day = np.clip(moment.astype(np.int64), 0, len(epoch) - 1)
        return epoch[day] + ((moment - day) * 86_400).astype(np.int64)

    def _days(self, seconds: Ints) -> Floats:
        epoch = self._epoch_s()
        day = np.clip(np.searchsorted(epoch, seconds, "right") - 1, 0, len(epoch) - 1)
        return day + (seconds - epoch[day]) / 86_400

    def _bought(self, calendar: Calendar, members: Members, rng: np.random.Generator) -> _Events:
        """Draw the purchases of members, whether or not a receipt is attached."""
        who, shop = self._relations(members, rng)
        a_year = np.array([TRADES[s.trade].a_year for s in self.town.shops])[shop]
        at_home = members.home[who] == shop
        pace = a_year * np.where(at_home, 1.0, _ELSEWHERE) / 365.25
        rate = rng.gamma(_EVENNESS, 1 / _EVENNESS, len(who)) * pace
        ends = self._days(members.joined_s) + rng.exponential(_STAYS_YEARS * 365, self.members)
        begins_at = calendar.passed(shop, self._days(members.joined_s)[who])
        ends_at = calendar.passed(shop, np.minimum(ends, len(calendar.days))[who])
        count = rng.poisson(rate * np.maximum(ends_at - begins_at, 0))
        leaves = rng.beta(0.7, 0.7 * 1.6 * np.maximum(a_year, 0.5))
        count = np.minimum(count, rng.geometric(np.clip(leaves, 1e-6, 1)))
        relation = np.repeat(np.arange(len(who)), count)
        # those who leave do so early: their purchases crowd where their process ended
        at = begins_at[relation] + rng.random(len(relation)) * (ends_at - begins_at)[relation]
        first = np.flatnonzero(at_home)  # one joins with a purchase in the hand
        moments = calendar.moments(shop[relation], at, rng)
        time_s = np.concatenate([self._seconds(moments), members.joined_s[who[first]] + 60])
        relation = np.concatenate([relation, first])
        sellers = rng.integers(0, SELLERS, len(relation))
        nothing = np.zeros(len(relation), np.int64)
        return _Events(time_s, shop[relation], who[relation], sellers, nothing)

    def _relations(self, members: Members, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Return (member, shop) for each shop that a member buys at: the own one, and others."""
        sells = np.array([TRADES[shop.trade].a_year > 0 for shop in self.town.shops])
        pull = self.town.pull * sells * np.exp(-self.town.walk_m / _HABIT_M)
        total = pull.sum(axis=1, keepdims=True)
        likely = _OTHER_SHOPS * np.divide(pull, total, out=np.zeros_like(pull), where=total > 0)
        roams = rng.gamma(1.5, 1 / 1.5, self.members)
        goes = rng.random((self.members, len(sells))) < np.minimum(
            likely[members.home] * roams[:, None], 0.9
        )
        goes[np.arange(self.members), members.home] = True
        who, shop = np.nonzero(goes)
        return who.astype(np.int64), shop.astype(np.int64)

    def _attached(self, events: _Events, rng: np.random.Generator) -> _Events:
        """Let sellers forget to ask: such a receipt is nobody's. Some are attached later."""
        asks = rng.uniform(0.84, 0.99, (len(self.town.shops), SELLERS))
        asked = rng.random(len(events.who)) < asks[events.shop, events.seller]
        late = asked & (rng.random(len(events.who)) < _LATE)
        soon = rng.random(len(events.who)) < 0.7
        wait = np.where(soon, rng.uniform(600, 80_000, len(late)), rng.uniform(1e5, 9e5, len(late)))
        delay = np.where(late, wait, 0).astype(np.int64)
        return replace(events, who=np.where(asked, events.who, NOBODY), delay_s=delay)

    def _others(self, calendar: Calendar, events: _Events, rng: np.random.Generator) -> _Events:
        """Add customers who are no members, so that last year's attach rate comes to its target."""
        shops, days = len(self.town.shops), len(calendar.days)
        year = min(days, 365)
        since = self._epoch_s()[-year]
        recent = events.time_s >= since
        attached = np.bincount(events.shop[recent & (events.who != NOBODY)], minlength=shops)
        forgotten = np.bincount(events.shop[recent & (events.who == NOBODY)], minlength=shops)
        target = rng.uniform(0.62, 0.82, shops)
        wanted = np.maximum(attached * (1 / target - 1) - forgotten, 0) * days / year
        shop = np.repeat(np.arange(shops), rng.poisson(wanted))
        at = rng.random(len(shop)) * calendar.busy[shop, -1]
        nothing = np.zeros(len(shop), np.int64)
        sellers = rng.integers(0, SELLERS, len(shop))
        time_s = self._seconds(calendar.moments(shop, at, rng))
        return _Events(time_s, shop, np.full(len(shop), NOBODY), sellers, nothing)

    def _with_lines(self, events: _Events, rng: np.random.Generator) -> Receipts:
        n = len(events.time_s)
        trades = [TRADES[shop.trade] for shop in self.town.shops]
        mean = np.array([trade.lines for trade in trades])
        articles = np.array([max(len(trade.items), 1) for trade in trades])
        price = np.zeros((len(trades), articles.max()))
        for index, trade in enumerate(trades):
            price[index, : len(trade.items)] = [item.price_cents for item in trade.items]
        count = 1 + np.minimum(rng.poisson(mean[events.shop] - 1), 7)
        owner = np.repeat(np.arange(n), count)
        item = (rng.random(len(owner)) * articles[events.shop[owner]]).astype(np.int64)
        quantity = 1 + (rng.random(len(owner)) < 0.12).astype(np.int64)
        usual = price[events.shop[owner], item] * rng.lognormal(0, 0.22, len(owner))
        cents = np.maximum(np.rint(usual / 5).astype(np.int64) * 5, 5) * quantity
        off = np.flatnonzero(rng.random(n) < 0.04)  # ten per cent off, as a line of its own
        total = np.bincount(owner, cents, n).astype(np.int64)
        owner = np.concatenate([owner, off])
        order = np.argsort(owner, kind="stable")
        return Receipts(
            **events.__dict__,
            returns=np.full(n, -1),
            wish=rng.random(n),
            first_line=np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=n))]),
            item=np.concatenate([item, np.full(len(off), -1)])[order],
            quantity=np.concatenate([quantity, np.ones(len(off), np.int64)])[order],
            cents=np.concatenate([cents, -(total[off] // 10)])[order],
        )

    def _with_returns(
        self, calendar: Calendar, bought: Receipts, rng: np.random.Generator
    ) -> Receipts:
        """Bring some articles back, days later: the first line of the receipt, whole, for what was
        paid for it."""
        share = np.array([TRADES[shop.trade].returned for shop in self.town.shops])
        ringing = misuse.returned(self.town, bought.shop, bought.who, bought.time_s)
        back = np.flatnonzero((rng.random(len(bought)) < share[bought.shop]) | ringing)
        wait = rng.uniform(*_RETURN_DAYS, len(back))
        at = calendar.passed(bought.shop[back], self._days(bought.time_s[back]) + wait)
        moments = calendar.moments(bought.shop[back], at, rng)
        time_s = self._seconds(moments)
        fits = (at < calendar.busy[bought.shop[back], -1] - 1e-6) & (
            time_s > bought.time_s[back] + 3600
        )
        back, time_s = back[fits], time_s[fits]
        line = bought.first_line[back]
        own = {
            "time_s": time_s,
            "returns": back,
            "delay_s": np.zeros(len(back), np.int64),
            "wish": np.ones(len(back)),
        }
        heads = ("time_s", "shop", "who", "seller", "delay_s", "returns", "wish")
        heads_of = {
            name: np.concatenate(
                [getattr(bought, name), own.get(name, getattr(bought, name)[back])]
            )
            for name in heads
        }
        order = np.argsort(heads_of["time_s"], kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        count = np.concatenate([np.diff(bought.first_line), np.ones(len(back), np.int64)])
        begin = np.concatenate([bought.first_line[:-1], line])[order]
        index = _runs(begin, count[order])
        comes_back = np.repeat(order >= len(bought), count[order])
        heads_of["returns"] = np.where(heads_of["returns"] < 0, -1, place[heads_of["returns"]])
        return Receipts(
            **{name: column[order] for name, column in heads_of.items()},
            first_line=np.concatenate([[0], np.cumsum(count[order])]),
            item=bought.item[index],
            quantity=bought.quantity[index],
            cents=np.where(comes_back, -_paid(bought)[index], bought.cents[index]),
        )


def _paid(bought: Receipts) -> Ints:
    """Return what was paid for each line: a tenth less where the receipt ends with a discount."""
    cut = np.repeat(bought.item[bought.first_line[1:] - 1] < 0, np.diff(bought.first_line))
    paid: Ints = np.where(cut, bought.cents * 9 // 10, bought.cents)
    return paid


def _runs(begin: Ints, count: Ints) -> Ints:
    """Return begin[0], begin[0] + 1, … (count[0] of them), then begin[1], …"""
    ends = np.cumsum(count)
    run: Ints = np.arange(count.sum()) + np.repeat(begin - (ends - count), count)
    return run
