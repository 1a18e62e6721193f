"""The summary: golden bytes, one spelling only, and errors that name the field."""

import base64
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.wire.errors import WireErrorFinal
from chaland.wire.sketch import MAX_PLACES, DaySketch
from chaland.wire.summary import (
    COUNT_ROWS,
    MAX_BOUND,
    MAX_BYTES,
    MAX_COUNT,
    MAX_SEQUENCE,
    CellCounts,
    Count,
    DwellCounts,
    Mode,
    State,
    Summary,
    decode,
    decode_release,
    encode,
    encode_release,
)

GOLDEN = Path(__file__).parents[1] / "golden"

EPSILONS = st.sampled_from(["0.05", "0.125", "0.25", "0.5", "1", "2.5", "10", "0.000001"])
VALUES = st.integers(-MAX_COUNT, MAX_COUNT)
BOUNDS = st.integers(1, MAX_BOUND)
COUNTS = st.builds(Count, value=VALUES, bound=BOUNDS, epsilon=EPSILONS)
STARTS = st.integers(0, 3_400_000).map(
    lambda quarter: datetime(2001, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarter)
)


@st.composite
def dwells(draw: st.DrawFn, day: date) -> DwellCounts:
    edges_s = draw(
        st.lists(st.integers(0, 86_400), min_size=2, max_size=9, unique=True).map(sorted)
    )
    bins = len(edges_s) - 1
    counts = draw(st.lists(VALUES, min_size=bins, max_size=bins))
    return DwellCounts(day, tuple(edges_s), tuple(counts), draw(BOUNDS), draw(EPSILONS))


@st.composite
def sketches(draw: st.DrawFn, start: datetime) -> DaySketch:
    return DaySketch(
        start.date() - timedelta(days=1),
        start - timedelta(minutes=15 * draw(st.integers(0, 96))),
        draw(st.text("0123456789abcdef", min_size=16, max_size=16)),
        bytes(draw(st.lists(st.integers(0, 1), max_size=40))),
        bytes(draw(st.lists(st.integers(0, 2), max_size=40))),
        draw(EPSILONS),
    )


@st.composite
def cells(draw: st.DrawFn) -> CellCounts:
    start = draw(STARTS)
    mode = draw(st.sampled_from(Mode))
    names = [name for name in COUNT_ROWS if mode is Mode.DEFAULT or name != "fingerprints"]
    windows = draw(st.integers(0, 3))
    heard = draw(st.sets(st.sampled_from(names), min_size=1)) if windows else ()
    counts = {name: draw(COUNTS) for name in heard}
    dwell = draw(st.none() | dwells(start.date() - timedelta(days=1)))
    sketch = draw(st.none() | sketches(start))
    return CellCounts(start, windows, draw(st.sampled_from(State)), mode, counts, dwell, sketch)


@st.composite
def summaries(draw: st.DrawFn) -> Summary:
    sensor = draw(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=16))
    cell = draw(cells())
    made_at = cell.start + timedelta(minutes=draw(st.integers(0, 60 * 24 * 40)))
    sequence = draw(st.integers(1, MAX_SEQUENCE))
    return Summary(sensor, sequence, made_at, draw(st.booleans()), cell)


def noon() -> CellCounts:
    counts = {
        "fingerprints": Count(41, 3, "0.6"),
        "scans": Count(96, 3, "0.15"),
        "arrivals": Count(4, 1, "0.46"),
        "passers_by": Count(-2, 1, "0.46"),
    }
    start = datetime(2026, 3, 14, 11, 45, tzinfo=UTC)
    return CellCounts(start, 3, State.OK, Mode.DEFAULT, counts)


def last_of_day() -> CellCounts:
    counts = {"scans": Count(-1, 3, "0.75"), "arrivals": Count(0, 1, "0.46")}
    dwell = DwellCounts(
        date(2026, 3, 14), (0, 300, 600, 1200, 2400, 3600, 7200), (31, 18, 9, 4, -2, 1), 1, "0.25"
    )
    start = datetime(2026, 3, 15, 2, 45, tzinfo=UTC)
    return CellCounts(start, 2, State.DEAF, Mode.STRICT, counts, dwell, SKETCH)


SKETCH = DaySketch(
    date(2026, 3, 14),
    datetime(2026, 3, 14, 8, 30, tzinfo=UTC),
    "00112233445566ff",
    bytes([1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1]),
    bytes([2, 0, 1, 1, 2]),
    "2",
)
"""Eleven bits and five symbols: a sensor's has thousands."""


GOLDEN_MESSAGES = {
    "summary-1.json": Summary(
        "kzdvvj2umnduyauf", 1207, datetime(2026, 3, 14, 12, 0, 59, tzinfo=UTC), False, noon()
    ),
    "summary-1-day-end.json": Summary(
        "kzdvvj2umnduyauf", 1267, datetime(2026, 3, 15, 3, 0, tzinfo=UTC), True, last_of_day()
    ),
}


