"""Signals: each misuse is seen, and good customers of a whole simulated town are not."""

import tracemalloc
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from chaland.hub.loyalty.figures.fraud import Kind, Seen, signals
from chaland.simulate import misuse
from chaland.simulate.purchases import NOBODY, Clientele
from chaland.simulate.rhythm import real_rhythm
from chaland.simulate.town import drawn_town

AT = datetime(2026, 11, 2, 10, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def seen(
    number: int, after: timedelta, member: int | None, *, seller: str = "", cents: int = 1000,
    shop: int = 1, delay: timedelta = timedelta(0),
) -> Seen:  # fmt: skip
    return Seen(AT + after, number, shop, member, seller, cents, delay)


def by_member(rows: Iterable[Seen]) -> list[Seen]:
    """Bring receipts in the order in which they are read."""
    return sorted(rows, key=lambda row: (row.member or 0, row.at, row.receipt))


def kinds(rows: list[Seen], own: dict[tuple[int, str], int] | None = None) -> list[Kind]:
    return [signal.kind for signal in signals(by_member(rows), own or {})]


def test_a_seller_who_serves_the_own_account() -> None:
    rows = [seen(i, i * DAY, 7, seller="seller:4") for i in range(3)]
    assert kinds(rows, {(1, "seller:4"): 7}) == [Kind.SELF_AWARD]
    assert kinds(rows, {(1, "seller:4"): 8}) == []
    assert kinds(rows[:2], {(1, "seller:4"): 7}) == []


def test_one_seller_who_attaches_late_to_one_account() -> None:
    late = [seen(i, i * DAY, 7, seller="seller:4", delay=20 * MINUTE) for i in range(12)]
    assert kinds(late) == [Kind.SELF_AWARD]
    at_once = [seen(i, i * DAY, 7, seller="seller:4") for i in range(12)]
    assert kinds(at_once) == []  # a regular who likes one seller


def test_purchases_within_the_hour() -> None:
    fast = [seen(i, i * 10 * MINUTE, 7) for i in range(4)]
    assert kinds(fast) == [Kind.VELOCITY]
    assert kinds([seen(i, i * 25 * MINUTE, 7) for i in range(4)]) == []
    assert kinds([seen(i, i * MINUTE, None) for i in range(9)]) == []  # strangers in a queue
    (signal,) = signals(fast, {})
    assert signal.receipts == (0, 1, 2, 3)
    assert signal.cents == 4000


def test_bought_to_bring_back() -> None:
    bought = [seen(i, i * DAY, 7, shop=i % 3) for i in range(4)]
    back = [seen(10 + i, (5 + i) * DAY, 7, shop=i % 3, cents=-1000) for i in range(4)]
    (signal,) = signals(by_member(bought + back), {})
    assert signal.kind is Kind.REFUND_RING
    assert signal.shops == (0, 1, 2)
    assert kinds(bought + back[:3]) == []
    kept = [seen(20 + i, i * DAY, 7, cents=5000) for i in range(3)]
    assert kinds(bought + back + kept) == []


def test_returns_that_crowd_at_a_seller() -> None:
    rows = [seen(i, i * MINUTE * 90, None, seller=f"s{i % 2}") for i in range(80)]
    rows += [seen(100 + i, i * DAY, None, seller="s0", cents=-500) for i in range(6)]
    (signal,) = signals(by_member(rows), {})
    assert (signal.kind, signal.seller, signal.member) == (Kind.SELLER_RETURNS, "s0", None)
    alone = [seen(200 + i, i * DAY, None, seller="s9", cents=-500, shop=2) for i in range(9)]
    assert kinds(alone) == []  # nobody to compare with


def test_the_demo_s_misuse_is_seen_and_hardly_anything_else() -> None:
    """A quarter of the demo's town: the three staged cases, and few innocent ones."""
    last = date(2026, 11, 21)
    clientele = Clientele(
        drawn_town(), real_rhythm(), 1, last - timedelta(days=200), last, 1500,
        ZoneInfo("Europe/Paris"),
    )  # fmt: skip
    _members, rows = clientele.draw()
    cents = np.add.reduceat(rows.cents, rows.first_line[:-1])
    columns = zip(
        rows.time_s.tolist(), rows.shop.tolist(), rows.who.tolist(), rows.seller.tolist(),
        cents.tolist(), rows.delay_s.tolist(), strict=True,
    )  # fmt: skip
    every = [
        Seen(
            datetime.fromtimestamp(at, UTC), i, shop, None if who == NOBODY else who,
            f"s{seller}", amount, timedelta(seconds=delay),
        )
        for i, (at, shop, who, seller, amount, delay) in enumerate(columns)
    ]  # fmt: skip
    shop = [place.slug for place in drawn_town().shops].index(misuse.SELF_AWARD_SHOP)
    found = signals(by_member(every), {(shop, f"s{misuse.SELLER}"): misuse.SELLERS_MEMBER})
    staged = {
        (Kind.SELF_AWARD, misuse.SELLERS_MEMBER),
        (Kind.VELOCITY, misuse.FAST_MEMBER),
        (Kind.REFUND_RING, misuse.RING_MEMBER),
    }
    assert staged <= {(signal.kind, signal.member) for signal in found}
    assert len(found) <= len(staged) + 5


def test_receipts_are_read_one_member_at_a_time() -> None:
    """A town's two months never lie in memory as a whole: here they would take some 10 MiB."""
    peaks = []
    for members in (200, 2_000):

        def town(count: int = members) -> Iterator[Seen]:
            for member in range(count):
                for i in range(10):
                    yield seen(10 * member + i, i * DAY, member, seller=f"s{member % 5}")

        tracemalloc.start()
        assert signals(town(), {}) == []
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] < 200_000
