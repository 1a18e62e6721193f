"""The preview: worst cases as they would really be sent."""

from django.utils.translation import override

from chaland.hub.loyalty.outreach.mail.compose import Form
from chaland.hub.loyalty.outreach.mail.preview import LONGEST, previews
from chaland.hub.loyalty.outreach.mail.templates import Letter
from tests.hub.loyalty.outreach.mail.conftest import COMMON, KEY, NOW, OWN, SETTINGS, written
from tests.hub.loyalty.outreach.mail.test_compose import _parsed, _parts


def test_worst_cases_are_shown_as_they_would_be_sent() -> None:
    text, campaign = written(subject="Votre vente, {first_name}")
    with override("fr"):
        shown = previews(Letter.of(text, campaign), COMMON)
    assert len({one.whose for one in shown}) == 5
    usual, nameless, longest, *_others = shown
    assert "Bonjour Camille," in usual.text
    assert nameless.subject == "Votre vente"
    assert "Bonjour,\n" in nameless.text
    assert len(longest.subject) == len("Votre vente, ") + LONGEST
    for one in shown:
        assert "{" not in one.text, "all is filled"
    own = OWN | {"first_name": "Camille", "unsubscribe": "…", "code": "AB12-CD34"}
    own["link"] = f"{COMMON['origin']}/i/AB12CD34/"
    sent = Form(text, campaign, SETTINGS, COMMON).spliced(
        KEY, "zoe@example.org", NOW, own | {"unsubscribe": "x"}
    )
    plain, html = _parts(_parsed(sent))
    assert usual.text.strip() == plain.strip().replace("/u/x/", "/u/…/")
    assert usual.html.strip() == html.strip().replace("/u/x/", "/u/…/")
