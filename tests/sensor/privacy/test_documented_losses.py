"""The losses that the explanation states are those of the mechanism in use.

What a visit loses is not taken from a formula: histories are led through the visit table, and what
they moved is charged at the price of the noise that hides it.
"""

from fractions import Fraction
from itertools import pairwise
from math import ceil, exp
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from chaland.sensor.presence import clock
from chaland.sensor.presence.visits import VisitTable
from chaland.sensor.privacy.keys import pointer_to
from chaland.wire.losses import daily
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.periods import CELL_S, WINDOW_S
from chaland.wire.summary import Mode

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "privacy-mechanism.md"
US = 1_000_000
DAY_S = 86_400
START_S = 1_700_006_400
"""Midnight somewhen: times are seconds after it."""
MEDIAN_SCANS_A_MINUTE = Fraction("0.65")
COUNTS = DEFAULT_MECHANISM.counts[Mode.DEFAULT]
FLOW = Fraction(COUNTS["arrivals"].epsilon)
FLOOD = 2 * Fraction(DEFAULT_MECHANISM.flood.epsilon)
DWELL = Fraction(DEFAULT_MECHANISM.dwell.epsilon)
SKETCH = Fraction(DEFAULT_MECHANISM.sketch.epsilon)
"""Once an address, shop and day: a place holds one answer, however often it is drawn anew."""

History = list[tuple[int, bool]]
"""Sightings of one address: whole second, and whether inside the visitor gate."""


def decimal(loss: Fraction) -> str:
    return f"{float(loss):g}"


def visits_loss(history: History) -> Fraction:
    """Lead a day's history through the table, second by second where anything happens."""
    table = VisitTable(DEFAULT_MECHANISM)
    address = pointer_to(bytearray(b"\x00\x01\x02\x03\x04\x05"))
    at = dict(history)
    ends = {at_s + 300 for at_s in at}
    moved = lives = 0
    for now_s in sorted({*at, *ends, *range(CELL_S, DAY_S + 1, CELL_S)}):
        if now_s > DAY_S:
            break
        table.expire((START_S + now_s) * US)
        if now_s % CELL_S == 0:
            if now_s == DAY_S:
                table.end_lives()
            moved += table.arrivals + table.passers_by
            table.begin_cell()
        if now_s in at:
            before = table.live
            table.sight(address, (START_S + now_s) * US, at[now_s])
            lives += table.live - before
    return moved * FLOW + lives * FLOOD + int(table.dwell.sum()) * DWELL


def lives_in(history: History) -> int:
    seen_s = sorted(dict(history))
    return bool(seen_s) + sum(later - first >= 300 for first, later in pairwise(seen_s))


@settings(max_examples=150, deadline=None)
@given(
    gaps=st.lists(
        st.tuples(
            st.sampled_from([1, 30, 59, 60, 61, 240, 299, 300, 301, 600, 840, 900, 1800]),
            st.booleans(),
        ),
        max_size=80,
    )
)
def test_no_history_loses_more_than_the_price_of_its_visits(gaps: list[tuple[int, bool]]) -> None:
    """Each life once over all its cells, in whatever cells its sightings and its end fall."""
    history, now_s = [], 0
    for gap_s, inside in gaps:
        now_s += gap_s
        if now_s < DAY_S:
            history.append((now_s, inside))
    assert visits_loss(history) <= lives_in(history) * DEFAULT_MECHANISM.visit_loss


def probing(windows: int) -> Fraction:
    """Return row E1's loss of an address that probes inside the gate in so many windows."""
    return windows * sum((1 / COUNTS[name].scale for name in ("fingerprints", "scans")), Fraction())


