"""The measurement page: what a director records, downloads and puts in force."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from nacl.signing import SigningKey

from chaland.hub.association.models import StaffRole
from chaland.hub.footfall import charters
from chaland.hub.footfall.models import Agreement, Measurement
from chaland.hub.footfall.papers import notice
from chaland.wire import charter as wire
from tests import builders
from tests.hub.footfall.papers.conftest import TOWN_KEY, said
from tests.hub.footfall.web.conftest import SATURDAY, ClientOf

pytestmark = pytest.mark.django_db
PAGE = "/measurement/"


@pytest.fixture
def bare(saturday: None, db: None) -> builders.Cast:
    """Three shops, the first with a sensor; nothing is said yet."""
    made = builders.build_cast(3)
    builders.build_sensor(made.shop.pk, SATURDAY)
    return made


def texts(**changed: str) -> dict[str, str]:
    return said() | {"ends_on": "2027-12-31"} | changed


def record_all(client: Client, cast: builders.Cast) -> None:
    slug = cast.shop.slug
    client.post(PAGE, texts())
    agreed = {"agreed_by": "Sami Morel", "agreed_on": "2026-11-20"}
    client.post(reverse("measurement_agree", args=[slug]), agreed)
    client.post(reverse("measurement_notice", args=[slug]), {"day": "2026-11-21"})


def upload(client: Client, body: bytes) -> str:
    file = SimpleUploadedFile("charter-1-signed.json", body)
    return client.post(reverse("charter_receive"), {"file": file}, follow=True).content.decode()


def test_from_nothing_to_a_charter_in_force(bare: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(bare.director)
    page = client.get(PAGE).content.decode()
    assert "not in force" in page
    assert bare.association.name in page, "who is responsible is filled in already"
    assert f"http://testserver/privacy/{bare.association.pk}/" in page
    record_all(client, bare)
    agreement = Agreement.objects.get(shop_id=bare.shop.pk)
    assert agreement.notice_sha256 == notice.digest(Measurement.objects.get())
    answer = client.get(reverse("charter_draft"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="charter-1.json"'
    draft = wire.decode(answer.content)
    assert [each.shop for each in draft.sensors] == [bare.shop.name]
    page = upload(client, wire.encode(wire.sign(draft, TOWN_KEY)))
    assert "in force" in page
    assert "406 days left" in page
    assert "Nothing has changed" in page
    current = charters.current(bare.association.pk)
    assert current is not None
    assert current.version == 1


def test_a_draft_waits_for_what_is_missing(bare: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(bare.director)
    client.post(PAGE, texts(town_key=""))
    page = client.get(reverse("charter_draft"), follow=True).content.decode()
    assert "The fingerprint of the town key is not recorded yet." in page
    assert "chaland charter key town.key" in page


def test_a_forged_charter_is_refused_and_said_so(bare: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(bare.director)
    record_all(client, bare)
    draft = wire.decode(client.get(reverse("charter_draft")).content)
    signed = wire.sign(draft, TOWN_KEY)
    refused = {
        "not by the town": wire.sign(draft, SigningKey.generate()),
        "signature is missing, or wrong": replace(signed, purpose="To follow people."),
        "is missing, or wrong": draft,
    }
    for words, charter in refused.items():
        assert words in upload(client, wire.encode(charter))
    assert "no charter that can be read" in upload(client, b"PK\x03\x04")
    assert charters.current(bare.association.pk) is None


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"ends_on": "2026-11-20"}, "This day is past."),
        ({"ends_on": "2029-01-01"}, "Two years at most"),
        ({"objection_network": "ici-é-non"}, "without accents"),
        ({"objection_network": "Livebox-1234"}, "“-optout” at the end"),
        ({"objection_network": "a" * 26 + "-optout"}, "at most 32"),
        ({"contact": "x"}, "a whole phone number"),
        ({"contact": "12 34"}, "a whole phone number"),
        ({"town_key": "abcd-efgh"}, "four groups of four"),
        ({"public_page": "https://chaland.example/vie-privée/"}, "without accents"),
        ({"public_page": "javascript:alert(1)"}, "URL"),
        ({"purpose": ""}, "required"),
    ],
)
def test_what_a_charter_could_not_say_is_refused(
    bare: builders.Cast, client_of: ClientOf, changed: dict[str, str], problem: str
) -> None:
    answer = client_of(bare.director).post(PAGE, texts(**changed))
    assert answer.status_code == 422
    assert problem in answer.content.decode()
    assert not Measurement.objects.exists()


def test_the_end_is_announced_a_month_before(bare: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(bare.director)
    record_all(client, bare)
    draft = wire.decode(client.get(reverse("charter_draft")).content)
    upload(client, wire.encode(wire.sign(draft, TOWN_KEY)))
    end = datetime(2027, 12, 31, 12, tzinfo=UTC)
    said_before = {31: None, 29: "ends in 30 days", 0: "ends in 1 day", -1: "has ended"}
    for days, words in said_before.items():
        with time_machine.travel(end - timedelta(days=days)):
            client.force_login(bare.director)
            page = client.get(PAGE).content.decode()
            assert (words in page) if words else ("The measurement ends" not in page)


def test_an_agreement_is_withdrawn(bare: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(bare.director)
    record_all(client, bare)
    page = client.post(reverse("measurement_withdraw", args=[bare.shop.slug]), follow=True)
    assert "Its agreement is withdrawn." in page.content.decode()
    page = client.post(reverse("measurement_agree", args=[bare.shop.slug]), {}, follow=True)
    assert "Say who agreed, and when." in page.content.decode()
    page = client.post(reverse("measurement_notice", args=[bare.shop.slug]), {}, follow=True)
    assert "Say on which day." in page.content.decode()


def test_who_may_do_what(bare: builders.Cast, client_of: ClientOf) -> None:
    record_all(client_of(bare.director), bare)
    keeper = client_of(bare.shopkeeper)
    page = keeper.get(PAGE).content.decode()
    assert "Sami Morel" in page
    assert "notice-fr.pdf" in page
    neighbour = client_of(bare.neighbour).get(PAGE).content.decode()
    assert "Sami Morel" not in neighbour
    assert bare.shop.name not in neighbour
    writes = [reverse(f"measurement_{name}", args=[bare.shop.slug]) for name in SHOP_WRITES]
    writes += [PAGE, reverse("charter_receive")]
    for user in (bare.neighbour, bare.stranger):
        client = client_of(user)
        assert client.get(reverse("charter_draft")).status_code == 403
        for address in writes:
            client.post(address, texts(purpose="Mine"))
    assert Measurement.objects.get().purpose == said()["purpose"]
    assert Agreement.objects.get().withdrawn_on is None
    rival = builders.build_user("rival@example.org", "Rival")
    elsewhere = bare.stranger.roles.get().association
    StaffRole.objects.create(user=rival, association=elsewhere, role=StaffRole.Role.DIRECTOR)
    client = client_of(rival)
    assert bare.shops[1].name not in client.get(PAGE).content.decode()
    for name in SHOP_WRITES:
        address = reverse(f"measurement_{name}", args=[bare.shops[1].slug])
        assert client.post(address).status_code == 404
    assert Client().get(PAGE).status_code == 302


SHOP_WRITES = ("agree", "notice", "withdraw")


def test_the_sensors_page_says_why_none_listens(bare: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(bare.director)
    assert "Not started: no sensor listens" in client.get("/sensors/").content.decode()
    record_all(client, bare)
    draft = wire.decode(client.get(reverse("charter_draft")).content)
    upload(client, wire.encode(wire.sign(draft, TOWN_KEY)))
    page = client.get("/sensors/").content.decode()
    assert "no sensor listens" not in page
    assert "not in the charter" not in page
    builders.build_sensor(bare.shops[1].pk, SATURDAY)
    assert "not in the charter" in client.get("/sensors/").content.decode()


def in_force(client: Client, cast: builders.Cast) -> None:
    record_all(client, cast)
    sign_draft(client)


def sign_draft(client: Client) -> None:
    draft = wire.decode(client.get(reverse("charter_draft")).content)
    upload(client, wire.encode(wire.sign(draft, TOWN_KEY)))


def test_a_withdrawn_box_is_red_until_the_next_charter(
    bare: builders.Cast, client_of: ClientOf
) -> None:
    client, keeper = client_of(bare.director), client_of(bare.shopkeeper)
    in_force(client, bare)
    told = "tells the box to stop"
    assert told not in client.get(PAGE).content.decode()
    client.post(reverse("measurement_withdraw", args=[bare.shop.slug]))
    for address in (PAGE, "/"):
        page = client.get(address).content.decode()
        assert f"{bare.shop.name} has withdrawn its agreement. The hub refuses" in page
        assert told in page
        assert "alert is-bad" in page
    assert "You may unplug it now" in keeper.get(PAGE).content.decode()
    assert told not in keeper.get("/").content.decode()
    public = in_english("/privacy/")
    assert bare.shop.name not in public
    assert "nothing is counted for now" in public
    sign_draft(client)
    for address in (PAGE, "/"):
        assert told not in client.get(address).content.decode()
    assert "unplug" not in keeper.get(PAGE).content.decode()
    assert bare.shop.name not in in_english("/privacy/")


def in_english(path: str) -> str:
    return Client(HTTP_ACCEPT_LANGUAGE="en").get(path).content.decode()


def test_the_front_page_announces_the_end_to_the_director_alone(
    bare: builders.Cast, client_of: ClientOf
) -> None:
    client, keeper = client_of(bare.director), client_of(bare.shopkeeper)
    in_force(client, bare)
    end = datetime(2027, 12, 31, 12, tzinfo=UTC)
    for days, words in {30: None, 29: "ends in 30 days", -1: "has ended"}.items():
        with time_machine.travel(end - timedelta(days=days)):
            client.force_login(bare.director)
            keeper.force_login(bare.shopkeeper)
            page = client.get("/").content.decode()
            assert (words in page) if words else ("The measurement ends" not in page)
            assert "The measurement" not in keeper.get("/").content.decode()


@pytest.mark.parametrize("sign", ["\x07", "\u202e", "\u2066", "\u200b", "\x85", "\ue000"])
@pytest.mark.parametrize("field", ["purpose", "controller", "contact"])
def test_signs_that_nobody_sees_are_refused(
    bare: builders.Cast, client_of: ClientOf, field: str, sign: str
) -> None:
    answer = client_of(bare.director).post(PAGE, texts(**{field: f"Au{sign}dit"}))
    assert answer.status_code == 422
    assert f"U+{ord(sign):04X} after “Au”" in answer.content.decode()


def test_letters_that_the_print_lacks_are_told_and_printed_as_boxes(
    bare: builders.Cast, client_of: ClientOf
) -> None:
    client = client_of(bare.director)
    page = client.post(PAGE, texts(purpose="Le 花屋 ☕"), follow=True).content.decode()
    assert "The notice has no letters for 花 屋 ☕: it shows □" in page
    for file in ("notice-fr.pdf", "notice-en.pdf", "assessment-fr.pdf"):
        answer = Client().get(f"/privacy/{file}")
        assert answer.status_code == 200
        assert answer.content.startswith(b"%PDF-")


@pytest.mark.parametrize(("hour", "day"), [(1, "2026-11-20"), (5, "2026-11-21")])
def test_today_is_one_day_wherever_it_is_asked(
    bare: builders.Cast, client_of: ClientOf, hour: int, day: str
) -> None:
    """Between midnight and 04:00 in town it is still yesterday: form, rules and charter agree."""
    with time_machine.travel(datetime(2026, 11, 21, hour, 30, tzinfo=UTC)):
        client = client_of(bare.director)
        client.post(PAGE, texts())
        assert f'value="{day}" max="{day}"' in client.get(PAGE).content.decode()
        agree = reverse("measurement_agree", args=[bare.shop.slug])
        ahead = (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
        answer = client.post(agree, {"agreed_by": "S", "agreed_on": ahead}, follow=True)
        assert "has not come yet" in answer.content.decode()
        client.post(agree, {"agreed_by": "S", "agreed_on": day})
        client.post(reverse("measurement_notice", args=[bare.shop.slug]), {"day": day})
        draft = wire.decode(client.get(reverse("charter_draft")).content)
        assert draft.signed_on.isoformat() == day
        assert draft.sensors[0].agreed_on.isoformat() == day


def test_a_shopkeeper_withdraws_the_own_shop_and_does_nothing_else(
    bare: builders.Cast, client_of: ClientOf
) -> None:
    director, keeper = client_of(bare.director), client_of(bare.shopkeeper)
    in_force(director, bare)
    assert (
        reverse("measurement_withdraw", args=[bare.shop.slug]) in keeper.get(PAGE).content.decode()
    )
    other = bare.shops[1].slug
    assert keeper.post(reverse("measurement_withdraw", args=[other])).status_code == 404
    for name in ("agree", "notice"):
        address = reverse(f"measurement_{name}", args=[bare.shop.slug])
        assert keeper.post(address, {"agreed_by": "M", "day": "2026-11-21"}).status_code == 403
    assert Client().post(reverse("measurement_withdraw", args=[bare.shop.slug])).status_code == 302
    assert Agreement.objects.get().withdrawn_on is None
    said_so = keeper.post(reverse("measurement_withdraw", args=[bare.shop.slug]), follow=True)
    assert "Withdrawn on" in said_so.content.decode()
    assert "tells the box to stop" in director.get("/").content.decode()


def test_with_no_shop_left_a_charter_that_names_none_is_signed(
    bare: builders.Cast, client_of: ClientOf
) -> None:
    client = client_of(bare.director)
    in_force(client, bare)
    client.post(reverse("measurement_withdraw", args=[bare.shop.slug]))
    sign_draft(client)
    current = charters.current(bare.association.pk)
    assert current is not None
    assert (current.version, current.sensors) == (2, ())


def test_what_was_typed_of_an_agreement_is_not_lost(
    bare: builders.Cast, client_of: ClientOf
) -> None:
    client = client_of(bare.director)
    client.post(PAGE, texts())
    agree = reverse("measurement_agree", args=[bare.shop.slug])
    answer = client.post(agree, {"agreed_by": "Sami Morel", "agreed_on": "2027-01-01"})
    assert answer.status_code == 422
    page = answer.content.decode()
    for words in (
        "has not come yet",
        'value="Sami Morel"',
        'value="2027-01-01"',
        "<details",
        " open",
    ):
        assert words in page
    assert said()["purpose"] in page, "the texts above are those that are recorded"
    assert not Agreement.objects.exists()


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        ("http://localhost:8000/privacy/1/", True),
        ("http://chaland.example/privacy/", True),
        ("https://127.0.0.1/privacy/", True),
        ("https://chaland.example/privacy/", False),
    ],
)
def test_a_qr_code_that_leads_nowhere_is_told_before_it_is_printed(
    bare: builders.Cast, client_of: ClientOf, address: str, warned: bool
) -> None:
    client = client_of(bare.director)
    client.post(PAGE, texts(public_page=address))
    assert ("QR code leads to" in client.get(PAGE).content.decode()) is warned


def test_two_sensors_of_one_shop_are_pointed_at(bare: builders.Cast, client_of: ClientOf) -> None:
    client = client_of(bare.director)
    client.post(PAGE, texts())
    assert "2 sensors" not in client.get(PAGE).content.decode()
    builders.build_sensor(bare.shop.pk, SATURDAY)
    assert "2 sensors: revoke the one" in client.get(PAGE).content.decode()


def test_a_new_box_is_told_whose_charters_to_trust(
    bare: builders.Cast, client_of: ClientOf
) -> None:
    client = client_of(bare.director)
    page = client.post("/sensors/codes/", {"shop": bare.shop.pk, "label": ""}).content.decode()
    assert "--town-key" not in page
    client.post(PAGE, texts())
    page = client.post("/sensors/codes/", {"shop": bare.shop.pk, "label": ""}).content.decode()
    assert f"--town-key {said()['town_key']}</code>" in page
