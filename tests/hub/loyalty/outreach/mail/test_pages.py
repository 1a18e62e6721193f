"""The two addresses that mails and providers use: unsubscribing, and calls that are kept."""

import hashlib

import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation import override

from chaland.hub.common import clock
from chaland.hub.loyalty.consent.selectors import permissions_of
from chaland.hub.loyalty.models import Channel, Gateway, Inbound, Member, MessageChoice, Suppression
from chaland.hub.loyalty.outreach import inbound, stopping
from chaland.hub.loyalty.outreach.mail.templates import Letter, compile_html, plain_text
from chaland.hub.loyalty.outreach.placeholders import fill
from chaland.hub.loyalty.web.outreach import hooks
from tests import outreach_builders as build
from tests.builders import Cast, build_cast
from tests.hub.loyalty.outreach.audience.conftest import EMAIL, NOW, people

pytestmark = pytest.mark.django_db
ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_read", lambda: NOW)


@pytest.fixture
def cast(db: None, _noon: None) -> Cast:
    return build_cast(2)


@pytest.fixture
def gateway(cast: Cast) -> Gateway:
    return build.build_gateway(cast.association.pk, Channel.EMAIL)


@pytest.fixture
def member(cast: Cast) -> Member:
    return people(cast, 1, EMAIL)[0]


@pytest.fixture
def link(gateway: Gateway, member: Member) -> str:
    campaign = build.build_campaign(gateway.association_id, Channel.EMAIL)
    choice = MessageChoice.objects.get_or_create(member=member)[0]
    return f"/u/{stopping.token(choice.token, campaign.pk, Channel.EMAIL)}/"


@pytest.fixture
def provider() -> Client:
    """A mailbox provider: no cookie, and Django's checks as in service."""
    return Client(enforce_csrf_checks=True)


def _subscribed(member: Member) -> bool:
    return any(p.given and p.channel == Channel.EMAIL for p in permissions_of(member))


def test_looking_a_hundred_times_changes_nothing(
    provider: Client, link: str, member: Member
) -> None:
    for _ in range(100):
        assert provider.get(link).status_code == 200
    assert provider.head(link).status_code == 200
    assert _subscribed(member)
    assert not Suppression.objects.exists()


def test_one_click_acts_at_once_without_a_cookie_or_a_redirect(
    provider: Client, link: str, member: Member
) -> None:
    answer = provider.post(link, ONE_CLICK, content_type=FORM)
    assert answer.status_code == 200
    assert not _subscribed(member)
    assert Suppression.objects.get().cause == Suppression.Cause.UNSUBSCRIBED
    assert provider.post(link, ONE_CLICK, content_type=FORM).status_code == 200
    assert Suppression.objects.count() == 1


def test_the_button_acts_and_undo_takes_it_back(
    provider: Client, link: str, member: Member
) -> None:
    before = {(p.controller, p.purpose, p.channel) for p in permissions_of(member) if p.given}
    assert 'name="undo"' in provider.post(link, {"stop": "1"}).content.decode()
    assert not _subscribed(member)
    assert 'name="undo"' not in provider.get(link).content.decode(), "only who just did it"
    back = provider.post(link, {"undo": "1"}).content.decode()
    assert "de nouveau" in back
    assert "Alors ni" not in back, "who has just taken it back isn't asked again"
    assert 'name="stop"' in provider.get(link).content.decode()
    assert {(p.controller, p.purpose, p.channel) for p in permissions_of(member) if p.given} == (
        before
    )


@pytest.mark.parametrize(("language", "words"), [("fr", "Se désinscrire"), ("en", "Unsubscribe")])
def test_the_page_speaks_the_member_s_language(
    provider: Client, link: str, member: Member, language: str, words: str
) -> None:
    Member.objects.filter(pk=member.pk).update(language=language)
    with override("fr" if language == "en" else "en"):
        page = provider.get(link).content.decode()
    assert words in page
    provider.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    assert "Unsubscribe" in provider.get(link).content.decode(), "who chose a language has it"
    for personal in (member.first_name, member.last_name, member.email):
        assert not personal or personal not in page


