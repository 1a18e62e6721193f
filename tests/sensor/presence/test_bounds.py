"""One radio address moves each exact count by at most its bound, whatever anybody sends.

Of arrivals, passers-by and dwell the bound is per visit (a life in the table), over all its cells.

Neighbouring streams: one without any frame of one address. For streams in order of time the frames
are simply left out; where times are disordered, ticks stand in their place, because the receiver's
clock readings are the receiver's and not the phone's (docs/explanation/privacy-mechanism.md).
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaland.sensor.presence.cells import ExactCell
from chaland.sensor.privacy.town_key import TownKey
from chaland.wire.mechanism import DEFAULT_MECHANISM, Noised, SketchMechanism
from chaland.wire.summary import Mode

E1 = ("fingerprints", "scans")
NOTHING = Noised(0, "1")
VICTIM = 0
KEY = bytes(range(32))
PEOPLE = 6
MOST_LIVES = 8
"""More do not fit in 2,100 s, whatever the order."""
SMALL = replace(DEFAULT_MECHANISM, window_capacity=3, visit_capacity=3)

# A frame: (seconds, who, kind, global address?, model, signal, disorder in seconds). Times cluster
# where lives end (every 300 s) and where windows and cells do, so that boundaries are hit often.
seconds = st.one_of(
    st.integers(0, 2000),
    st.builds(
        lambda base, offset: base * 300 + offset / 10, st.integers(0, 6), st.integers(-12, 12)
    ).map(abs),
)
frames = st.lists(
    st.tuples(
        seconds,
        st.integers(0, PEOPLE - 1),
        st.sampled_from(["probe", "data", "join"]),
        st.booleans(),
        st.integers(0, 3),
        st.sampled_from([-50, -66, -72, -80, -90]),
        st.sampled_from([0, 0, 0, -1, -4, 3]),
    ),
    max_size=120,
)
Frames = list[tuple[float, int, str, bool, int, int, int]]


def stream(new_air: Any, address: Any, elements: Any, sent: Frames, disorder: bool) -> Any:
    """Return the radio of all frames, and the same without the victim's."""
    everybody, without = new_air(), new_air()
    everybody.ticks(0, 2100)
    without.ticks(0, 2100)
    for at_s, who, kind, is_global, model, rssi_dbm, shift_s in sorted(sent):
        air = new_air()
        sender = address(who, is_global)
        if kind == "probe":
            air.probe(at_s, sender, elements(model), rssi_dbm=rssi_dbm)
        elif kind == "data":
            air.data(at_s, sender, rssi_dbm)
        else:
            air.joins(at_s, sender, b"cafe", rssi_dbm)
        for time_us, frame in air.records:
            shifted_us = time_us + (shift_s * 1_000_000 if disorder else 0)
            everybody.records.append((time_us, shifted_us, frame))
            is_victim = (who, is_global) == (VICTIM, True)
            if not is_victim:
                without.records.append((time_us, shifted_us, frame))
            elif disorder:
                without.records.append((time_us, shifted_us, b""))
    for air in (everybody, without):
        air.records.sort(key=lambda record: record[0])  # order of arrival; stable
        air.records = [(record[-2], record[-1]) for record in air.records]
    return everybody, without


def pairs(one: list[ExactCell], other: list[ExactCell]) -> list[tuple[ExactCell, ExactCell]]:
    """The cells side by side; which cells there are may not depend on a phone."""
    facts = [[(c.start, c.windows, c.state, c.dwell_day) for c in cells] for cells in (one, other)]
    assert facts[0] == facts[1]
    return list(zip(one, other, strict=True))


def lives_of_victim(sent: Frames) -> int:
    """Return how often the victim begins a life at most: silences of five minutes, plus one."""
    seen_s = sorted(
        at_s
        for at_s, who, _, is_global, _, rssi_dbm, _ in sent
        if (who, is_global) == (VICTIM, True) and rssi_dbm >= -85
    )
    return bool(seen_s) + sum(later - first >= 300 for first, later in pairwise(seen_s))


def visits_moved(cells: list[tuple[ExactCell, ExactCell]]) -> int:
    """Return by how much arrivals and passers-by of all cells together differ, in L1."""
    return sum(moved(a, b, name) for a, b in cells for name in ("arrivals", "passers_by"))


def moved(a: ExactCell, b: ExactCell, name: str) -> int:
    return abs(getattr(a, name) - getattr(b, name))


@pytest.mark.parametrize("disorder", [False, True])
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("small_windows", [False, True])
@settings(max_examples=60, deadline=None)
@given(sent=frames)
def test_one_address_moves_each_count_by_its_bound_at_most(
    new_air: Any, address: Any, elements: Any, cells_of: Callable[..., list[ExactCell]],
    sent: Frames, mode: Mode, disorder: bool, small_windows: bool,
) -> None:  # fmt: skip
    capacity = 3 if small_windows else 16_384
    mechanism = replace(DEFAULT_MECHANISM, window_capacity=capacity)
    everybody, without = stream(new_air, address, elements, sent, disorder)
    one = cells_of(everybody, mode=mode, mechanism=mechanism)
    other = cells_of(without, mode=mode, mechanism=mechanism)
    cells = pairs(one, other)
    for a, b in cells:
        for name in E1:
            assert moved(a, b, name) <= mechanism.counts[mode].get(name, NOTHING).bound
        assert 0 <= a.peak - b.peak <= 1  # one way only: what AboveThreshold's price rests on
    lives = MOST_LIVES if disorder else lives_of_victim(sent)
    assert visits_moved(cells) <= lives


