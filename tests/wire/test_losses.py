"""The stated losses are sums over the mechanism's rows, whatever its constants are."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from chaland.wire import losses
from chaland.wire.losses import Case
from chaland.wire.mechanism import DEFAULT_MECHANISM, Noised
from chaland.wire.summary import Mode


def of(case: Case, **changed: Any) -> Fraction:
    mechanism = replace(DEFAULT_MECHANISM, **changed)
    return next(loss.epsilon for loss in losses.daily(mechanism) if loss.case is case)


def test_each_case_is_stated_once_and_in_order() -> None:
    assert [loss.case for loss in losses.daily()] == list(Case)


def test_the_sketch_costs_once_a_shop_and_day_however_often_one_comes() -> None:
    dearer = replace(DEFAULT_MECHANISM.sketch, epsilon="3")
    once = (Case.SKETCH, Case.HALF_HOUR, Case.ALL_DAY, Case.RETURNING)
    assert [of(case, sketch=dearer) - of(case) for case in once] == [1, 1, 1, 1]
    in_each_shop = (Case.SHOPPER, Case.ROTATING)
    shops = losses.SHOPS_OF_A_SHOPPER
    assert [of(case, sketch=dearer) - of(case) for case in in_each_shop] == [shops, shops]
    assert of(Case.WINDOW, sketch=dearer) == of(Case.WINDOW)
    assert of(Case.VISIT, sketch=dearer) == of(Case.VISIT)


def test_who_stays_all_day_leaves_no_dwell() -> None:
    dearer = Noised(1, "1.25")
    assert of(Case.ALL_DAY, dwell=dearer) == of(Case.ALL_DAY)
    assert of(Case.HALF_HOUR, dwell=dearer) - of(Case.HALF_HOUR) == 1


def test_strict_mode_loses_no_more() -> None:
    assert losses.window(DEFAULT_MECHANISM, Mode.STRICT) <= losses.window(DEFAULT_MECHANISM)


def test_a_phone_that_comes_back_loses_most_of_all() -> None:
    stated = losses.daily()
    assert max(loss.epsilon for loss in stated) == stated[-1].epsilon
