"""An invitation's page: what whoever holds the address may see and do."""

import pytest
from django.test import Client

from chaland.hub.loyalty.account import links
from chaland.hub.loyalty.models import Invitation, Member, PrivateSale
from chaland.hub.loyalty.sales import codes
from tests.hub.loyalty.sales.conftest import Town

pytestmark = pytest.mark.django_db


def test_it_names_nobody_and_looking_does_nothing(town: Town) -> None:
    sale = town.announced()
    [invitation] = town.invited(sale, 1)
    Member.objects.filter(pk=invitation.member_id).update(
        first_name="Zéphirine", last_name="Quincampoix"
    )
    answer = Client().get(codes.path_of(invitation), headers={"Accept-Language": "en"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Zéphirine" not in page
    assert "Quincampoix" not in page
    assert codes.code_of(invitation) in page
    assert "80,00" in page or "80.00" in page
    assert "noindex" in answer["X-Robots-Tag"]
    assert "no-store" in answer["Cache-Control"]
    invitation.refresh_from_db()
    assert invitation.state == Invitation.State.OPEN


def test_a_place_is_booked_waited_for_and_given_back(town: Town) -> None:
    sale = town.announced()
    slot = town.slot(sale, 1)
    first, second = town.invited(sale, 2)
    for one in (first, second):
        Client().post(codes.path_of(one), {"do": "book", "slot": slot.pk})
        one.refresh_from_db()
    assert (first.state, second.state) == ("booked", "queued")
    Client().post(codes.path_of(first), {"do": "decline"})
    second.refresh_from_db()
    assert second.state == "booked"
    Member.objects.update(language="en")
    assert "it is yours" in Client().get(codes.path_of(second)).content.decode()
    for one, said in ((first, False), (second, True)):  # nobody writes: the account says so
        account = Client()
        account.post(links.account_link(one.member_id or 0, "till:1 seller:1"))
        home = account.get("/me/", headers={"Accept-Language": "en"}).content.decode()
        assert ("it is yours" in home) == (codes.path_of(one) in home) == said
    Client().post(codes.path_of(second), {"do": "book", "slot": "9" * 30})
    second.refresh_from_db()
    assert second.state == "booked"


def test_wrong_codes_are_limited(town: Town) -> None:
    sale = town.announced()
    [invitation] = town.invited(sale, 1)
    for _ in range(codes.MISSES_AN_HOUR):
        assert Client().get("/i/AAAAA-AAAAA/").status_code == 404
    assert Client().get("/i/AAAAA-AAAAA/").status_code == 429
    assert Client().get(codes.path_of(invitation)).status_code == 200


def test_the_members_language_unless_another_is_chosen(town: Town) -> None:
    sale = town.announced()
    [invitation] = town.invited(sale, 1)
    for language, word in (("en", "Are you coming"), ("fr", "Venez-vous")):
        Member.objects.filter(pk=invitation.member_id).update(language=language)
        assert word in Client().get(codes.path_of(invitation)).content.decode()


@pytest.mark.parametrize(("state", "word"), [("cancelled", "annulée"), ("over", "terminée")])
def test_what_is_off_says_so_and_takes_nothing(town: Town, state: str, word: str) -> None:
    sale = town.announced()
    [invitation] = town.invited(sale, 1)
    PrivateSale.objects.filter(pk=sale.pk).update(state=state)
    page = Client().get(codes.path_of(invitation)).content.decode()
    assert word in page
    Client().post(codes.path_of(invitation), {"do": "book"})
    invitation.refresh_from_db()
    assert invitation.state == Invitation.State.OPEN
