"""Many at once on PostgreSQL: one wins, the others are told, none is lost.

Not collected on SQLite (see conftest.py), whose databases in memory know no waiting; there, the
same is tried with files in test_rivals.py, and with several server processes in
tests/sensor/uplink/test_end_to_end.py.
"""

from collections import Counter
from typing import Any

import pytest
from nacl.signing import SigningKey

from chaland.hub.association.models import Shop
from chaland.hub.footfall.models import (
    Batch,
    BudgetEntry,
    Cell,
    DropCount,
    EnrolmentCode,
    Mechanism,
    ObjectionBit,
    Sensor,
    TownKey,
)
from chaland.hub.footfall.services import drops
from chaland.hub.footfall.services.enrolment import (
    EnrolmentErrorFinal,
    create_enrolment_code,
    redeem,
)
from chaland.wire.answers import Code
from chaland.wire.enrolment import request
from chaland.wire.summary import State
from tests.hub.footfall.intake.rivals import AT_ONCE, at_once, offer, overspend

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_same_summary_by_many_is_stored_once(box: Any) -> None:
    codes = Counter(at_once(lambda _: box.send(box.summary(1)).answer.code))
    assert codes == {Code.ACCEPTED: 1, Code.DUPLICATE: AT_ONCE - 1}
    assert (Batch.objects.count(), Cell.objects.count()) == (1, 1)
    assert dict(DropCount.objects.values_list("reason", "count")) == {"duplicate": AT_ONCE - 1}


def test_one_number_for_many_summaries_goes_to_one(box: Any) -> None:
    codes = Counter(
        at_once(lambda n: box.send(box.summary(1, state=list(State)[n % 4])).answer.code)
    )
    assert codes[Code.ACCEPTED] == 1
    assert codes[Code.ACCEPTED] + codes[Code.DUPLICATE] == AT_ONCE / 4
    assert codes[Code.SEQUENCE_CONFLICT] == AT_ONCE * 3 / 4
    assert (Batch.objects.count(), Cell.objects.count()) == (1, 1)


def test_many_sensors_share_one_new_mechanism(make_box: Any) -> None:
    boxes = [make_box() for _ in range(AT_ONCE)]
    codes = at_once(lambda n: boxes[n].send(boxes[n].summary(1)).answer.code)
    assert codes == [Code.ACCEPTED] * AT_ONCE
    assert (Cell.objects.count(), Mechanism.objects.count()) == (AT_ONCE, 1)


def test_one_code_for_many_boxes_enrols_one(shop: Shop, box: Any) -> None:
    code, now = create_enrolment_code(shop.pk, "", box.at(1)), box.at(1)
    keys = [SigningKey.generate() for _ in range(AT_ONCE)]

    def ask(number: int) -> str:
        try:
            return redeem(request(keys[number], code), now).identifier
        except EnrolmentErrorFinal as error:
            return error.code

    said = Counter(at_once(ask))
    assert said["code-used"] == AT_ONCE - 1
    (enrolled,) = set(said) - {"code-used"}
    assert set(Sensor.objects.values_list("identifier", flat=True)) == {
        enrolled,
        box.sensor.identifier,
    }
    assert EnrolmentCode.objects.get().sensor == Sensor.objects.get(identifier=enrolled)


def test_drops_of_unknown_senders_add_up_in_one_row(box: Any) -> None:
    at_once(lambda _: [drops.count("malformed", box.at(1)) for _ in range(5)])
    assert list(DropCount.objects.values_list("sensor", "count")) == [(None, 5 * AT_ONCE)]


def test_of_many_keys_that_are_offered_one_wins(make_box: Any) -> None:
    said = offer([make_box() for _ in range(AT_ONCE)])
    assert list(said.values()) == [AT_ONCE]
    assert TownKey.objects.get().key in said
    assert ObjectionBit.objects.count() == AT_ONCE


def test_no_more_is_spent_than_there_is(make_box: Any) -> None:
    assert overspend([make_box() for _ in range(AT_ONCE)], 3) == {"stored": 3, "refused": 5}
    assert set(BudgetEntry.objects.values_list("releases", flat=True)) == {3}
