"""A month's measures against numbers worked out by hand, and the differencing attack on all that
is released of a whole town."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from chaland.hub.loyalty.figures import measures, rules
from chaland.hub.loyalty.figures.measures import Attach, History, month_number

PARIS = ZoneInfo("Europe/Paris")
DAY_S = 86_400
Row = tuple[int, int, datetime, int, int, bool]


def history(rows: list[Row]) -> History:
    columns = [(s, m, int(at.timestamp()), d, c, back) for s, m, at, d, c, back in rows]
    return History.of(np.array(columns, np.int64).reshape(-1, 6).T, PARIS)


def test_attach_counts_purchases_only_and_knows_what_came_late() -> None:
    at = datetime(2026, 3, 4, 10, tzinfo=UTC)
    found = Attach.of(
        history(
            [
                (1, 7, at, 0, 1000, False),
                (1, 8, at, DAY_S, 500, False),  # on the stroke of 24 hours
                (1, 8, at, DAY_S + 1, 500, False),
                (1, -1, at, -1, 2000, False),
                (1, -1, at, 0, 1000, False),  # attached, and the member was erased since
                (1, 7, at, 0, -1000, True),
            ]
        )
    )
    assert found == Attach(5, 4, 3, 5000, 3000)
    assert found.rate == 0.8
    assert found.revenue_rate == 0.6
    assert found.rate_24h == 0.6


def test_no_receipts_have_no_rate() -> None:
    nothing = Attach.of(history([]))
    assert (nothing.rate, nothing.rate_24h, nothing.revenue_rate) == (None, None, None)


def test_months_and_hours_are_local() -> None:
    """The last evening of March belongs to March in Paris, though it is 22:30 in Greenwich."""
    found = history([(1, 1, datetime(2026, 3, 31, 21, 30, tzinfo=UTC), 0, 1, False)])
    assert found.hour.tolist() == [23]
    assert found.month.tolist() == [month_number(datetime(2026, 3, 1, tzinfo=UTC).date())]


def town(seed: int, *, shops: int = 6, months: int = 4) -> History:
    """A town whose last shops have a handful of members, and whose late hours hardly any."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for shop in range(1, shops + 1):
        people = [60, 40, 25, 12, 9, 4][shop - 1]
        for _ in range(people * months * 2):
            member = int(rng.integers(people)) + 1000 * int(rng.integers(2)) * shop
            day, hour = int(rng.integers(1, 29)), int(rng.choice([9, 10, 11, 15, 16, 21]))
            if hour == 21 and rng.random() < 0.8:
                continue
            at = datetime(2026, 1 + int(rng.integers(months)), day, hour, tzinfo=PARIS)
            known = rng.random() < 0.7
            back = bool(rng.random() < 0.05)
            cents = int(rng.integers(100, 5000)) * (-1 if back else 1)
            rows.append((shop, member if known else -1, at, 0 if known else -1, cents, back))
    return history(rows)


@pytest.mark.parametrize("seed", range(8))
def test_no_small_cell_can_be_found_by_subtraction(seed: int) -> None:
    """All sums that are released, as equations over (shop, month, hour): a cell of less than ten
    members must lie in no combination of them."""
    every = town(seed)
    atoms = {
        key: i
        for i, key in enumerate(
            sorted(set(zip(every.shop.tolist(), every.month.tolist(), every.hour.tolist(),
                           strict=True)))
        )
    }  # fmt: skip

    def equation(shops: list[int], month: int, hour: int | None = None) -> np.ndarray:
        row = np.zeros(len(atoms))
        for (s, m, h), i in atoms.items():
            row[i] = s in shops and m == month and hour in (None, h)
        return row

    released, hidden = [], []
    for month in sorted(set(every.month.tolist())):
        shown = []
        for shop in sorted(set(every.shop.tolist())):
            own = every.where(every.shop == shop)
            content = measures.month_content(own, month, ahead=False)
            people = own.where(own.month == month).people
            assert (content is not None) == rules.enough(people)
            (released if content else hidden).append(equation([shop], month))
            shown += [shop] if content else []
            for hour in set(own.hour.tolist()):
                if 0 < own.where((own.month == month) & (own.hour == hour)).people < 10:
                    hidden.append(equation([shop], month, hour))
        seen = every.where(np.isin(every.shop, shown) & (every.month == month))
        released.append(equation(shown, month))
        for row in measures.hours_content(seen):
            told = row["attach"] is not None
            (released if told else hidden).append(equation(shown, month, row["hour"]))
    assert hidden
    known = np.array(released)
    rank = np.linalg.matrix_rank(known)
    for cell in hidden:
        if cell.any():
            assert np.linalg.matrix_rank(np.vstack([known, cell])) == rank + 1


def test_the_released_people_are_fives_and_never_few() -> None:
    every = town(1)
    content = measures.month_content(every, int(every.month.max()), ahead=False)
    assert content is not None
    people = [content["members"], content["active"], *(n for _cohort, n in content["cohorts"])]
    people += [cell["members"] for cell in content["rfm"]["cells"] if cell and cell["members"]]
    assert all(n % 5 == 0 and n >= rules.MEMBERS_MIN for n in people)


def test_a_cohort_is_told_once_in_the_month_it_is_about() -> None:
    """Twenty join in January; twelve of them and twelve others buy in February."""
    first, second = (datetime(2026, month, 5, 12, tzinfo=UTC) for month in (1, 2))
    rows = [(1, m, first, 0, 100, False) for m in range(20)]
    rows += [(1, m, second, 0, 100, False) for m in (*range(12), *range(100, 112))]
    january = month_number(first.date())
    found = measures.month_content(history(rows), january + 1, ahead=False)
    assert found is not None
    assert found["cohorts"] == [(january + 1, 10), (january, 10)]
    assert found["members"] == 20
    assert (found["newcomers"], found["joined"]) == (10, 10)
    assert (found["active"], found["repeating"]) == (30, 10)


def test_shared_members_hide_small_pairs() -> None:
    at = datetime(2026, 1, 5, 12, tzinfo=UTC)
    rows = [(1, m, at, 0, 100, False) for m in range(30)]
    rows += [(2, m, at, 0, 100, False) for m in range(15)]
    rows += [(3, m, at, 0, 100, False) for m in range(25, 50)]  # five of shop 1's
    assert measures.shared_members(history(rows)) == [
        (1, 1, 30), (1, 2, 15), (2, 2, 15), (3, 3, 25)
    ]  # fmt: skip
