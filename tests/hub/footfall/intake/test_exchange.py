"""The exchange: keys pass through, the hub reads none; who may not take part passes nothing on."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from nacl.signing import SigningKey

from chaland.hub.association.models import Association, Shop, Zone
from chaland.hub.footfall.intake.exchange import relay
from chaland.hub.footfall.models import (
    Charter,
    DayKey,
    DropCount,
    ObjectionBit,
    SealedCopy,
    TownKey,
)
from chaland.hub.footfall.services import objections, town_keys
from chaland.hub.footfall.services.agreements import withdraw
from chaland.hub.footfall.services.enrolment import revoke
from chaland.hub.footfall.services.objections import NEW_A_DAY
from chaland.hub.footfall.services.trial import ENDS_ON, sign_trial_charter
from chaland.wire import answers, charter
from chaland.wire import exchange as wire
from chaland.wire.answers import Answer, Code
from chaland.wire.exchange import SealedCopy as Copy
from chaland.wire.signature import sign
from tests.hub.footfall.intake.boxes import NOW, TOWN_KEY, enrol
from tests.hub.footfall.intake.talkers import DAY, OURS, THEIRS, Talker

pytestmark = pytest.mark.django_db(databases=["default", "footfall"])


def drops() -> dict[str, int]:
    return dict(DropCount.objects.values_list("reason", "count"))


def test_the_first_key_that_is_offered_reaches_all(talkers: list[Talker]) -> None:
    first, second, third = talkers
    assert second.say().key == "", "nobody has offered one"
    said = first.say(offers=OURS)
    assert (said.key, said.copy) == (OURS, None)
    assert [each.sensor for each in said.wanting] == [second.name]
    assert third.say(offers=THEIRS).key == OURS
    said = first.say(holds=OURS)
    assert {each.sensor for each in said.wanting} == {second.name, third.name}
    assert all(
        wire.is_day_key(each, DAY, bytes(t.box.sensor.public_key))
        for each in said.wanting
        for t in talkers
        if t.name == each.sensor
    )
    copies = (first.seal(second, box=b"2" * 80), first.seal(third, box=b"3" * 80))
    assert first.say(holds=OURS, copies=copies).wanting == ()
    assert second.say().copy == copies[0]
    assert third.say().copy == copies[1]
    assert not SealedCopy.objects.exists(), "fetched is deleted"
    assert drops() == {}


def test_a_copy_that_got_lost_is_wanted_again(talkers: list[Talker]) -> None:
    first, second, _ = talkers
    second.say()
    first.say(offers=OURS, copies=(first.seal(second),))
    assert second.say().copy is not None
    assert first.say(holds=OURS).wanting == (second.day_key,)


def test_a_sensor_that_starts_anew_gets_no_copy_for_its_former_key(talkers: list[Talker]) -> None:
    first, second, _ = talkers
    second.say()
    first.say(offers=OURS, copies=(first.seal(second),))
    second.secret = type(second.secret).generate()
    assert second.say().copy is None
    assert first.say(holds=OURS).wanting == (second.day_key,)


def test_a_key_without_a_holder_gives_way_to_the_next(talkers: list[Talker]) -> None:
    first, second, third = talkers
    first.say(offers=OURS)
    second.at = third.at = NOW + timedelta(minutes=9)
    assert second.say(offers=THEIRS).key == OURS
    for minutes in (11, 16):
        third.at = NOW + timedelta(minutes=minutes)
        assert third.say(offers=THEIRS).key == OURS, "the hub may have been away, not the holder"
    third.at = NOW + timedelta(minutes=22)
    assert third.say(offers=THEIRS).key == THEIRS
    first.at = third.at
    assert first.say(holds=OURS).key == THEIRS, "it must drop its key and ask anew"


def test_a_holder_that_forgot_its_key_does_not_hold_the_town_up(talkers: list[Talker]) -> None:
    first, second, _ = talkers
    first.say(offers=OURS)
    assert first.say(offers=THEIRS).key == THEIRS
    assert second.say(offers=OURS).key == THEIRS


def forgeries(first: Talker, second: Talker, third: Talker) -> dict[str, Copy]:
    good = first.seal(second)
    return {
        "for nobody": replace(good, recipient="a" * 16),
        "for oneself": first.seal(first),
        "another's key of the day": first.seal(second, key=THEIRS),
        "for a key that is not the recipient's": replace(good, recipient_key=bytes(32)),
        "in another's name": third.seal(second),
        "with another box": replace(good, box=b"x" * 80),
    }


def test_copies_that_are_not_right_are_left_out_and_counted(talkers: list[Talker]) -> None:
    first, second, third = talkers
    second.say()
    first.say(offers=OURS)
    for number, (kind, copy) in enumerate(forgeries(first, second, third).items(), 1):
        first.say(holds=OURS, copies=(copy,))
        assert not SealedCopy.objects.exists(), kind
        assert drops() == {"copy-refused": number}, kind


def test_who_does_not_hold_the_key_seals_nothing(talkers: list[Talker]) -> None:
    first, second, third = talkers
    second.say()
    first.say(offers=OURS)
    third.say(copies=(third.seal(second),))
    assert not SealedCopy.objects.exists()
    assert drops() == {"copy-refused": 1}


def test_a_forged_key_of_the_day_is_not_relayed(talkers: list[Talker]) -> None:
    first, second, _ = talkers
    first.say(offers=OURS)
    forged = replace(second.day_key, public_key=bytes(32))
    assert second.say(day_key=forged).key == ""
    assert first.say(holds=OURS).wanting == ()
    assert drops() == {"day-key-forged": 1}


def test_a_sensor_whose_days_process_ended_wants_nothing(talkers: list[Talker]) -> None:
    first, second, _ = talkers
    second.say()
    assert second.say(day_key=None).copy is None
    assert first.say(offers=OURS).wanting == ()


@pytest.mark.parametrize("how", ["not listed", "withdrawn", "ended", "outdated"])
def test_who_may_not_count_gets_charter_and_filter_and_takes_no_part(
    talkers: list[Talker], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, _ = talkers
    second.say(objected=(5,))
    if how == "not listed":
        first = Talker(
            replace(
                first.box, key=(key := SigningKey.generate()), sensor=enrol(key, Shop.objects.get())
            )
        )
    elif how == "withdrawn":
        withdraw(first.box.sensor.shop_id, DAY)
    elif how == "ended":
        stored = Charter.objects.get(version=3)
        stored.document = stored.document.replace(f"{ENDS_ON}", f"{DAY - timedelta(days=1)}")
        stored.save()
    else:
        monkeypatch.setattr("chaland.hub.footfall.charters.software_annex", lambda: "0" * 64)
    said = first.say(offers=OURS, objected=(7,))
    assert (said.key, said.wanting) == ("", ())
    assert charter.decode(said.charter.encode()).version == 3
    assert said.filter[0] == 1 << 5
    assert not TownKey.objects.exists()
    assert ObjectionBit.objects.count() == 1
    assert drops() == {"exchange-not-agreed": 1}


def test_a_shop_that_withdraws_stops_its_sensor_before_the_next_charter(
    talkers: list[Talker],
) -> None:
    first, second, _ = talkers
    elsewhere = Shop.objects.exclude(pk=first.box.sensor.shop_id).first()
    withdraw(first.box.sensor.shop_id, DAY)
    refused = first.send(wire.encode(first.ask(charter_version=3, objected=(7,))))
    assert isinstance(refused, Answer)
    assert refused.code is Code.NOT_AGREED
    assert not ObjectionBit.objects.exists()
    assert drops() == {"exchange-not-agreed": 1}
    assert first.say(charter_version=2).charter, "who has an older charter gets the newest first"
    if elsewhere and second.box.sensor.shop_id == elsewhere.pk:
        assert second.say(charter_version=3).key == ""


def test_charter_and_filter_come_only_when_they_are_newer(talkers: list[Talker]) -> None:
    first = talkers[0]
    said = first.say()
    assert charter.is_signed(charter.decode(said.charter.encode()))
    assert (said.filter_version, said.filter) == (0, b"")
    said = first.say(charter_version=3, objected=(0, 65_535))
    assert (said.charter, said.filter_version) == ("", 1)
    assert (said.filter[0], said.filter[-1], sum(said.filter)) == (1, 128, 129)
    said = talkers[1].say(charter_version=3, filter_version=1)
    assert (said.filter_version, said.filter) == (1, b"")
    objections.clear(Association.objects.get().pk, NOW)
    said = talkers[1].say(filter_version=1)
    assert (said.filter_version, sum(said.filter)) == (2, 0)


def test_objections_over_the_limit_are_counted_not_taken(talkers: list[Talker]) -> None:
    first = talkers[0]
    first.say(objected=tuple(range(NEW_A_DAY + 3)))
    assert ObjectionBit.objects.count() == NEW_A_DAY
    assert drops() == {"objection-over-limit": 3}


def test_towns_do_not_meet(talkers: list[Talker]) -> None:
    elsewhere = Association.objects.create(name="Autre", town="Autre Ville")
    zone = Zone.objects.create(association=elsewhere, name="Port", slug="port")
    shop = Shop.objects.create(association=elsewhere, zone=zone, name="Bar", slug="bar")
    key = SigningKey.generate()
    stranger = Talker(replace(talkers[0].box, key=key, sensor=enrol(key, shop)))
    sign_trial_charter(elsewhere.pk, TOWN_KEY, NOW)
    talkers[1].say(objected=(9,))
    first = talkers[0]
    first.say(offers=OURS)
    said = stranger.say(offers=THEIRS)
    assert (said.key, said.filter_version) == (THEIRS, 0)
    assert stranger.name not in {each.sensor for each in first.say(holds=OURS).wanting}
    first.say(holds=OURS, copies=(first.seal(stranger),))
    assert stranger.say(holds=THEIRS).copy is None
    assert drops() == {"copy-refused": 1}


REFUSED: dict[Code, Any] = {
    Code.MALFORMED: lambda t: t.send(wire.encode(t.ask()) + b" "),
    Code.OVERSIZED: lambda t: t.send(b" " * (wire.MAX_BYTES + 1)),
    Code.FORGED_SIGNATURE: lambda t: relay(
        wire.encode(t.ask()), replace(sign(t.box.key, 0, NOW, b"other"), sequence=0), NOW
    ),
    Code.CLOCK_JUMP: lambda t: relay(
        wire.encode(t.ask()),
        sign(t.box.key, 0, NOW - timedelta(minutes=11), wire.encode(t.ask())),
        NOW,
    ),
    Code.REVOKED_SENSOR: lambda t: (revoke(t.box.sensor, NOW), t.send(wire.encode(t.ask())))[1],
    Code.UNKNOWN_SENSOR: lambda t: relay(
        wire.encode(t.ask()), sign(SigningKey.generate(), 0, NOW, wire.encode(t.ask())), NOW
    ),
}


@pytest.mark.parametrize("code", REFUSED)
def test_each_refusal_is_said_and_counted(
    talkers: list[Talker], strangers: Any, code: Code
) -> None:
    said = REFUSED[code](talkers[0])
    assert isinstance(said, Answer)
    assert said.code is code
    strangers.flush()
    assert drops() == {f"exchange-{code}": 1}
    assert not DayKey.objects.exists()


@pytest.mark.parametrize("days", [-2, 2, 400])
def test_only_about_todays_keys_are_passed_on(talkers: list[Talker], days: int) -> None:
    said = talkers[0].send(wire.encode(talkers[0].ask(day=DAY + timedelta(days=days))))
    assert isinstance(said, Answer)
    assert (said.code, said.message.split(":")[0]) == (Code.MALFORMED, "day")


def test_keys_of_past_days_are_pruned(talkers: list[Talker]) -> None:
    first, second, _ = talkers
    second.say()
    first.say(offers=OURS, copies=(first.seal(second),))
    town_keys.prune(NOW + timedelta(days=1))
    assert TownKey.objects.exists(), "a day's process may outlive its day by a cell"
    assert town_keys.prune(NOW + timedelta(days=2)) == 4
    assert not any(model.objects.exists() for model in (TownKey, DayKey, SealedCopy))


def test_the_address_takes_sequence_0_only(make_box: Any) -> None:
    talker = Talker(make_box())
    body = wire.encode(talker.ask(day=timezone.now().date()))
    post = Client(enforce_csrf_checks=True).post

    def send(sequence: int) -> Any:
        headers = sign(talker.box.key, sequence, timezone.now(), body).headers()
        return post("/api/v1/exchange", body, content_type="application/json", headers=headers)

    response = send(0)
    assert response.status_code == 200
    assert wire.decode_answer(response.content).charter
    assert not response.cookies
    refused = send(1)
    assert refused.status_code == 400
    assert answers.decode(refused.content).message.startswith("Chaland-Sequence: must be 0")


def test_the_openapi_document_describes_it(client: Client) -> None:
    document = client.get("/api/v1/openapi.json").json()
    told = document["paths"]["/api/v1/exchange"]["post"]
    schema = told["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["required"]) >= {"day_key", "copies", "objected", "charter_version"}
    assert "200" in told["responses"]
