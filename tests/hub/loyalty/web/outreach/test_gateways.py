"""The director's gateways: set up, tried, stopped; secrets are written and never shown."""

import json
from uuid import uuid4

import pytest
from django.conf import settings
from django.urls import reverse

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Gateway, SendingMachine
from chaland.hub.loyalty.outreach.outbox import folder_of
from chaland.hub.loyalty.web.outreach.gateways import TESTS_AN_HOUR
from tests.hub.loyalty.web.outreach.conftest import Outreach
from tests.outreach_builders import NOON

pytestmark = pytest.mark.django_db
KANNEL = {
    "sender": "Vitrines",
    "url": "http://127.0.0.1:13013/cgi-bin/sendsms",
    "username": "chaland",
    "password": "geheim-7",
    "stop": "36105",
    "transliterate": "1",
    "segment_microcents": "4,5",
    "rate_per_s": "20",
    "first_hour": "0",
}


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_read", lambda: NOON)


def test_only_a_director_comes_here(outreach: Outreach) -> None:
    for name, args in (
        ("gateways", ()),
        ("gateway_edit", ("sms", "kannel")),
        ("outreach_overview", ()),
    ):
        address = reverse(name, args=args)
        assert outreach.keeper.get(address).status_code == 403
        assert outreach.director.get(address).status_code == 200
    for name in ("gateway_test", "gateway_dns", "gateway_stop"):
        address = reverse(name, args=["sms"])
        assert outreach.keeper.post(address, {"mobile": "0639980001"}).status_code == 403
    assert Gateway.objects.filter(active=True).count() == 2


def test_each_trouble_is_told_as_what_it_is(outreach: Outreach) -> None:
    """What leaves, what comes back, and what is held because a back-up was put back."""
    page = reverse("gateways")
    assert 'role="alert"' not in outreach.director.get(page).content.decode()
    Gateway.objects.filter(channel="sms").update(deaf="no such mailbox")
    [alert] = outreach.director.get(page).content.decode().split('role="alert"')[1:]
    assert "no such mailbox" in alert
    SendingMachine.objects.create(journal=uuid4(), heard_at=NOON, suspect_at=NOON)
    assert len(outreach.director.get(page).content.decode().split('role="alert"')) == 3


def test_a_secret_is_kept_sealed_and_never_shown(outreach: Outreach) -> None:
    page = reverse("gateway_edit", args=["sms", "kannel"])
    assert outreach.director.post(page, KANNEL).status_code == 302
    gateway = Gateway.objects.get(channel="sms", active=True)
    told = json.loads(gateway.settings)
    assert told["password"] == "geheim-7"
    assert told["segment_microcents"] == 4_500_000
    assert "geheim-7" not in outreach.director.get(page).content.decode()
    assert "geheim-7" not in outreach.director.get(reverse("gateways")).content.decode()
    again = outreach.director.post(page, {**KANNEL, "password": "", "rate_per_s": "5"})
    assert again.status_code == 302
    gateway.refresh_from_db()
    assert (gateway.rate_per_s, json.loads(gateway.settings)["password"]) == (5, "geheim-7")


SMTP = {
    "sender": "bonjour@example.org", "host": "smtp.example.org", "port": "587", "tls": "starttls",
    "user": "chaland", "password": "geheim-8", "postal": "1 rue du Pont",
    "imap_host": "imap.example.org", "imap_port": "993", "imap_tls": "1", "imap_user": "retours",
    "imap_password": "geheim-9",
}  # fmt: skip


