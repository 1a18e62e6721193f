"""A mail gateway's settings: wrong ones are named, and their text is never said."""

import pytest

from chaland.hub.loyalty.outreach.mail.settings import MailSettings
from chaland.hub.loyalty.outreach.shapes import GatewayErrorFinal


@pytest.mark.parametrize(
    ("told", "sender", "named"),
    [
        ({"hots": "x"}, "a@b.example", "hots"),
        ({"tls": "ssl3"}, "a@b.example", "tls"),
        ({"port": "s3cret"}, "a@b.example", "port"),
        ({"imap_port": 70_000}, "a@b.example", "imap_port"),
        ({"bounces": "s3cret"}, "a@b.example", "bounces"),
        ({"password": "s3cret"}, "s3cret\r\nBcc: x@y.example", "sender"),
        ({}, "", "sender"),
    ],
)
def test_a_wrong_setting_is_named_and_not_said(
    told: dict[str, object], sender: str, named: str
) -> None:
    with pytest.raises(GatewayErrorFinal, match=named) as caught:
        MailSettings.of(told, sender)
    assert "s3cret" not in str(caught.value)


def test_a_bounce_address_names_the_delivery() -> None:
    own = MailSettings.of({"bounces": "retours@b.example"}, "Bonjour@B.example")
    assert own.return_path("k") == "retours+k@b.example"
    assert own.domain == "b.example"
    assert MailSettings.of({}, "bonjour@b.example").return_path("k") == "bonjour+k@b.example"
