"""Pages of receipts: a shop reads its own, a director no purchase at all; nobody is named."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Claim, Receipt
from chaland.hub.loyalty.receipts import links, matching
from chaland.hub.loyalty.receipts.shapes import LineIn
from tests.hub.loyalty.receipts.conftest import AT, Town

pytestmark = pytest.mark.django_db
BOOKS = [
    LineIn(1, 2_000, item_id="b", item_name="Le Horla", quantity_milli=2_000, vat_permyriad=550),
    LineIn(2, -100, discount=True, vat_permyriad=550),
    LineIn(3, 400, item_name="Stylo", vat_permyriad=2_000),
]


def browser(town: Town, who: str = "shopkeeper") -> Client:
    client = Client()
    client.cookies["django_language"] = "en"
    client.force_login(getattr(town.loyalty.cast, who))
    return client


def books(town: Town) -> int:
    return town.buy("B-77", 2_300, lines=BOOKS).receipt_id or 0


def test_a_shopkeeper_reads_the_list_and_what_each_earned(town: Town) -> None:
    books(town)
    town.buy("elsewhere", 9_900, shop_id=town.shops[2])
    page = browser(town).get("/receipts/").content.decode()

    assert "B-77" in page
    assert "elsewhere" not in page
    assert "23 points" in page
    assert town.members[0].last_name not in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"B-77", "N-1", "R-1"}),
        ("?sort=attached", {"B-77"}),
        ("?sort=unattached", {"N-1"}),
        ("?sort=returns", {"R-1"}),
        ("?sort=waiting", {"R-1"}),
        ("?text=B-", {"B-77"}),
        ("?since=2026-05-06", {"R-1"}),
        ("?until=2026-05-05", {"B-77", "N-1"}),
        ("?since=nonsense&sort=nonsense&page=nonsense", {"B-77", "N-1", "R-1"}),
    ],
)
def test_the_list_is_filtered(town: Town, query: str, shown: set[str]) -> None:
    books(town)
    town.buy("N-1", member_id=None)
    town.give_back("R-1", -500)
    page = browser(town).get(f"/receipts/{query}").content.decode()

    assert {number for number in ("B-77", "N-1", "R-1") if f"{number}<" in page} == shown


def test_a_receipt_shows_lines_tax_and_why(town: Town) -> None:
    page = browser(town).get(f"/receipts/{books(town)}/").content.decode()

    for text in ("Le Horla", "Stylo", "5.5\u00a0%", "20\u00a0%", "€23.00", "23 points"):
        assert text in page


def test_another_shop_s_receipt_is_not_there(town: Town) -> None:
    number = books(town)
    for who, status in (("neighbour", 404), ("stranger", 404), ("director", 403)):
        client = browser(town, who)
        assert client.get(f"/receipts/{number}/").status_code == status
        assert client.post(f"/receipts/{number}/link/").status_code == status
        assert client.post(f"/receipts/{number}/return/", {"line_1": 1}).status_code == status
    assert Client().get(f"/receipts/{number}/").status_code == 302


def test_articles_are_taken_back_once_however_often_the_form_is_sent(town: Town) -> None:
    number, client = books(town), browser(town)
    page = client.get(f"/receipts/{number}/").content.decode()
    once = re.search(r'name="number" value="([0-9a-f]+)"', page)
    assert once
    for _ in range(2):
        answer = client.post(f"/receipts/{number}/return/", {"number": once[1], "line_1": "1"})
        assert answer.status_code == 302

    back = Receipt.objects.get(returns=number)
    assert back.gross_cents == -958  # half of 20.00 less its part of the euro off
    assert "1 came back" in client.get(f"/receipts/{number}/").content.decode()


@pytest.mark.parametrize("said", [{}, {"line_1": "3"}, {"line_1": "-1"}, {"line_1": "x"}])
def test_a_return_that_can_not_be_is_said(town: Town, said: dict[str, str]) -> None:
    number = books(town)
    answer = browser(town).post(f"/receipts/{number}/return/", {"number": "n"} | said)

    assert answer.status_code == 422
    assert not Receipt.objects.filter(returns=number).exists()


def test_a_return_finds_its_purchase_by_the_code(town: Town) -> None:
    number, client = books(town), browser(town)
    back = town.give_back("R-1", -1_000, lines=[LineIn(1, -1_000, item_id="b")]).receipt_id
    assert "Of which purchase is it?" in client.get(f"/receipts/{back}/").content.decode()
    code = Receipt.objects.get(pk=number).code
    client.post(f"/receipts/{back}/join/", {"code": code.lower()})

    assert Receipt.objects.get(pk=back).returns_id == number
    assert town.has() == 14  # what two books less the euro and a pen earned, less one book


def test_the_queue_names_nobody_to_a_director_and_masks_for_the_shop(town: Town) -> None:
    member = town.members[0]
    matching.claim(
        member.association_id, town.shops[0], member.pk, at=AT, actor="till:1", amount_cents=2_300
    )
    town.buy("N-1", member_id=None)
    director = browser(town, "director").get("/receipts/", follow=True).content.decode()
    keeper = browser(town).get("/receipts/queue/").content.decode()

    assert "same amount" in director
    assert member.first_name not in director
    assert f"{member.first_name} {member.last_name[0]}." in keeper
    assert member.last_name not in keeper


def test_the_queue_is_decided_by_who_may(town: Town) -> None:
    member = town.members[0]
    claim = matching.claim(
        member.association_id, town.shops[0], member.pk, at=AT, actor="till:1", amount_cents=2_300
    )
    receipt = town.buy("N-1", member_id=None).receipt_id
    path = f"/receipts/queue/{claim.pk}/"
    for who in ("neighbour", "stranger"):
        assert browser(town, who).post(path, {"receipt": receipt}).status_code == 404
    assert browser(town).post(path, {"receipt": "999"}).status_code == 404
    assert town.has() == 0
    assert browser(town, "director").post(path, {"receipt": receipt}).status_code == 302
    assert town.has() == 23
    again = browser(town).post(path, {"receipt": receipt}, follow=True)  # from a page left open
    assert "This has been decided already." in again.content.decode()


def test_the_queue_s_buttons_work_beyond_a_thousand_receipts(town: Town) -> None:
    """Numbers that are shown have a space for the thousands; numbers that are sent have none."""
    town.buy("N-1", member_id=None)
    stray = Receipt.objects.get(external_id="N-1")
    stray.pk, stray.external_id, stray.code, stray.gross_cents = 81_234, "N-2", "N2N2N2N2", 777
    stray.save(force_insert=True)
    Claim.objects.create(
        pk=5_678, association_id=stray.association_id, shop_id=stray.shop_id, at=AT,
        member=town.members[0], actor="till:1", amount_cents=777,
    )  # fmt: skip
    page = browser(town, "director").get("/receipts/queue/").content.decode()
    assert 'action="/receipts/queue/5678/"' in page
    buttons = re.findall(r'name="receipt" value="([^"]+)"', page)
    assert buttons[0] == "81234"
    browser(town, "director").post("/receipts/queue/5678/", {"receipt": buttons[0]})
    assert Claim.objects.get().receipt_id == 81_234


def test_a_claim_is_given_up(town: Town) -> None:
    member = town.members[0]
    claim = matching.claim(member.association_id, town.shops[0], member.pk, at=AT, actor="till:1")
    client = browser(town)
    for _ in range(2):
        assert client.post(f"/receipts/queue/{claim.pk}/", {"receipt": ""}).status_code == 302
    claim.refresh_from_db()
    assert claim.state == "dropped"


def test_the_e_receipt_is_read_by_its_address_and_found_by_no_one(town: Town) -> None:
    _link, token = links.make(books(town), clock.now())
    answer = Client(headers={"accept-language": "en"}).get(f"/receipts/r/{token}/")
    page = answer.content.decode()

    assert answer.status_code == 200
    assert "Le Horla" in page
    assert "5.5\u00a0%" in page
    assert town.members[0].first_name not in page
    assert "noindex" in answer["X-Robots-Tag"]
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "no-referrer"


def test_a_wrong_address_and_one_whose_time_is_over_answer_alike(town: Town) -> None:
    _link, token = links.make(books(town), clock.now() - links.LIVES - timedelta(days=1))
    answers = [Client().get(f"/receipts/r/{each}/") for each in (token, "nonsense")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content or "csrf" in answers[0].content.decode()


def test_making_an_address_shows_it_once(town: Town) -> None:
    number, client = books(town), browser(town)
    page = client.post(f"/receipts/{number}/link/").content.decode()
    found = re.search(r"/receipts/r/([\w-]+)/", page)

    assert found
    assert Client().get(f"/receipts/r/{found[1]}/").status_code == 200
    assert found[1] not in client.get(f"/receipts/{number}/").content.decode()
