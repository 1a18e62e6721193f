"""Intake: exactly once, whole or not at all, and every refusal said and counted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from chaland.hub.association.models import Shop
from chaland.hub.footfall.intake import checks
from chaland.hub.footfall.intake import drops as count_of
from chaland.hub.footfall.intake.checks import SEQUENCE_JUMP_AT_MOST
from chaland.hub.footfall.intake.services import BATCHES_KEPT, Receipt, accept
from chaland.hub.footfall.models import Batch, Cell, Charter, DropCount, DwellDay, Mechanism, Sensor
from chaland.hub.footfall.services import create_door_token, shop_of_token
from chaland.hub.footfall.services.agreements import withdraw
from chaland.wire.answers import Code
from chaland.wire.mechanism import annex_digest
from chaland.wire.signature import sign
from chaland.wire.summary import MAX_BYTES, MAX_SEQUENCE, Count, DwellCounts, Mode, State, encode
from tests.hub.footfall.intake.boxes import enrol

pytestmark = pytest.mark.django_db(databases=["default", "footfall"])

GOLDEN = Path(__file__).parents[3] / "golden"
DWELL = DwellCounts(date(2026, 3, 14), (0, 300, 7200), (31, -2), 1, "0.25")


def stored() -> tuple[Any, ...]:
    """All that intake keeps, but for the counts of drops and the time of last contact."""
    tables = (Batch, Cell, DwellDay, Mechanism)
    rows = tuple(tuple(model.objects.order_by("pk").values_list()) for model in tables)
    return rows, tuple(Sensor.objects.values_list("last_sequence", "last_state"))


def drops() -> dict[str, int]:
    return dict(DropCount.objects.values_list("reason", "count"))


def test_a_summary_becomes_a_cell(box: Any, shop: Shop) -> None:
    receipt = box.send(box.summary(1))
    assert receipt.answer.code is Code.ACCEPTED
    cell = Cell.objects.get()
    assert (cell.shop_id, cell.start) == (shop.pk, datetime(2026, 3, 14, 12, tzinfo=UTC))
    assert (cell.windows, cell.state) == (3, "ok")
    assert (cell.fingerprints, cell.scans, cell.arrivals, cell.passers_by) == (41, 96, -4, 2)
    assert cell.mechanism.counts["scans"] == {"row": "E1", "bound": 3, "epsilon": "0.15"}
    assert Sensor.objects.values_list("last_sequence", "last_state").get() == (1, "ok")
    assert drops() == {}


def test_the_golden_message_is_accepted_as_the_sensor_wrote_it(
    shop: Shop, sign_charter: Callable[[], Charter]
) -> None:
    key = SigningKey(bytes(range(32)))
    at = datetime(2026, 3, 15, 3, 0, 5, tzinfo=UTC)
    enrol(key, shop)
    sign_charter()
    town = shop.association
    town.simulated = True
    town.save()
    body = (GOLDEN / "summary-1-day-end.json").read_bytes()
    receipt = accept(body, sign(key, 1267, at, body), at)
    assert receipt.answer.code is Code.ACCEPTED
    assert receipt.missing == 1266
    cell, dwell = Cell.objects.get(), DwellDay.objects.get()
    assert (cell.fingerprints, cell.scans, cell.mechanism.mode) == (None, -1, "strict")
    assert (dwell.day, dwell.counts) == (date(2026, 3, 14), [31, 18, 9, 4, -2, 1])
    assert dwell.edges_s == [0, 300, 600, 1200, 2400, 3600, 7200]


def test_the_same_again_changes_nothing(box: Any) -> None:
    box.send(box.summary(1, dwell=DWELL))
    before = stored()
    again = box.send(box.summary(1, dwell=DWELL), at=box.at(9))
    assert again.answer.code is Code.DUPLICATE
    assert again.answer.last_sequence == 1
    assert stored() == before
    assert drops() == {"duplicate": 1}


def test_a_duplicate_is_known_even_when_it_has_become_old(box: Any) -> None:
    box.send(box.summary(1))
    late = box.at(1) + timedelta(days=40)
    assert box.send(box.summary(1), at=late).answer.code is Code.DUPLICATE


def test_a_gap_is_accepted_and_noted(box: Any) -> None:
    box.send(box.summary(1))
    receipt = box.send(box.summary(5))
    assert (receipt.answer.code, receipt.missing) == (Code.ACCEPTED, 3)
    assert "3 numbers" in receipt.answer.message
    assert drops() == {"gap": 1}


Refusal = Callable[[Any], Any]


def withdrawn(box: Any) -> Receipt:
    withdraw(box.sensor.shop_id, date(2026, 3, 14))
    return box.send(box.summary(4))


def outdated(box: Any) -> Receipt:
    charter = Charter.objects.get()
    charter.document = charter.document.replace(annex_digest(), "0" * 64)
    charter.save()
    return box.send(box.summary(4))


REFUSALS: dict[Code, Refusal] = {
    Code.SEQUENCE_CONFLICT: lambda box: box.send(box.summary(1, windows=2)),
    Code.SEQUENCE_REPLAYED: lambda box: box.send(box.summary(2), at=box.at(9)),
    Code.CLOCK_JUMP: lambda box: accept(
        body := encode(box.summary(4)),
        sign(box.key, 4, box.at(4) - timedelta(minutes=11), body),
        box.at(4),
    ),
    Code.FORGED_SIGNATURE: lambda box: accept(
        body := encode(box.summary(4)),
        replace(sign(box.key, 4, box.at(4), body), sequence=5),
        box.at(4),
    ),
    Code.UNKNOWN_SENSOR: lambda box: accept(
        body := encode(box.summary(4)),
        sign(SigningKey.generate(), 4, box.at(4), body),
        box.at(4),
    ),
    Code.OVERSIZED: lambda box: box.send(b" " * (MAX_BYTES + 1), sequence=4),
    Code.FUTURE_DATED: lambda box: box.send(box.summary(40), at=box.at(30)),
    Code.TOO_OLD: lambda box: box.send(box.summary(4), at=box.at(4) + timedelta(days=32)),
    Code.MALFORMED: lambda box: box.send(encode(box.summary(4)) + b" ", sequence=4),
    Code.CELL_REPEATED: lambda box: box.send(
        box.summary(4, start=box.summary(3).cell.start), sequence=4
    ),
    Code.DWELL_REPEATED: lambda box: box.send(box.summary(4, dwell=DWELL)),
    Code.SIMULATED: lambda box: box.send(box.summary(4, simulated=True)),
    Code.OVER_BUDGET: lambda box: box.send(
        box.summary(4, counts={"arrivals": Count(3, 1, "0.47")})
    ),
    Code.NOT_AGREED: withdrawn,
    Code.CHARTER_OUTDATED: outdated,
}


@pytest.mark.parametrize("code", REFUSALS)
def test_each_refusal_is_said_counted_and_leaves_nothing(box: Any, code: Code) -> None:
    box.send(box.summary(1, dwell=DWELL))
    box.send(box.summary(3))  # 2 never came
    DropCount.objects.all().delete()
    before = stored()
    receipt = REFUSALS[code](box)
    assert receipt.answer.code is code
    assert receipt.answer.message.endswith((".", "lost."))
    assert stored() == before
    assert drops() == {code.value: 1}


def test_every_refusal_is_tested() -> None:
    accepted = {Code.ACCEPTED, Code.DUPLICATE}
    assert set(REFUSALS) == set(Code) - accepted - {Code.REVOKED_SENSOR}


def test_a_revoked_sensor_is_told_so(box: Any) -> None:
    from chaland.hub.footfall.services.enrolment import revoke

    box.send(box.summary(1))
    revoke(box.sensor, box.at(1))
    before = stored()
    receipt = box.send(box.summary(2))
    assert receipt.answer.code is Code.REVOKED_SENSOR
    assert stored() == before
    assert drops() == {"revoked-sensor": 1}


def test_a_sensor_whose_shop_has_left_is_told_so(box: Any, shop: Shop) -> None:
    shop.delete()
    assert box.send(box.summary(1)).answer.code is Code.REVOKED_SENSOR
    assert not Cell.objects.exists()


def test_another_sensors_number_or_name_is_refused_by_name(box: Any, make_box: Any) -> None:
    other = make_box()
    answer = box.send(encode(other.summary(1))).answer
    assert answer.code is Code.MALFORMED
    assert answer.message.startswith("sensor: ")
    answer = box.send(encode(box.summary(2)), sequence=3).answer
    assert answer.message.startswith("sequence: ")


def test_a_malformed_summary_names_its_field(box: Any) -> None:
    body = encode(box.summary(1)).replace(b'"windows": 3', b'"windows": 9')
    assert box.send(body).answer.message.startswith("windows: must be from 0 to 3")


def test_the_last_number_is_told_to_the_sensor_only(box: Any) -> None:
    box.send(box.summary(7))
    assert REFUSALS[Code.FORGED_SIGNATURE](box).answer.last_sequence == 0
    assert REFUSALS[Code.CLOCK_JUMP](box).answer.last_sequence == 7


def test_junk_from_strangers_costs_a_write_a_minute_and_is_counted_whole(
    box: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 1000.0
    strangers = count_of.Strangers(lambda: at)
    monkeypatch.setattr(count_of, "strangers", strangers)
    for _ in range(30):
        REFUSALS[Code.UNKNOWN_SENSOR](box)
        REFUSALS[Code.FORGED_SIGNATURE](box)
    assert drops() == {"unknown-sensor": 1, "forged-signature": 1}
    at += count_of.WRITE_EVERY_S
    REFUSALS[Code.UNKNOWN_SENSOR](box)
    assert drops()["unknown-sensor"] == 31
    strangers.close()
    assert set(DropCount.objects.values_list("sensor", "reason", "count")) == {
        (None, "unknown-sensor", 31),
        (box.sensor.pk, "forged-signature", 30),
    }


def test_counts_of_strangers_wait_for_a_database_that_fails(
    box: Any, strangers: count_of.Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(count_of, "write", fail)
        with pytest.raises(DatabaseError):
            strangers.count("unknown-sensor", box.at(1))
    strangers.flush()
    assert drops() == {"unknown-sensor": 1}


def test_counts_under_a_sensor_that_was_deleted_are_kept(
    box: Any, strangers: count_of.Strangers
) -> None:
    for _ in range(2):
        REFUSALS[Code.FORGED_SIGNATURE](box)
    box.sensor.delete()
    strangers.flush()
    left = DropCount.objects.get()
    assert (left.sensor, left.reason, left.count) == (None, "forged-signature", 1)


def test_drops_are_counted_by_local_day(box: Any) -> None:
    """01:30 UTC is 03:30 in the shop in summer: still the day before."""
    at = datetime(2026, 7, 2, 1, 30, tzinfo=UTC)
    box.send(b"{}", at=at)
    assert DropCount.objects.get().day == date(2026, 7, 1)


def test_a_deaf_cell_without_counts_is_stored_as_a_gap(box: Any) -> None:
    box.send(box.summary(1, windows=0, state=State.NO_MONITOR_MODE, counts={}))
    cell = Cell.objects.get()
    assert (cell.windows, cell.scans, cell.state) == (0, None, "no-monitor-mode")
    assert Sensor.objects.get().last_state == "no-monitor-mode"


def test_cells_share_their_mechanism(box: Any, make_box: Any) -> None:
    other = make_box()
    for sequence in (1, 2):
        box.send(box.summary(sequence))
        other.send(other.summary(sequence))
    assert Cell.objects.count() == 4
    assert Mechanism.objects.count() == 1
    counts = dict(box.summary(3).cell.counts)
    del counts["fingerprints"]
    box.send(box.summary(3, mode=Mode.STRICT, counts=counts))
    assert Mechanism.objects.count() == 2


def test_old_batch_rows_go_and_cells_stay(box: Any) -> None:
    box.send(box.summary(1))
    Batch.objects.update(received_at=box.at(96) - BATCHES_KEPT - timedelta(days=1))
    box.send(box.summary(96))
    assert list(Batch.objects.values_list("sequence", flat=True)) == [96]
    assert Cell.objects.count() == 2
    assert box.send(box.summary(1), at=box.at(97)).answer.code is Code.SEQUENCE_REPLAYED


def test_nothing_half_written_when_the_database_fails_in_the_middle(
    box: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored()

    def fail(*args: object, **kwargs: object) -> None:
        raise DatabaseError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(DwellDay.objects, "create", fail)
        with pytest.raises(DatabaseError):
            box.send(box.summary(1, dwell=DWELL))
    assert stored() == before
    assert box.send(box.summary(1, dwell=DWELL)).answer.code is Code.ACCEPTED


def test_a_fault_in_the_figures_does_not_lose_or_repeat_the_summary(
    box: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("chaland.hub.footfall.services.refresh_figures", fail)
        assert box.send(box.summary(1)).answer.code is Code.ACCEPTED
    assert Cell.objects.count() == 1
    assert drops() == {"figures-stale": 1}


def test_the_figures_are_renewed(box: Any, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, set[datetime]]] = []
    monkeypatch.setattr(
        "chaland.hub.footfall.services.refresh_figures", lambda *args: calls.append(args)
    )
    box.send(box.summary(1))
    box.send(box.summary(1))
    REFUSALS[Code.FORGED_SIGNATURE](box)
    assert calls == [(shop.pk, {datetime(2026, 3, 14, 12, tzinfo=UTC)})]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(1, 8), max_size=20))
def test_any_order_of_sending_ends_in_each_cell_once(make_box: Any, order: list[int]) -> None:
    """Delays, repeats and reorderings by the network: cells are single, numbers only grow."""
    box = make_box()
    taken: set[int] = set()
    for sequence in order:
        code = box.send(box.summary(sequence), at=box.at(9)).answer.code
        if sequence in taken:
            assert code is Code.DUPLICATE
        elif sequence < max(taken, default=0):
            assert code is Code.SEQUENCE_REPLAYED
        else:
            assert code is Code.ACCEPTED
            taken.add(sequence)
    cells = Cell.objects.filter(sensor=box.sensor)
    assert {cell.start for cell in cells} == {box.summary(n).cell.start for n in taken}
    assert len(cells) == len(taken)


@pytest.mark.parametrize("year", [1999, 2101, 9999])
def test_an_instant_of_another_century_is_refused_by_name_and_counted(box: Any, year: int) -> None:
    body = encode(box.summary(1)).replace(b'"start": "2026-', b'"start": "%d-' % year)
    answer = box.send(body).answer
    assert answer.code is Code.MALFORMED
    assert answer.message.startswith("start: must be of the years 2000 to 2100")
    assert drops() == {"malformed": 1}


def test_a_leap_of_numbers_is_refused_and_does_not_shut_the_box_out(box: Any) -> None:
    box.send(box.summary(1))
    for leap in (MAX_SEQUENCE, 2 + SEQUENCE_JUMP_AT_MOST):
        body = encode(replace(box.summary(2), sequence=leap))
        answer = box.send(body, sequence=leap, at=box.at(2)).answer
        assert (answer.code, answer.last_sequence) == (Code.MALFORMED, 1)
        assert answer.message.startswith("sequence: ")
    assert box.send(box.summary(2)).answer.code is Code.ACCEPTED
    body = encode(replace(box.summary(3), sequence=2 + SEQUENCE_JUMP_AT_MOST))
    receipt = box.send(body, sequence=2 + SEQUENCE_JUMP_AT_MOST, at=box.at(3))
    assert receipt.answer.code is Code.ACCEPTED


def test_a_sensor_revoked_while_its_summary_is_checked_stores_nothing(
    box: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def revoke_meanwhile(*_: object) -> None:
        Sensor.objects.update(revoked_at=box.at(1))

    monkeypatch.setattr(checks, "timely", revoke_meanwhile)
    assert box.send(box.summary(1)).answer.code is Code.REVOKED_SENSOR
    assert not Cell.objects.exists()


def test_a_shop_that_leaves_takes_its_sensors_and_tokens_along(
    box: Any, make_box: Any, shop: Shop
) -> None:
    """Deleted alone, or with its whole association; what other shops have stays."""
    token = create_door_token(shop.pk, "door")
    other = Shop.objects.create(
        association=shop.association, zone=shop.zone, name="Café", slug="cafe"
    )
    elsewhere = make_box()
    Sensor.objects.filter(pk=elsewhere.sensor.pk).update(shop_id=other.pk)
    shop.delete()
    assert shop_of_token(token) is None
    assert Sensor.objects.get(pk=box.sensor.pk).revoked_at is not None
    assert Sensor.objects.get(pk=elsewhere.sensor.pk).revoked_at is None
    other.association.shops.all().delete()
    assert not Sensor.objects.filter(revoked_at=None).exists()
