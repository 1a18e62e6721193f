"""The browser and the server compute the same points, costs and reversals."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.programmes.parameters import checked
from tests.hub.loyalty.programmes.sides import ROOT, Browser, server

GOLDEN = ROOT / "tests/golden/rules"
CASES = [case for file in sorted(GOLDEN.glob("*.json")) for case in json.loads(file.read_text())]


@pytest.fixture(scope="module")
def script() -> Iterator[Browser]:
    started = Browser()
    yield started
    started.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_both_sides_answer_the_golden_case(case: dict[str, Any], script: Browser) -> None:
    assert server(case["call"], case["input"]) == case["expect"]
    assert script.ask(case["call"], case["input"]) == case["expect"]


_names = st.sampled_from(["", "vins", "Vins", "FROMAGES", "Œufs", "café"])
_lines = st.lists(
    st.fixed_dictionaries(
        {
            "gross_cents": st.integers(-3_000, 20_000) | st.integers(-(10**9), 10**12),
            "quantity_milli": st.sampled_from([1000, 2000, 3000, 350]) | st.integers(1, 10**6),
            "item_id": _names,
            "group": _names,
            "discount": st.booleans(),
        }
    ),
    max_size=6,
).map(lambda lines: [{"number": n, **line} for n, line in enumerate(lines, 1)])
_groups = st.lists(_names, max_size=2)
_when = st.fixed_dictionaries(
    {"percent": st.integers(101, 1000)},
    optional={
        "weekdays": st.lists(st.integers(0, 6), max_size=3),
        "from_minute": st.integers(0, 720),
        "to_minute": st.integers(721, 1440),
        "groups": _groups,
        "first_purchase": st.booleans(),
        "birthday_month": st.booleans(),
    },
)
_units = st.integers(1, 10_000)
_kinds = st.one_of(
    st.tuples(st.just("spend"), st.fixed_dictionaries({"units": _units, "per_cents": _units})),
    st.tuples(st.just("purchase"), st.fixed_dictionaries({"units": _units, "min_cents": _units})),
    st.tuples(
        st.just("product"),
        st.fixed_dictionaries({"units": _units, "items": st.just(["vins"]), "groups": _groups}),
    ),
    st.tuples(st.just("multiplier"), _when),
)
_rules = st.lists(_kinds, min_size=1, max_size=4).map(
    lambda rules: [
        {
            "id": number,
            "kind": kind,
            "parameters": checked(kind, parameters),
            "name": "",
            "sponsor_id": None,
        }
        for number, (kind, parameters) in enumerate(rules, 1)
    ]
)
_baskets = st.fixed_dictionaries(
    {
        "lines": _lines,
        "weekday": st.integers(0, 6),
        "minute": st.integers(0, 1439),
        "month": st.integers(1, 12),
        "first": st.booleans(),
        "birth_month": st.none() | st.integers(1, 12),
        "tier": st.none() | st.just({"name": "Or", "percent": 150}),
    }
)


@given(basket=_baskets, rules=_rules, data=st.data())
def test_both_sides_earn_and_take_back_alike(
    script: Browser, basket: dict[str, Any], rules: list[dict[str, Any]], data: st.DataObject
) -> None:
    asked = {"basket": basket, "rules": rules}
    parts = server("earn", asked)
    assert script.ask("earn", asked) == parts
    numbers = [str(line["number"]) for line in basket["lines"]]
    returned = {n: data.draw(st.integers(0, 4000)) for n in numbers}
    back = {"lines": basket["lines"], "parts": parts, "returned": returned}
    assert script.ask("take_back", back) == server("take_back", back)
    assert script.ask("returned_share", back) == server("returned_share", back)


@given(
    partial=st.booleans(),
    cost=_units,
    value_cents=_units,
    balance=st.integers(-10, 10**12),
    wanted_cents=st.none() | st.integers(-5, 10**9),
)
def test_both_sides_price_rewards_alike(script: Browser, **asked: Any) -> None:
    assert script.ask("reward_cost", asked) == server("reward_cost", asked)


_advantages = st.lists(
    st.tuples(
        st.integers(1, 100) | st.none(), st.integers(0, 3_000), st.just("") | _names, _names
    ).map(
        lambda a: {
            "percent": a[0],
            "price_cents": None if a[0] else a[1],
            "item_id": a[2],
            "group": a[3],
        }
    ),
    max_size=3,
).map(lambda found: [{"id": n, "name": "", **a} for n, a in enumerate(found, 1)])


@given(lines=_lines, advantages=_advantages)
def test_both_sides_take_off_member_prices_alike(script: Browser, **asked: Any) -> None:
    assert script.ask("member_prices", asked) == server("member_prices", asked)
