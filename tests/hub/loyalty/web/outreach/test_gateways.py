"""The director's gateways: set up, tried, stopped; secrets are written and never shown."""

import json

import pytest
from django.conf import settings
from django.urls import reverse

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Gateway
from chaland.hub.loyalty.outreach.outbox import folder_of
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


def test_a_secret_is_kept_sealed_and_never_shown(outreach: Outreach) -> None:
    page = reverse("gateway_edit", args=["sms", "kannel"])
    assert outreach.director.post(page, KANNEL).status_code == 302
    gateway = Gateway.objects.get(channel="sms", active=True)
    told = json.loads(gateway.settings)
    assert told["password"] == "geheim-7"
    assert told["segment_microcents"] == 4_500_000
    assert "geheim-7" not in outreach.director.get(page).content.decode()
    assert "geheim-7" not in outreach.director.get(reverse("gateways")).content.decode()
    again = outreach.director.post(page, {**KANNEL, "password": "", "username": "autre"})
    assert again.status_code == 302
    gateway.refresh_from_db()
    told = json.loads(gateway.settings)
    assert (told["username"], told["password"]) == ("autre", "geheim-7")


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
        {"segment_microcents": "dear"},
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


def test_a_stopped_gateway_stands_against_campaigns(outreach: Outreach) -> None:
    outreach.director.post(reverse("gateway_stop", args=["sms"]))
    campaign = outreach.campaign(channels=["sms"])
    page = outreach.director.get(reverse("campaign_edit", args=[campaign.pk]))
    assert any("SMS" in reason for reason in page.context["checks"].against)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STATE_DIR", tmp_path)
