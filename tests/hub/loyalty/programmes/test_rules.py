"""What no rule may break, whatever the basket: nothing is lost, nothing is kept after a return."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.programmes import rules
from chaland.hub.loyalty.programmes.parameters import ParameterErrorFinal, checked

_lines = st.lists(
    st.builds(
        rules.Line,
        number=st.just(0),
        gross_cents=st.integers(-2_000, 10_000),
        quantity_milli=st.integers(1, 5_000),
        item_id=st.sampled_from(["", "a", "b"]),
        group=st.sampled_from(["", "wine", "Wine"]),
        discount=st.booleans(),
    ),
    min_size=1,
    max_size=8,
).map(
    lambda lines: [
        rules.Line(n, x.gross_cents, x.quantity_milli, x.item_id, x.group, x.discount)
        for n, x in enumerate(lines, 1)
    ]
)
_RULES = [
    rules.EarningRule(1, "spend", {"units": 3, "per_cents": 100}),
    rules.EarningRule(2, "purchase", {"units": 1, "min_cents": 500}),
    rules.EarningRule(3, "product", {"units": 7, "items": ["a"]}),
    rules.EarningRule(4, "multiplier", {"percent": 250, "groups": ["wine"]}, "", 9),
    rules.EarningRule(5, "multiplier", {"percent": 150}),
]


def _total(parts: list[rules.EarnedPart]) -> int:
    return sum(part.amount for part in parts)


@given(_lines)
def test_each_part_is_shared_over_lines_without_loss(lines: list[rules.Line]) -> None:
    for part in rules.earn(rules.Basket(lines), _RULES):
        assert sum(part.lines.values()) == part.amount > 0
        assert all(units > 0 for units in part.lines.values())


@given(_lines)
def test_what_is_earned_is_the_floor_of_the_whole_and_never_of_the_list_price(
    lines: list[rules.Line],
) -> None:
    net = sum(rules.net_lines(lines).values())
    assert _total(rules.earn(rules.Basket(lines), _RULES[:1])) == 3 * net // 100
    articles = sum(x.gross_cents for x in lines if not x.discount and x.gross_cents > 0)
    taken_off = sum(-x.gross_cents for x in lines if x.gross_cents < 0)
    assert net == max(0, articles - taken_off)


@given(_lines)
def test_when_all_comes_back_all_is_taken_back_to_the_unit(lines: list[rules.Line]) -> None:
    parts = rules.earn(rules.Basket(lines), _RULES)
    returned = {line.number: line.quantity_milli for line in lines}
    back = rules.take_back(lines, parts, returned)
    assert sum(back.values()) == _total(parts)


@given(_lines, st.data())
def test_returns_in_pieces_never_take_less_later_nor_more_than_was_earned(
    lines: list[rules.Line], data: st.DataObject
) -> None:
    parts = rules.earn(rules.Basket(lines), _RULES)
    earned: dict[int, int] = {}
    for part in parts:
        for number, units in part.lines.items():
            earned[number] = earned.get(number, 0) + units
    some = {x.number: data.draw(st.integers(0, x.quantity_milli)) for x in lines}
    more = {x.number: data.draw(st.integers(some[x.number], 9_000)) for x in lines}
    first, then = rules.take_back(lines, parts, some), rules.take_back(lines, parts, more)
    for number, units in then.items():
        assert first.get(number, 0) <= units <= earned[number]
    assert set(first) <= set(then)


@given(_lines, st.integers(0, 10))
def test_lines_in_another_order_earn_the_same(lines: list[rules.Line], turn: int) -> None:
    turned = lines[turn % len(lines) :] + lines[: turn % len(lines)]
    plain = [x for x in lines if not x.discount and x.gross_cents > 0]
    turned_plain = [x for x in turned if x in plain]
    one = rules.earn(rules.Basket(plain), _RULES)
    other = rules.earn(rules.Basket(turned_plain), _RULES)
    assert [(p.amount, dict(p.lines)) for p in one] == [(p.amount, dict(p.lines)) for p in other]


def test_earn_refund_repeat_leaves_nothing_whatever_the_pieces() -> None:
    """odoo#257854: seven returns of one piece each. A floor for each return apart would leave the
    remainder each time, to be earned and refunded again for ever."""
    lines = [rules.Line(1, 1_999, 7_000), rules.Line(2, 101, 1_000)]
    parts = rules.earn(rules.Basket(lines), _RULES[:1])
    assert dict(parts[0].lines) == {1: 60, 2: 3}
    taken, before, apart = 0, {}, 0
    for piece in range(1, 8):
        now = rules.take_back(lines, parts, {1: piece * 1_000})
        taken += now[1] - before.get(1, 0)
        before = now
        apart += rules.take_back(lines, parts, {1: 1_000})[1]
    assert (taken, apart) == (60, 56)


@pytest.mark.parametrize(
    ("kind", "parameters", "field", "reason"),
    [
        ("lottery", {}, "kind", "unknown"),
        ("spend", {"units": 1}, "per_cents", "missing"),
        ("spend", {"units": 1, "per_cents": 0}, "per_cents", "range"),
        ("spend", {"units": 1.5, "per_cents": 100}, "units", "type"),
        ("spend", {"units": True, "per_cents": 100}, "units", "type"),
        ("spend", {"units": 1, "per_cents": 100, "code": "x"}, "code", "unknown"),
        ("multiplier", {"percent": 100}, "percent", "range"),
        ("multiplier", {"percent": 200, "weekdays": [7]}, "weekdays", "range"),
        ("multiplier", {"percent": 200, "weekdays": [True]}, "weekdays", "type"),
        ("multiplier", {"percent": 200, "groups": "wine"}, "groups", "type"),
        ("multiplier", {"percent": 200, "groups": ["x" * 65]}, "groups", "range"),
        ("multiplier", {"percent": 200, "first_purchase": 1}, "first_purchase", "type"),
        (
            "multiplier",
            {"percent": 200, "from_minute": 600, "to_minute": 600},
            "to_minute",
            "range",
        ),
        ("product", {"units": 5, "items": [" "]}, "items", "empty"),
    ],
)
def test_a_rule_outside_the_closed_list_is_refused_by_name(
    kind: str, parameters: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(ParameterErrorFinal) as refused:
        checked(kind, parameters)
    assert (refused.value.field, refused.value.reason) == (field, reason)


def test_names_of_articles_and_groups_are_kept_in_small_letters_once() -> None:
    asked = {
        "percent": 200,
        "groups": [" Vins", "vins", ""],
        "weekdays": [],
        "first_purchase": False,
    }
    assert checked("multiplier", asked) == {"percent": 200, "groups": ["vins"]}