@pytest.mark.parametrize(
    ("channel", "driver", "first", "moved"),
    [
        ("sms", "kannel", KANNEL, {"url": "http://own.example/sendsms"}),
        ("sms", "kannel", KANNEL, {"username": "autre"}),
        ("email", "smtp", SMTP, {"host": "own.example"}),
        ("email", "smtp", SMTP, {"port": "25"}),
        ("email", "smtp", SMTP, {"tls": "tls"}),
        ("email", "smtp", SMTP, {"user": "autre"}),
        ("email", "smtp", SMTP, {"imap_host": "own.example"}),
        ("email", "smtp", SMTP, {"imap_user": "autre"}),
        ("email", "smtp", SMTP, {"imap_port": "143"}),
    ],
)
def test_a_kept_secret_goes_to_no_other_server_and_no_other_account(
    outreach: Outreach,
    channel: str,
    driver: str,
    first: dict[str, str],
    moved: dict[str, str],
) -> None:
    page = reverse("gateway_edit", args=[channel, driver])
    assert outreach.director.post(page, first).status_code == 302
    before = Gateway.objects.get(channel=channel, active=True).settings
    untyped = {name: "" if "password" in name else value for name, value in first.items()}
    assert outreach.director.post(page, untyped).status_code == 302  # the same place: it stays
    assert json.loads(Gateway.objects.get(channel=channel, active=True).settings) == (
        json.loads(before)
    )
    answer = outreach.director.post(page, {**untyped, **moved})
    assert answer.status_code == 422
    assert "à nouveau" in answer.context["faults"][0]
    assert Gateway.objects.get(channel=channel, active=True).settings == before
    typed = {name: "neu" for name in first if "password" in name}
    assert outreach.director.post(page, {**untyped, **moved, **typed}).status_code == 302
    assert "geheim" not in Gateway.objects.get(channel=channel, active=True).settings


def test_a_provider_s_key_goes_to_no_other_provider(outreach: Outreach) -> None:
    page = reverse("gateway_edit", args=["email", "anymail"])
    first = {
        "sender": "bonjour@example.org", "backend": "mailgun", "options.api_key": "geheim-7",
        "options.sender_domain": "example.org", "postal": "1 rue du Pont", "imap_tls": "1",
    }  # fmt: skip
    assert outreach.director.post(page, first).status_code == 302
    moved = {**first, "options.api_key": "", "options.api_url": "https://own.example/v3"}
    assert outreach.director.post(page, moved).status_code == 422
    assert outreach.director.post(page, {**moved, "options.api_key": "neu"}).status_code == 302


@pytest.mark.parametrize(
    ("unsafe", "allowed"),
    [
        ({"tls": "none"}, False),
        ({"tls": "none", "host": "127.0.0.1"}, True),
        ({"tls": "none", "host": "::1"}, True),
        ({"tls": "none", "host": "localhost"}, True),
        ({"tls": "none", "host": "localhost.example.org"}, False),
        ({"imap_tls": ""}, False),
        ({"imap_tls": "", "imap_host": "127.0.0.1"}, True),
    ],
)
def test_without_tls_nothing_leaves_this_machine(
    outreach: Outreach, unsafe: dict[str, str], *, allowed: bool
) -> None:
    answer = outreach.director.post(
        reverse("gateway_edit", args=["email", "smtp"]), {**SMTP, **unsafe}
    )
    assert answer.status_code == (302 if allowed else 422)


def test_the_mailbox_and_the_one_second_try_are_set_on_the_page(outreach: Outreach) -> None:
    page = reverse("gateway_edit", args=["email", "smtp"])
    outreach.director.post(page, {**SMTP, "imap_port": "1993", "again": "1"})
    told = json.loads(Gateway.objects.get(channel="email", active=True).settings)
    assert (told["imap_port"], told["imap_tls"], told["again"]) == (1993, True, True)


def test_another_driver_is_another_gateway_and_the_old_one_still_hears(
    outreach: Outreach,
) -> None:
    before = Gateway.objects.get(channel="sms")
    outreach.director.post(reverse("gateway_edit", args=["sms", "kannel"]), KANNEL)
    before.refresh_from_db()
    after = Gateway.objects.get(channel="sms", active=True)
    assert not before.active
    assert after.pk != before.pk
    assert after.hook
    assert after.hook_hash != before.hook_hash