def test_the_table_of_daily_sums() -> None:
    half_an_hour = [(at_s, True) for at_s in range(10_000, 11_801, 100)]
    stays = [(at_s, True) for at_s in range(0, DAY_S, 60)]
    returns = [(at_s + inside_s, True) for at_s in range(0, DAY_S, 360) for inside_s in (0, 60)]
    visit = visits_loss(half_an_hour)
    assert visit == DEFAULT_MECHANISM.visit_loss
    one_shop = probing(1800 // WINDOW_S + 1) + visit + SKETCH
    scans = ceil(30 * MEDIAN_SCANS_A_MINUTE)
    losses = [
        probing(1),
        visit,
        SKETCH,
        one_shop,
        4 * one_shop,
        4 * (probing(scans) + visit + SKETCH),  # a new pair costs what a new window costs
        probing(DAY_S // WINDOW_S) + visits_loss(stays) + SKETCH,
        probing(DAY_S // WINDOW_S) + visits_loss(returns) + SKETCH,
    ]
    assert losses == [loss.epsilon for loss in daily()]
    sums = PAGE.read_text().partition("## The sums, per day")[2].partition("\n## ")[0]
    rows = [line for line in sums.splitlines() if line.startswith("|")][2:]
    assert [row.split("|")[2].strip() for row in rows] == [decimal(loss) for loss in losses]


def test_the_loss_of_a_phone_with_changing_addresses() -> None:
    minute, slot = (1 / COUNTS[name].scale for name in ("fingerprints", "scans"))
    minutes = 900 // DEFAULT_MECHANISM.fingerprint_slot_s
    slots = 900 // DEFAULT_MECHANISM.scan_slot_s
    text = " ".join(PAGE.read_text().split())
    assert f"{decimal(minute)} for a fingerprint in a new minute, {decimal(slot)} for" in text
    assert f"phone-level bounds of {minutes} and {slots} per fingerprint" in text
    assert f"a loss of {decimal(minutes * minute + slots * slot)} at the very most" in text
    assert f"moves either by 10 a cell and loses {decimal(10 * (minute + slot))}" in text


def test_what_the_page_says_of_the_sketch() -> None:
    text, sketch = " ".join(PAGE.read_text().split()), DEFAULT_MECHANISM.sketch
    visit = visits_loss([(at_s, True) for at_s in range(10_000, 11_801, 100)])
    even_odds = 1 / (1 + exp(-SKETCH))
    assert f"{sketch.bits:,} bits and {sketch.ordered} symbols" in text
    assert f"modulo {sketch.places:,}" in text
    assert f"{sketch.afternoon_from:%H:%M}" in text
    assert f"with ε = {sketch.epsilon} " in text
    assert f"{decimal(4 * (visit + SKETCH))} in four shops" in text
    assert f"at most {round(100 * even_odds)} to {round(100 * (1 - even_odds))}" in text


def test_what_the_page_says_of_objection() -> None:
    text, objection = PAGE.read_text(), DEFAULT_MECHANISM.objection
    assert f"heard at −{-objection.button_rssi_dbm} dBm" in text
    assert f"at most {objection.new_in_a_window} a window and {objection.new_in_a_day} a" in text
    places = DEFAULT_MECHANISM.sketch.places
    assert f"{objection.new_in_a_day} of {places:,} places a day" in text
    assert f"({round(100 * objection.new_in_a_day / places, 1)} %)" in text
    assert f"{round(100 * objection.new_in_a_day / objection.bits, 1)} % of the filter" in text
    presses = f"{objection.button_addresses} addresses a press and {objection.presses_in_a_day} pre"
    assert presses in text
    assert (objection.bits, objection.button_s) == (2**16, 60)


def test_what_the_page_says_of_the_clock() -> None:
    text = PAGE.read_text()
    for us, words in (
        (clock.TOLERANCE_US, "a record up to **{} s** late"),
        (clock.LIVE_SILENCE_US, "more than **{} s** without a record"),
        (clock.EDGE_US, "begin or end **{} s** within a window"),
    ):
        assert words.format(us // clock.US) in text
    assert clock.RECORDED_SILENCE_US == clock.CELL_US, "in a file, a quarter hour"


def test_the_constants_of_the_flood_test() -> None:
    text = PAGE.read_text()
    assert f"{DEFAULT_MECHANISM.visit_capacity:,} − {DEFAULT_MECHANISM.flood_margin:,}" in text
    assert f"N = {DEFAULT_MECHANISM.window_capacity:,}" in text
