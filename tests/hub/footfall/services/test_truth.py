"""Ground truth in, calibration out: idempotent, exact tallies, files with each bad row named."""

import contextlib
import csv
import io
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.footfall import estimates, selectors, services
from chaland.hub.footfall.models import Calibration, Cell, DayFigure, DoorCount
from chaland.hub.footfall.rules import Unit
from chaland.hub.footfall.services.door_rows import CountRow, RowErrorFinal, check, parse
from chaland.hub.footfall.services.tally import Tap, tally_rows
from tests import builders

NOW = datetime(2026, 11, 21, 15, 20, tzinfo=UTC)
START = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)


def read(text: str | bytes) -> tuple[list[CountRow], list[tuple[int, str]]]:
    content = text.encode() if isinstance(text, str) else text
    parsed = parse(content, builders.PARIS, NOW)
    return parsed.rows, [(bad.line, bad.field) for bad in parsed.bad]


@pytest.mark.parametrize(
    "text",
    [
        "start,end,occupancy\n2026-11-20 15:00,2026-11-20 15:15,6.5\n",
        "début;fin;présents\n20/11/2026 15:00;20/11/2026 15:15;6,5\n",
        "\ufeffFin;Debut;Presents\n2026-11-20T15:15;2026-11-20T15:00;6,5\n",
        "start\tend\toccupancy\n2026-11-20T14:00Z\t2026-11-20T15:15+01:00\t6.5\n",
        "début;fin;présents\n20/11/2026 15:00;20/11/2026 15:15;6,5\n".encode("cp1252"),
    ],
)
def test_files_as_people_save_them(text: str | bytes) -> None:
    rows, bad = read(text)
    assert bad == []
    assert rows == [CountRow(START, START + timedelta(minutes=15), 6.5, None)]


def test_each_bad_row_is_named_and_the_others_stand() -> None:
    rows, bad = read(
        "start;end;occupancy;arrivals\n"
        "2026-11-20 15:00;2026-11-20 15:15;6;4\n"
        "yesterday;2026-11-20 15:15;6;4\n"
        "2026-11-20 15:30;2026-11-20 15:15;6;4\n"
        "2026-11-20 15:30;2026-11-20 15:45;-1;4\n"
        "2026-11-20 15:45;2026-11-20 16:00;nan;\n"
        "2026-11-20 16:00;2026-11-20 16:15;;\n"
        "2026-11-20 16:15;2026-11-20 16:30;5;2,5\n"
        "2030-11-20 16:15;2030-11-20 16:30;5;2\n"
        "2026-11-20 16:45;2026-11-20 22:30;5;2\n"
        "2026-03-29 02:30;2026-03-29 03:15;5;2\n"
    )
    assert len(rows) == 1
    assert bad == [
        (3, "start"),
        (4, "end"),
        (5, "occupancy"),
        (6, "occupancy"),
        (7, "occupancy"),
        (8, "arrivals"),
        (9, "end"),
        (10, "end"),
        (11, "start"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"name;price\nx;1\n",
        b"PK\x03\x04\x00\x00",
        b"start;end\n1;2\n",
        b"x" * 1_000_001,
    ],
)
def test_files_that_are_none_are_refused_whole(content: bytes) -> None:
    with pytest.raises(RowErrorFinal) as error:
        read(content)
    assert error.value.field == "file"


@given(st.binary(max_size=400))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    with contextlib.suppress(RowErrorFinal):
        parse(b"start;end;occupancy\n" + content, builders.PARIS, NOW)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 500), st.integers(5, 240), st.floats(0, 4_999), st.integers(0, 4_999)
        ),
        max_size=20,
        unique_by=lambda row: row[0],
    )
)
def test_what_is_written_is_read_back(given_rows: list[tuple[int, int, float, int]]) -> None:
    base = datetime(2026, 9, 1, tzinfo=UTC)
    rows = [
        CountRow(base + timedelta(hours=at), base + timedelta(hours=at, minutes=m), people, came)
        for at, m, people, came in given_rows
    ]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["start", "end", "occupancy", "arrivals"])
    writer.writerows([row.start, row.end, row.occupancy, row.arrivals] for row in rows)
    found, bad = read(text.getvalue())
    assert bad == []
    assert found == rows


def test_a_tally_is_the_exact_mean_of_its_steps() -> None:
    minute = timedelta(minutes=1)
    taps = [Tap(START + 5 * minute, 1), Tap(START + 10 * minute, 1), Tap(START + 20 * minute, -1)]
    rows = tally_rows(START, START + 30 * minute, 2, taps)
    assert [row.occupancy for row in rows] == [
        pytest.approx((2 * 5 + 3 * 5 + 4 * 5) / 15),
        pytest.approx((4 * 5 + 3 * 10) / 15),
    ]
    assert [row.arrivals for row in rows] == [2, 0]


def test_a_tally_that_ends_with_fewer_than_nobody_is_refused() -> None:
    with pytest.raises(RowErrorFinal) as error:
        tally_rows(START, START + timedelta(minutes=20), 0, [Tap(START, -1)])
    assert error.value.field == "present"


@given(
    st.integers(0, 3_600),
    st.integers(300, 20_000),
    st.integers(0, 50),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([1, -1])), max_size=40),
)
def test_tallies_keep_person_time(
    after_s: int, lasted_s: int, present: int, steps: list[tuple[float, int]]
) -> None:
    start = START + timedelta(seconds=after_s)
    end = start + timedelta(seconds=lasted_s)
    taps = [Tap(start + (end - start) * share, step) for share, step in sorted(steps)]
    try:
        rows = tally_rows(start, end, present, taps)
    except RowErrorFinal:
        return
    for row in rows:
        check(row, end)
        assert row.start.minute // 15 == (row.end - timedelta(microseconds=1)).minute // 15
    whole = [row for row in rows if (row.end - row.start) == timedelta(minutes=15)]
    assert len(whole) >= (lasted_s - 1800) // 900