@pytest.mark.parametrize("name", GOLDEN_MESSAGES)
def test_golden_bytes(name: str) -> None:
    golden = (GOLDEN / name).read_bytes()
    assert encode(GOLDEN_MESSAGES[name]) == golden
    assert encode(decode(golden)) == golden
    assert decode(golden).cell == GOLDEN_MESSAGES[name].cell


def test_a_message_is_a_few_hundred_bytes() -> None:
    assert len((GOLDEN / "summary-1.json").read_bytes()) < 700
    assert len((GOLDEN / "summary-1-day-end.json").read_bytes()) < 800


def test_the_second_of_release_is_not_told() -> None:
    assert decode((GOLDEN / "summary-1.json").read_bytes()).made_at.second == 0


@given(cells(), st.integers(1, MAX_SEQUENCE), st.booleans(), st.integers(0, 40 * 24 * 60))
def test_round_trip(cell: CellCounts, sequence: int, simulated: bool, minutes: int) -> None:
    made_at = cell.start + timedelta(minutes=minutes)
    summary = Summary("a2" * 8, sequence, made_at, simulated, cell)
    assert decode(encode(summary)) == summary
    assert decode_release(encode_release(cell)) == cell


def test_the_largest_message_fits() -> None:
    counts = {name: Count(-MAX_COUNT, MAX_BOUND, "99.999999") for name in COUNT_ROWS}
    edges = tuple(range(86_388, 86_401))
    dwell = DwellCounts(date(2026, 3, 14), edges, (-MAX_COUNT,) * 12, MAX_BOUND, "99.999999")
    start = datetime(2026, 3, 15, 2, 45, tzinfo=UTC)
    sketch = replace(SKETCH, bits=b"", symbols=bytes(MAX_PLACES), epsilon="99.999999")
    cell = CellCounts(start, 3, State.NO_MONITOR_MODE, Mode.DEFAULT, counts, dwell, sketch)
    assert len(encode(Summary("a" * 16, MAX_SEQUENCE, start, False, cell))) < MAX_BYTES


def changed(path: str, value: object, name: str = "summary-1.json") -> bytes:
    """Return the golden message with one member set (or removed, when ``value`` is ...)."""
    message = json.loads((GOLDEN / name).read_bytes())
    *parents, last = path.split(".")
    place = message
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(message).encode()


BROKEN = [
    ("format", "chaland.summary/2", "reads chaland.summary/1"),
    ("format", ..., "is missing"),
    ("sensor", "00:11:22:33:44:55", "16 letters"),
    ("sensor", 3, "16 letters"),
    ("sequence", 0, "from 1"),
    ("sequence", True, "whole number"),
    ("sequence", 2**53, "from 1"),
    ("made_at", "2026-03-14T12:00:01Z", "minute"),
    ("made_at", "2026-03-14 12:00", "instant"),
    ("start", "2026-03-14T11:46:00Z", "quarter"),
    ("start", "1970-01-01T00:00:00Z", "2000"),
    ("start", None, "instant"),
    ("windows", 4, "from 0 to 3"),
    ("state", "fine", "one of ok, deaf"),
    ("state", [], "one of ok, deaf"),
    ("mode", "strict", "absent in strict mode"),
    ("simulated", 0, "true or false"),
    ("counts", [], "JSON object"),
    ("counts", {}, "empty"),
    ("counts.macs", {"value": 1}, "unknown"),
    ("counts.scans.row", "E2", "must be E1"),
    ("counts.scans.value", 1.5, "whole number"),
    ("counts.scans.value", 10**9, "from -1000000"),
    ("counts.scans.bound", 0, "from 1"),
    ("counts.scans.epsilon", 0.25, "decimal"),
    ("counts.scans.epsilon", "0", "decimal"),
    ("counts.scans.epsilon", "0.50", "decimal"),
    ("counts.scans.epsilon", "inf", "decimal"),
    ("counts.scans.address", "x", "not a member"),
    ("rssi", -70, "not a member"),
]


def test_counts_of_no_window_are_refused() -> None:
    """They would be a second release of a cell that no account knows of."""
    with pytest.raises(WireErrorFinal, match="empty when no window") as caught:
        decode(changed("windows", 0))
    assert caught.value.field == "counts"