@settings(max_examples=60, deadline=None)
@given(sent=frames)
def test_a_full_visit_table_is_always_seen_by_the_flood_test(
    new_air: Any, address: Any, elements: Any, cells_of: Callable[..., list[ExactCell]],
    sent: Frames,
) -> None:  # fmt: skip
    """The tested statistic moves by 1 even if rows interact; E1 doesn't care about that table."""
    everybody, without = stream(new_air, address, elements, sent, disorder=False)
    one, other = (cells_of(air, mechanism=SMALL) for air in (everybody, without))
    clean: list[tuple[ExactCell, ExactCell]] = []
    is_clean = True
    for a, b in pairs(one, other):
        for name in E1:
            assert moved(a, b, name) <= 3
        if is_clean:  # up to the first cell in which anyone may have been refused
            assert 0 <= a.peak - b.peak <= 1
        is_clean = is_clean and max(a.peak, b.peak) < SMALL.visit_capacity
        if is_clean:
            clean.append((a, b))
    assert visits_moved(clean) <= lives_of_victim(sent)


@settings(max_examples=60, deadline=None)
@given(sent=frames)
def test_one_visit_moves_the_dwell_histogram_by_one(
    new_air: Any, address: Any, elements: Any, cells_of: Callable[..., list[ExactCell]],
    sent: Frames,
) -> None:  # fmt: skip
    """One address moves it by at most its number of lives."""
    everybody, without = stream(new_air, address, elements, sent, disorder=False)
    one, other = cells_of(everybody), cells_of(without)
    a, b = one[-1].dwell, other[-1].dwell
    lost = [x - y for x, y in zip(a, b, strict=True)]
    assert all(difference >= 0 for difference in lost)
    assert sum(lost) <= lives_of_victim(sent)


@settings(max_examples=25, deadline=None)
@given(sent=frames)
def test_one_address_moves_one_place_of_the_sketch(
    new_air: Any, address: Any, elements: Any, cells_of: Callable[..., list[ExactCell]],
    sent: Frames,
) -> None:  # fmt: skip
    """Told without deniability (epsilon 60), however often it came and whoever shares its place."""
    crowded = SketchMechanism(epsilon="60", bits=6, ordered=4)
    mechanism = replace(DEFAULT_MECHANISM, sketch=crowded)
    everybody, without = stream(new_air, address, elements, sent, disorder=False)
    sketches = []
    for air in (everybody, without):
        town_key = TownKey()
        town_key.adopt()
        town_key._key._page[:32] = KEY
        day = date(2023, 11, 15)
        *_, last = cells_of(air, mechanism=mechanism, town_key=town_key, day=day)
        assert last.sketch
        sketches.append([*last.sketch.bits, *last.sketch.symbols])
    digest = hashlib.blake2b(address(VICTIM, True), digest_size=8, key=KEY).digest()
    own = int.from_bytes(digest, "little") % crowded.places
    assert {i for i, (a, b) in enumerate(zip(*sketches, strict=True)) if a != b} <= {own}


def test_an_address_that_comes_back_spends_again(new_air: Any, address: Any, cells_of: Any) -> None:
    """Not caution: what was forgotten after five minutes counts anew, also within one cell."""
    air = new_air()
    for begin_s in (0.0, 360.0):
        air.data(begin_s, address(1))
        air.data(begin_s + 60, address(1))
    air.ticks(0, 900)
    assert cells_of(air.in_order())[0].arrivals == 2


def test_an_address_with_many_fingerprints_counts_once(
    new_air: Any, address: Any, elements: Any, cells_of: Any
) -> None:
    air = new_air()
    air.ticks(0, 300)
    for i in range(200):
        air.probe(i + 0.5, address(1), elements(i))
    cell = cells_of(air.in_order())[0]
    assert (cell.fingerprints, cell.scans) == (1, 1)


def test_a_full_window_table_leaves_the_visit_table_alone(
    new_air: Any, address: Any, elements: Any, cells_of: Any
) -> None:
    """Else one address more in a full window would hide another's whole visit."""
    mechanism = replace(DEFAULT_MECHANISM, window_capacity=2)
    air = new_air()
    air.ticks(0, 900)
    for who in range(8):
        air.probe(1 + who, address(who, True), elements(who))
        air.probe(61 + who, address(who, True), elements(who))
    cell = cells_of(air.in_order(), mechanism=mechanism)[0]
    assert (cell.fingerprints, cell.arrivals) == (2, 8)