@pytest.mark.parametrize(
    "wrong",
    [
        {"sender": "Vitrines de Port-Lin"},
        {"url": "ftp://nowhere"},
        {"username": ""},
        *(
            {"segment_microcents": price}
            for price in ("dear", "-5", "101", "1e3", "inf", "nan", "٤", "9" * 400)
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(
    outreach: Outreach, wrong: dict[str, str]
) -> None:
    page = reverse("gateway_edit", args=["sms", "kannel"])
    answer = outreach.director.post(page, {**KANNEL, **wrong})
    assert answer.status_code == 422
    assert answer.context["faults"]
    assert "geheim-7" not in answer.content.decode()
    assert Gateway.objects.get(channel="sms", active=True).driver == "outbox"


@pytest.mark.parametrize("port", ["0", "-25", "65536", "5_8_7", "٢٥", "smtp"])
def test_a_port_is_a_port(outreach: Outreach, port: str) -> None:
    page = reverse("gateway_edit", args=["email", "smtp"])
    answer = outreach.director.post(page, {**SMTP, "imap_port": port})
    assert answer.status_code == 422
    assert "65535" in answer.content.decode()


def test_a_test_message_leaves(outreach: Outreach) -> None:
    director = outreach.director
    director.post(reverse("gateway_test", args=["email"]))
    director.post(reverse("gateway_test", args=["sms"]), {"mobile": "06 39 98 00 01"})
    written = sorted(path.suffix for path in folder_of(outreach.town).iterdir())
    assert written == [".eml", ".json"]
    mail = next(folder_of(outreach.town).glob("*.eml")).read_text()
    assert "To: denise@example.org" in mail
    director.post(reverse("gateway_test", args=["sms"]), {"mobile": "nobody"})
    assert len(list(folder_of(outreach.town).iterdir())) == 2


def test_test_messages_are_few_an_hour_and_lie_in_the_outbox(outreach: Outreach) -> None:
    director, page = outreach.director, reverse("gateway_test", args=["sms"])
    for _turn in range(TESTS_AN_HOUR + 5):
        director.post(page, {"mobile": "06 39 98 00 01"})
    assert len(list(folder_of(outreach.town).iterdir())) == TESTS_AN_HOUR
    shown = director.get(reverse("outbox"))
    assert shown.context["tests"]
    assert "Messages d’essai" in shown.content.decode()
    assert "39980001" not in shown.content.decode().replace(" ", "")
    assert outreach.keeper.get(reverse("outbox")).context["tests"] == []


def test_a_stopped_gateway_stands_against_campaigns(outreach: Outreach) -> None:
    outreach.director.post(reverse("gateway_stop", args=["sms"]))
    campaign = outreach.campaign(channels=["sms"])
    page = outreach.director.get(reverse("campaign_edit", args=[campaign.pk]))
    assert any("SMS" in reason for reason in page.context["checks"].against)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STATE_DIR", tmp_path)


def test_all_that_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    outreach: Outreach,
) -> None:
    page = reverse("gateway_edit", args=["email", "smtp"])
    wrong = {
        "sender": "pas-une-adresse", "port": "99999", "host": "mail exemple.fr/", "postal": "  ",
        "rate_per_s": "0", "first_hour": "-5", "bounces": "retours", "imap_user": "",
    }  # fmt: skip
    answer = outreach.director.post(page, {**SMTP, **wrong})
    assert answer.status_code == 422
    assert set(answer.context["at"]) == set(wrong)
    text = answer.content.decode()
    assert text.count('aria-invalid="true"') == len(wrong)
    for name in ("sender", "port", "host", "rate_per_s", "first_hour", "bounces"):
        assert f'value="{wrong[name]}"' in text, name
    for name in ("user", "imap_host", "imap_port"):
        assert f'value="{SMTP[name]}"' in text, name
    assert "geheim" not in text
    assert Gateway.objects.get(channel="email", active=True).driver == "outbox"


def test_another_driver_takes_sender_and_postal_address_over(outreach: Outreach) -> None:
    director = outreach.director
    director.post(reverse("gateway_edit", args=["email", "smtp"]), SMTP)
    shown = director.get(reverse("gateway_edit", args=["email", "anymail"])).content.decode()
    assert 'value="bonjour@example.org"' in shown
    assert 'value="1 rue du Pont"' in shown
    assert "smtp.example.org" not in shown


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"host": "nulle-part.invalid"}, "aucun serveur de ce nom"),
        ({"host": "127.0.0.1", "port": "9", "tls": "none"}, "personne ne répond"),
    ],
)
def test_why_a_test_did_not_leave_is_said_in_words_and_stays_on_the_card(
    outreach: Outreach, place: dict[str, str], said: str
) -> None:
    director = outreach.director
    director.post(reverse("gateway_edit", args=["email", "smtp"]), {**SMTP, **place})
    director.post(reverse("gateway_test", args=["email"]))
    for _look in range(2):
        text = director.get(reverse("gateways")).content.decode()
        assert said in text
        assert "Error" not in text
        assert "gaierror" not in text
        assert "essai en échec" in text
    director.post(reverse("gateway_edit", args=["email", "smtp"]), {**SMTP, **place})
    assert "essai en échec" not in director.get(reverse("gateways")).content.decode()