@pytest.mark.parametrize(("path", "value", "problem"), BROKEN)
def test_what_breaks_a_rule_is_named(path: str, value: object, problem: str) -> None:
    with pytest.raises(WireErrorFinal, match=problem) as caught:
        decode(changed(path, value))
    named = {"mode": "counts.fingerprints"}.get(path, path)
    assert caught.value.field == named
    assert str(caught.value).startswith(named)


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("dwell.row", "E3", "must be E4"),
        ("dwell.day", "2026-03-17", "local day"),
        ("dwell.day", "2026-01-01", "local day"),
        ("dwell.day", 20260314, "day"),
        ("dwell.edges_s", [0, 300, 300, 1200, 2400, 3600, 7200], "increase"),
        ("dwell.edges_s", [0], "list of"),
        ("dwell.counts", [1, 2], "list of 6"),
        ("dwell.counts", [1, 2, 3, 4, 5, "6"], "whole number"),
        ("dwell.last_seen", 1, "not a member"),
        ("dwell", None, "JSON object"),
    ],
)
def test_what_breaks_a_dwell_rule_is_named(path: str, value: object, problem: str) -> None:
    with pytest.raises(WireErrorFinal, match=problem) as caught:
        decode(changed(path, value, "summary-1-day-end.json"))
    assert caught.value.field.startswith(path)


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("sketch.row", "E4", "must be E5"),
        ("sketch.day", "2026-03-17", "local day"),
        ("sketch.since", "2026-03-14T08:31:00Z", "quarter"),
        ("sketch.since", "2026-03-15T03:00:00Z", "not be after"),
        ("sketch.key", "00112233445566FF", "16 hexadecimal"),
        ("sketch.key", "00112233445566ff00", "16 hexadecimal"),
        ("sketch.epsilon", 2, "decimal"),
        ("sketch.bits", MAX_PLACES + 1, "from 0"),
        ("sketch.ordered", MAX_PLACES - 10, "from 0"),
        ("sketch.bits", 20, "base64 of 4 bytes"),
        ("sketch.places", "WZQ", "base64 of 3 bytes"),
        ("sketch.places", "WZ QS", "base64 of"),
        ("sketch.places", "WZQS\n", "base64 of"),
        ("sketch.places", "WZQyAA==", "base64 of 3 bytes"),
        ("sketch.places", "WZwS", "no bit and no symbol"),  # symbol 3
        ("sketch.places", "WZQy", "no bit and no symbol"),  # a bit past the last place
        ("sketch.addresses", 1, "not a member"),
        ("sketch", [], "JSON object"),
    ],
)
def test_what_breaks_a_sketch_rule_is_named(path: str, value: object, problem: str) -> None:
    with pytest.raises(WireErrorFinal, match=problem) as caught:
        decode(changed(path, value, "summary-1-day-end.json"))
    assert caught.value.field.startswith("sketch")


def test_the_sketchs_places_are_packed_lowest_first() -> None:
    """11 bits 10011010 001, then symbols 2 0 1 1 2 of two bits each: bytes 59 94 12."""
    message = json.loads((GOLDEN / "summary-1-day-end.json").read_bytes())
    assert base64.b64decode(message["sketch"]["places"]) == bytes.fromhex("599412")


@pytest.mark.parametrize("day", ["2026-03-13", "2026-03-14", "2026-03-15", "2026-03-16"])
def test_a_local_day_may_lie_before_or_after_the_cells_date_in_utc(day: str) -> None:
    """East of UTC+4 a recording that ends in the morning ends a day that UTC has not begun."""
    summary = decode(changed("dwell.day", day, "summary-1-day-end.json"))
    assert summary.cell.dwell
    assert summary.cell.dwell.day == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "not JSON"),
        (b"[]", "JSON object"),
        (b"\xff\xfe{", "not ASCII"),
        (b'{"format": NaN}', "not a number"),
        (b"[" * MAX_BYTES, "nested too deeply|not JSON"),
        (b'{"format": "a", "format": "b"}', "twice"),
        (b" " * (MAX_BYTES + 1), f"at most {MAX_BYTES}"),
    ],
)
def test_what_is_no_message_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(WireErrorFinal, match=problem):
        decode(body)


def test_another_spelling_is_refused() -> None:
    """White space or order could carry what the numbers may not."""
    golden = (GOLDEN / "summary-1.json").read_bytes()
    message = json.loads(golden)
    spellings = [
        golden + b"\n",
        golden.replace(b", ", b",", 1),
        json.dumps(dict(reversed(message.items()))).encode(),
        golden.replace(b'"ok"', b'"\\u006fk"'),
        golden.replace(b'"value": 4,', b'"value": -0,'),
    ]
    for spelling in spellings:
        with pytest.raises(WireErrorFinal, match="order and spacing"):
            decode(spelling)


def test_what_breaks_a_rule_is_not_even_written() -> None:
    cell = noon()
    wild = CellCounts(cell.start, 3, cell.state, cell.mode, {"phones": Count(1, 1, "1")})
    with pytest.raises(WireErrorFinal, match=r"counts\.phones"):
        encode_release(wild)
    with pytest.raises(WireErrorFinal, match="sequence"):
        encode(Summary("a" * 16, 0, cell.start, False, cell))


@given(st.binary(max_size=300))
def test_junk_is_refused_and_never_breaks(body: bytes) -> None:
    with pytest.raises(WireErrorFinal):
        decode(body)


@given(st.data())
def test_a_damaged_message_is_refused_or_differs(data: st.DataObject) -> None:
    """Flip one byte of a message: it is refused, or it is another valid message."""
    golden = bytearray((GOLDEN / "summary-1.json").read_bytes())
    at = data.draw(st.integers(0, len(golden) - 1))
    golden[at] ^= data.draw(st.integers(1, 255))
    try:
        read = decode(bytes(golden))
    except WireErrorFinal:
        return
    assert encode(read) == bytes(golden)
