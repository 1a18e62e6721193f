"""Agreements and the charter: who may count, and that the hub can't decide it alone."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation
from nacl.signing import SigningKey

from chaland.hub.common import clock
from chaland.hub.footfall import charters
from chaland.hub.footfall.models import Agreement, Charter, Measurement, Sensor
from chaland.hub.footfall.papers import notice
from chaland.hub.footfall.services.agreements import (
    AgreementErrorFinal,
    agree,
    notice_shown,
    withdraw,
)
from chaland.hub.footfall.services.charter import CharterErrorFinal, draft, receive, status
from chaland.hub.footfall.services.enrolment import revoke
from chaland.hub.footfall.services.trial import sign_trial_charter
from chaland.wire import charter as wire
from tests import builders
from tests.builders import Cast

pytestmark = pytest.mark.django_db

KEY = SigningKey(bytes(range(32)))
NOW = datetime(2026, 11, 18, 11, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def november(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(clock, "_read", lambda: NOW)
    with translation.override("en"):
        yield


@pytest.fixture
def cast() -> Cast:
    """A town of two shops with a sensor each; the first has agreed and put its notice up."""
    cast = builders.build_cast(2)
    Measurement.objects.create(
        association_id=cast.association.pk,
        controller="Les Vitrines de Port-Lin",
        contact="bonjour@port-lin.example",
        purpose="know when streets live",
        public_page="https://port-lin.example/privacy/",
        ends_on=TODAY + timedelta(days=100),
        town_key=wire.fingerprint(bytes(KEY.verify_key)),
    )
    for shop in cast.shops:
        builders.build_sensor(shop.pk, NOW)
    ready(cast, 0)
    return cast


def ready(cast: Cast, number: int) -> None:
    agree(cast.shops[number].pk, "Sami", TODAY)
    notice_shown(cast.shops[number].pk, TODAY)


def sign_now(cast: Cast) -> Charter:
    signed = wire.sign(draft(cast.association.pk, NOW), KEY)
    return receive(cast.association.pk, wire.encode(signed), NOW)


def listed(charter: wire.Charter) -> list[str]:
    return [each.shop for each in charter.sensors]


def test_a_draft_lists_who_agreed_and_shows_the_notice(cast: Cast) -> None:
    first = draft(cast.association.pk, NOW)
    assert (first.version, listed(first)) == (1, [cast.shops[0].name])
    sensor = Sensor.objects.get(shop_id=cast.shops[0].pk)
    assert first.sensors[0].sensor == sensor.identifier
    assert first.annex_sha256 == charters.software_annex()
    agree(cast.shops[1].pk, "Nora", TODAY)
    assert len(draft(cast.association.pk, NOW).sensors) == 1, "the notice is not up yet"
    notice_shown(cast.shops[1].pk, TODAY)
    assert len(draft(cast.association.pk, NOW).sensors) == 2
    revoke(sensor, NOW)
    assert listed(draft(cast.association.pk, NOW)) == [cast.shops[1].name]


def test_a_notice_with_other_words_must_be_put_up_anew(cast: Cast) -> None:
    sign_now(cast)
    Measurement.objects.update(purpose="something else")
    standing = status(cast.association.pk, NOW)
    of_the_first = next(each for each in standing.shops if each.shop == cast.shops[0])
    assert "new words" in of_the_first.missing[0]
    assert draft(cast.association.pk, NOW).sensors == ()
    notice_shown(cast.shops[0].pk, TODAY)
    assert len(draft(cast.association.pk, NOW).sensors) == 1


def test_what_is_missing_is_said(cast: Cast) -> None:
    standing = status(cast.association.pk, NOW)
    assert (standing.charter, standing.missing, standing.days_left) == (None, [], None)
    by_name = {each.shop.name: each for each in standing.shops}
    assert by_name[cast.shops[0].name].missing == []
    assert len(by_name[cast.shops[1].name].missing) == 1
    Measurement.objects.update(town_key="")
    assert "fingerprint of the town key" in status(cast.association.pk, NOW).missing[0]
    Measurement.objects.all().delete()
    assert status(cast.association.pk, NOW).missing
    with pytest.raises(CharterErrorFinal):
        draft(cast.association.pk, NOW)


def test_a_signed_charter_is_in_force_and_what_changes_is_said(cast: Cast) -> None:
    sign_now(cast)
    standing = status(cast.association.pk, NOW)
    assert standing.charter is not None
    assert (standing.changed, standing.days_left, standing.ended) == ([], 101, False)
    assert [each.listed for each in standing.shops] == [
        each.shop == cast.shops[0] for each in standing.shops
    ]
    ready(cast, 1)
    Measurement.objects.update(ends_on=TODAY + timedelta(days=50))
    for shop in cast.shops:
        notice_shown(shop.pk, TODAY)
    changed = status(cast.association.pk, NOW).changed
    assert len(changed) == 3, changed  # the end, the notice that names it, and the other shop
    assert sign_now(cast).version == 2
    over = status(cast.association.pk, NOW + timedelta(days=51))
    assert (over.ended, over.days_left) == (True, 0)


def test_after_the_last_withdrawal_a_charter_of_nobody_can_be_signed(cast: Cast) -> None:
    sign_now(cast)
    withdraw(cast.shops[0].pk, TODAY)
    assert charters.taking_part(charters.current(cast.association.pk), TODAY) == {}, "at once"
    assert "withdrawn" in status(cast.association.pk, NOW).shops[1].missing[0]
    assert charters.read(sign_now(cast).document).sensors == ()


def test_agreeing_again_needs_the_notice_again(cast: Cast) -> None:
    sign_now(cast)
    withdraw(cast.shops[0].pk, TODAY)
    with pytest.raises(AgreementErrorFinal):
        agree(cast.shops[0].pk, "Sami", TODAY - timedelta(days=1))
    agree(cast.shops[0].pk, "Sami", TODAY)
    assert draft(cast.association.pk, NOW).sensors == ()
    notice_shown(cast.shops[0].pk, TODAY)
    assert len(draft(cast.association.pk, NOW).sensors) == 1


@pytest.mark.parametrize(
    "act",
    [
        lambda shop: agree(shop, "  ", TODAY),
        lambda shop: agree(shop, "Nora", TODAY + timedelta(days=1)),
        lambda shop: notice_shown(shop, TODAY),
        lambda shop: withdraw(shop, TODAY),
    ],
    ids=["nobody agreed", "in the future", "notice before agreement", "withdrawn before"],
)
def test_what_cannot_be_recorded_is_refused(cast: Cast, act: Callable[[int], Any]) -> None:
    with pytest.raises(AgreementErrorFinal):
        act(cast.shops[1].pk)
    assert not Agreement.objects.filter(shop_id=cast.shops[1].pk).exists()


Forge = Callable[[wire.Charter], wire.Charter]
OTHER_KEY = SigningKey(bytes(range(1, 33)))


def a_sensor_of_the_hubs_own(charter: wire.Charter) -> wire.Charter:
    public = bytes(OTHER_KEY.verify_key)
    own = wire.CharterSensor(wire.sensor_identifier(public), public, "Shop", date(2026, 1, 1))
    return replace(charter, sensors=(*charter.sensors, own))


FORGED: dict[str, tuple[Forge, SigningKey]] = {
    "another key": (lambda c: c, OTHER_KEY),
    "a sensor that is not enrolled": (a_sensor_of_the_hubs_own, KEY),
    "an end in the past": (lambda c: replace(c, ends_on=TODAY - timedelta(days=1)), KEY),
    "another end": (lambda c: replace(c, ends_on=TODAY + timedelta(days=900)), KEY),
    "another mechanism": (lambda c: replace(c, annex_sha256="0" * 64), KEY),
    "another notice": (lambda c: replace(c, notice_sha256="0" * 64), KEY),
    "another purpose": (lambda c: replace(c, purpose="advertising"), KEY),
    "an agreement of another day": (
        lambda c: replace(c, sensors=(replace(c.sensors[0], agreed_on=date(2020, 1, 1)),)),
        KEY,
    ),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_charter_that_says_what_is_not_so_is_refused(cast: Cast, kind: str) -> None:
    forge, key = FORGED[kind]
    signed = wire.sign(forge(draft(cast.association.pk, NOW)), key)
    with pytest.raises(CharterErrorFinal):
        receive(cast.association.pk, wire.encode(signed), NOW)
    assert not Charter.objects.exists()


def test_what_is_changed_after_it_was_signed_is_refused(cast: Cast) -> None:
    signed = wire.sign(draft(cast.association.pk, NOW), KEY)
    for body in (
        b"",
        b"{}",
        wire.encode(replace(signed, signature="")),
        wire.encode(replace(signed, sensors=())),
        wire.encode(signed).replace(b" ", b"  ", 1),
    ):
        with pytest.raises(CharterErrorFinal):
            receive(cast.association.pk, body, NOW)
    assert receive(cast.association.pk, wire.encode(signed) + b"\n", NOW).version == 1
    with pytest.raises(CharterErrorFinal, match="version"):
        receive(cast.association.pk, wire.encode(signed), NOW)


def test_a_withdrawal_while_the_draft_is_away_is_not_undone_by_it(cast: Cast) -> None:
    ready(cast, 1)
    signed = wire.sign(draft(cast.association.pk, NOW), KEY)
    withdraw(cast.shops[1].pk, TODAY)
    with pytest.raises(CharterErrorFinal, match="may not listen"):
        receive(cast.association.pk, wire.encode(signed), NOW)
    fewer = replace(signed, sensors=signed.sensors[:1])
    if listed(fewer) != [cast.shops[0].name]:
        fewer = replace(signed, sensors=signed.sensors[1:])
    assert receive(cast.association.pk, wire.encode(wire.sign(fewer, KEY)), NOW).version == 1


def test_another_mechanism_than_the_charters_is_said(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_now(cast)
    assert charters.outdated_towns() == []
    monkeypatch.setattr(charters, "software_annex", lambda: "0" * 64)
    assert charters.outdated_towns() == [cast.association.pk]
    standing = status(cast.association.pk, NOW)
    assert standing.outdated
    assert len(standing.changed) == 1
    assert charters.taking_part(charters.current(cast.association.pk), TODAY) == {}


def test_a_trial_charter_is_no_way_into_a_town_that_measures(cast: Cast) -> None:
    with pytest.raises(CharterErrorFinal, match=wire.fingerprint(bytes(KEY.verify_key))):
        sign_trial_charter(cast.association.pk, OTHER_KEY, NOW)
    assert not Charter.objects.exists()


def test_the_digest_of_the_notice_is_the_one_that_hangs(cast: Cast) -> None:
    held = Agreement.objects.get(shop_id=cast.shops[0].pk)
    assert held.notice_sha256 == notice.digest(Measurement.objects.get())