def test_a_link_that_is_none_does_nothing(provider: Client, link: str, member: Member) -> None:
    for wrong in (link[:-2] + "/", link.swapcase().replace("/U/", "/u/"), "/u/x/"):
        assert provider.get(wrong).status_code == 404
        page = provider.post(wrong, ONE_CLICK, content_type=FORM)
        assert (
            "names nobody" in page.content.decode()
            or "ne désigne personne" in page.content.decode()
        )
    assert _subscribed(member)


def _hook(gateway: Gateway) -> str:
    Gateway.objects.filter(pk=gateway.pk).update(hook_hash=hashlib.sha256(b"geheim").hexdigest())
    return "/hooks/outreach/geheim/"


def test_a_provider_s_call_is_kept_as_it_came(provider: Client, gateway: Gateway) -> None:
    address = _hook(gateway)
    answer = provider.post(
        f"{address}?smsc=1", b"\xff\x00body", content_type="text/plain", headers={"X-Sig": "é"}
    )
    assert (answer.status_code, answer.content) == (200, b"")
    assert provider.get(f"{address}?type=1&id=abc").status_code == 200
    posted, got = [inbound.hook_of(row.body) for row in Inbound.objects.order_by("pk")]
    assert (posted.method, posted.body, dict(posted.query)) == (
        "POST",
        b"\xff\x00body",
        {"smsc": "1"},
    )
    assert (posted.headers["x-sig"], posted.headers["content-type"]) == ("é", "text/plain")
    assert (got.method, dict(got.query)) == ("GET", {"type": "1", "id": "abc"})


def test_calls_that_are_too_large_or_for_nobody_are_not_kept(
    provider: Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = _hook(gateway)
    monkeypatch.setattr(hooks, "LARGEST_BYTES", 100)
    assert provider.post(address, b"x" * 101, content_type="text/plain").status_code == 413
    assert provider.post("/hooks/outreach/other/", b"x", content_type="a/b").status_code == 404
    assert provider.head(address).status_code == 200
    assert not Inbound.objects.exists()


def test_who_reads_a_mail_chooses_how_many_come_without_signing_in(
    link: str, member: Member
) -> None:
    reader = Client()
    page = reader.get(f"{link}choices/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert not any(
        told and told in text for told in (member.first_name, member.email, member.phone)
    )
    told = {"per_week": "1", "per_month": "0", "automatic": ["stamps"]}
    assert reader.post(f"{link}choices/", told).status_code == 302
    choice = MessageChoice.objects.get(member=member)
    assert (choice.per_week, choice.per_month, choice.automatic) == (1, 0, ["stamps"])
    for wrong in ({"per_week": "-1", "per_month": "0"}, {"per_week": "1"}, {}):
        reader.post(f"{link}choices/", wrong)
        choice.refresh_from_db()
        assert (choice.per_week, choice.per_month) == (1, 0)
    forged = link[:-4] + ("AAA/" if link[-4:] != "AAA/" else "BBB/")
    assert reader.post(f"{forged}choices/", told).status_code == 404
    assert Client(enforce_csrf_checks=True).post(f"{link}choices/", told).status_code == 403


def test_the_choices_are_linked_from_each_mail_and_from_stopping(link: str) -> None:
    letter = Letter("fr", "Bonjour", "Bonjour à tous.")
    values = {
        "origin": "http://testserver", "unsubscribe": link.split("/")[2], "shop": "S",
        "association": "A", "postal": "P",
    }  # fmt: skip
    for made in (compile_html(letter), plain_text(letter)):
        assert f"http://testserver{link}choices/" in fill(made, values)
    assert f"{link}choices/" in Client().get(link).content.decode()


def test_a_code_stays_on_one_line() -> None:
    made = compile_html(Letter("fr", "Bonjour", "Venez.", sale=True))
    assert '<span style="white-space:nowrap">{code}</span>' in made
