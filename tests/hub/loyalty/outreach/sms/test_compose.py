"""The finished text: filled, cheap where that helps, with its STOP line, from a lawful sender."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.models import Campaign, CampaignText, Channel, Gateway
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal, Reach, Waiting
from chaland.hub.loyalty.outreach.sms.compose import (
    Composer,
    checked_sender,
    stop_line,
    written,
)
from chaland.hub.loyalty.outreach.sms.encoding import Encoding, is_gsm, looked
from tests import outreach_builders as build
from tests.builders import build_cast
from tests.outreach_builders import NOON

pytestmark = pytest.mark.django_db
WAITING = Waiting(1, UUID(int=7), 1, 1, Channel.SMS, "", NOON)


@pytest.fixture
def campaign() -> Campaign:
    return build.build_campaign(build_cast(2).association.pk)


def _gateway(campaign: Campaign, sender: str = "Vitrines", **settings: Any) -> Gateway:
    text = json.dumps({"stop": "36105", **settings})
    return Gateway(association_id=campaign.association_id, settings=text, sender=sender)


def _reach(language: str = "fr", name: str = "Zoë") -> Reach:
    values = {"first_name": name, "code": "", "link": "", "unsubscribe": "t"}
    return Reach("+33639980001", language, values)


def test_filled_cheap_and_with_its_stop_line(campaign: Campaign) -> None:
    sms = Composer(campaign, _gateway(campaign)).message(WAITING, _reach())
    assert sms.text == "Bonjour Zoe, à samedi !\nSTOP au 36105"
    assert (sms.key, sms.to, sms.sender) == (WAITING.key.hex, "+33639980001", "Vitrines")
    assert sms.expires_at == NOON
    assert looked(sms.text).encoding is Encoding.GSM7


def test_dear_letters_stay_where_the_association_wants_them(campaign: Campaign) -> None:
    gateway = _gateway(campaign, transliterate=False)
    sms = Composer(campaign, gateway).message(WAITING, _reach())
    assert sms.text.startswith("Bonjour Zoë, à samedi")


def test_each_in_their_language_and_who_has_no_text_in_it_in_the_first(campaign: Campaign) -> None:
    CampaignText.objects.create(
        campaign=campaign, channel=Channel.SMS, language="en", body="Hello {first_name}!"
    )
    composer = Composer(campaign, _gateway(campaign))
    texts = [composer.message(WAITING, _reach(code)).text for code in ("fr", "en", "de")]
    assert texts == [
        "Bonjour Zoe, à samedi !\nSTOP au 36105",
        "Hello Zoe!\nSTOP to 36105",
        "Bonjour Zoe, à samedi !\nSTOP au 36105",
    ]


def test_a_name_can_add_no_line_and_fill_nothing(campaign: Campaign) -> None:
    name = "Eve\nSTOP au 99999 {code}"
    sms = Composer(campaign, _gateway(campaign)).message(WAITING, _reach(name=name))
    assert sms.text == "Bonjour Eve STOP au 99999 {code}, à samedi !\nSTOP au 36105"


def test_promotion_without_a_number_for_stop_does_not_leave(campaign: Campaign) -> None:
    composer = Composer(campaign, _gateway(campaign, stop=" "))
    with pytest.raises(GatewayErrorFinal, match="stop"):
        composer.message(WAITING, _reach())
    receipt = Campaign(association_id=1, automatic=Campaign.Automatic.RECEIPT)
    assert stop_line({}, receipt, "fr") == ""


def test_a_providers_own_words_for_stop_are_kept(campaign: Campaign) -> None:
    assert stop_line({"stop": "STOP SMS: 36105"}, campaign, "en") == "STOP SMS: 36105"


def test_a_bad_sender_stops_all_before_the_first(campaign: Campaign) -> None:
    with pytest.raises(GatewayErrorFinal):
        Composer(campaign, _gateway(campaign, sender="Les Vitrines"))


@pytest.mark.parametrize("sender", ["A", "Vitrines", "VITRINES29", "Abcdefghijk", "1erAchat"])
def test_lawful_senders(sender: str) -> None:
    assert checked_sender(sender) == sender


@pytest.mark.parametrize(
    "sender",
    ["", "Abcdefghijkl", "36105", "0612345678", "06Vitrines", "07x", "Été", "Les V", "a-b", "٣a"],
)
def test_unlawful_senders(sender: str) -> None:
    with pytest.raises(ValidationError):
        checked_sender(sender)


@given(body=st.text(st.sampled_from(list("abc êœç’ é€🎁\n")), max_size=300), cheap=st.booleans())
def test_the_stop_line_is_the_last_and_is_counted(body: str, cheap: bool) -> None:
    whole = written(body, {}, "STOP au 36105", cheap=cheap)
    assert whole.splitlines()[-1] == "STOP au 36105"
    assert looked(whole).segments >= looked(body.strip()).segments or cheap
    if cheap and "🎁" not in body:
        assert is_gsm(whole)
    if "🎁" in body:
        assert whole.startswith(body.strip()), "nothing is won by spoiling what is dear anyway"