@pytest.mark.django_db
def test_the_same_counts_twice_change_nothing_and_new_ones_replace() -> None:
    rows = [
        CountRow(START + timedelta(minutes=15 * i), START + timedelta(minutes=15 * i + 15), i, None)
        for i in range(4)
    ]
    first = services.record_door_counts(7, rows, "door")
    assert (first.added, first.replaced, first.unchanged) == (4, 0, 0)
    again = services.record_door_counts(7, rows, "door")
    assert (again.added, again.replaced, again.unchanged) == (0, 0, 4)
    changed = [*rows[:3], CountRow(rows[3].start, rows[3].end, 9.0, 2)]
    third = services.record_door_counts(7, changed, "door")
    assert (third.added, third.replaced, third.unchanged) == (0, 1, 3)
    assert DoorCount.objects.get(start=rows[3].start).occupancy == 9.0
    services.record_door_counts(8, rows, "door")
    assert DoorCount.objects.count() == 8


@pytest.mark.django_db
def test_counting_turns_an_index_into_people() -> None:
    """Truth from the builder's own rhythm, every second quarter hour of open hours, eight days."""
    cast = builders.build_cast(2)
    sensor = builders.build_sensor(cast.shop.pk, NOW)
    first, last = date(2026, 11, 2), date(2026, 11, 14)
    builders.build_cells(sensor, first, last, size=12.0)
    starts = np.array(
        [int(c.timestamp()) for c in Cell.objects.order_by("start").values_list("start", flat=True)]
    )
    people = builders.presence(starts, 12.0)
    rows = [
        CountRow(
            datetime.fromtimestamp(s, UTC), datetime.fromtimestamp(s + 900, UTC), float(p), None
        )
        for s, p in zip(starts.tolist(), people.tolist(), strict=True)
        if p > 0.5 and s // 900 % 2
    ]
    services.record_door_counts(cast.shop.pk, rows, "door")
    services.rebuild_figures()
    made = services.fit_calibration(cast.shop.pk, NOW)
    assert made.mode == "default"
    assert made.held_out_error < 0.35
    assert made.days >= 8
    counted = DayFigure.objects.get(day=date(2026, 11, 13))
    friday = builders.presence(np.arange(*_bounds(date(2026, 11, 13)), 900), 12.0).sum() / 4
    half = 1.645 * np.sqrt(counted.visits_variance) * counted.dwell_s / 3600
    assert counted.person_hours == pytest.approx(friday, abs=half + 0.15 * friday)
    assert made.stay is None  # nobody counted who came in
    assert selectors.units([cast.shop.pk], np.zeros(1)) == [Unit.INDEX]


@pytest.mark.django_db
@pytest.mark.parametrize("with_occupancy", [True, False])
def test_who_comes_in_turns_presence_into_visits(with_occupancy: bool) -> None:
    """Six people an hour for each one present: a stay of ten minutes, whatever can be followed."""
    cast = builders.build_cast(2)
    sensor = builders.build_sensor(cast.shop.pk, NOW)
    builders.build_cells(sensor, date(2026, 11, 2), date(2026, 11, 14), size=12.0)
    starts = np.array([int(s.timestamp()) for s in Cell.objects.values_list("start", flat=True)])
    people = builders.presence(starts, 12.0)
    came = np.random.default_rng(3).poisson(people * 6 / 4)
    rows = [
        CountRow(
            datetime.fromtimestamp(s, UTC),
            datetime.fromtimestamp(s + 900, UTC),
            float(p) if with_occupancy else None,
            int(c),
        )
        for s, p, c in zip(starts.tolist(), people.tolist(), came.tolist(), strict=True)
    ]
    services.record_door_counts(cast.shop.pk, rows, "door")
    made = services.fit_calibration(cast.shop.pk, NOW)
    assert made.stay is not None
    assert made.visits_error == made.stay["held_out_error"] < 0.35
    cube = selectors.read_cube([cast.shop.pk], date(2026, 11, 2), date(2026, 11, 14))
    assert cube.visits.sum() == pytest.approx(came.sum(), rel=0.03)
    if with_occupancy:
        assert made.stay["stay_s"] == pytest.approx(600, rel=0.08)


def _bounds(day: date) -> tuple[int, int]:
    from chaland.wire.periods import day_bounds

    begin, end = day_bounds(day, builders.PARIS)
    return int(begin.timestamp()), int(end.timestamp())


@pytest.mark.django_db
def test_too_little_truth_changes_nothing() -> None:
    cast = builders.build_cast(2)
    with pytest.raises(estimates.CalibrationFinal):
        services.fit_calibration(cast.shop.pk, NOW)
    services.record_door_counts(
        cast.shop.pk, [CountRow(START, START + timedelta(minutes=15), 5.0, None)], "tally"
    )
    with pytest.raises(estimates.CalibrationFinal) as error:
        services.fit_calibration(cast.shop.pk, NOW)
    assert error.value.reason is estimates.Refusal.TOO_FEW_CELLS
    assert not Calibration.objects.exists()


@pytest.mark.django_db
def test_a_token_opens_one_shop_until_it_is_revoked() -> None:
    token = services.create_door_token(5, "door")
    assert services.shop_of_token(token) == 5
    assert services.shop_of_token(token + "x") is None
    from chaland.hub.footfall.models import DoorToken

    stored = DoorToken.objects.get()
    assert token not in stored.token_hash
    assert not services.revoke_door_token(6, stored.pk, NOW)
    assert services.revoke_door_token(5, stored.pk, NOW)
    assert services.shop_of_token(token) is None
