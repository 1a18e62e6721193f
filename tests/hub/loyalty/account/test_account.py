"""The member's own account: the way in, what it shows, what it does, and nobody else's."""

import csv
import io
import json
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from chaland.hub.common import clock
from chaland.hub.loyalty.account import leaving, links, portable
from chaland.hub.loyalty.consent.selectors import permitted
from chaland.hub.loyalty.members import cards, lookups
from chaland.hub.loyalty.models import AccountKey, Departure, Lookup, Member, Receipt
from chaland.hub.loyalty.programmes.services import Ask, redeem
from chaland.hub.loyalty.receipts import matching
from tests.builders import build_cast
from tests.hub.loyalty.programmes.building import WEDNESDAY, buy, receipt
from tests.loyalty_builders import Loyalty, build_loyalty

pytestmark = pytest.mark.django_db


@pytest.fixture
def town(db: None) -> Loyalty:
    return build_loyalty(build_cast(3))


def _in(member: Member) -> Client:
    """Follow a link as a phone does: look at it, press the button."""
    client = Client()
    path = links.account_link(member.pk, "till:1 seller:1")
    assert client.get(path).status_code == 200
    assert client.post(path).status_code == 302
    return client


@pytest.fixture
def phone(town: Loyalty) -> Client:
    return _in(town.member)


def _later(monkeypatch: pytest.MonkeyPatch, **by: int) -> None:
    then = clock.now() + timedelta(**by)
    monkeypatch.setattr(clock, "_read", lambda: then)


def test_a_link_opens_once_whatever_looks_at_it_before(town: Loyalty) -> None:
    path = links.account_link(town.member.pk, "till:1")
    for _ in range(5):
        assert Client().get(path).status_code == 200, "a preview uses nothing up"
    assert Client().get("/me/").status_code == 403
    assert Client().post(path).status_code == 302
    assert Client().post(path).status_code == 403


def test_a_link_is_worthless_after_a_quarter_of_an_hour(
    town: Loyalty, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = links.account_link(town.member.pk, "till:1")
    _later(monkeypatch, minutes=15, seconds=1)
    assert Client().post(path).status_code == 403


def test_a_session_lives_thirty_days_and_ends_on_all_devices_at_once(
    town: Loyalty, phone: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tablet = _in(town.member)
    cookie = phone.cookies["account"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 2_592_000)
    phone.post("/me/sign-out/")
    assert tablet.get("/me/").status_code == 403
    again = _in(town.member)
    _later(monkeypatch, days=30, seconds=1)
    assert again.get("/me/").status_code == 403
    assert links.prune(clock.now()) == 2, "the link and its session"
    assert not AccountKey.objects.exists()


def test_no_token_lies_in_the_database_and_a_links_token_is_no_session(town: Loyalty) -> None:
    path = links.account_link(town.member.pk, "till:1")
    token = path.rstrip("/").rsplit("/", 1)[-1]
    assert token not in str(list(AccountKey.objects.values()))
    thief = Client()
    thief.cookies["account"] = token
    assert thief.get("/me/").status_code == 403


def test_the_page_says_what_there_is_and_why(town: Loyalty, phone: Client) -> None:
    buy(town, 2_370)
    buy(town, 700, shop=1)
    answer = phone.get("/me/")
    shown = answer.content.decode()
    for text in ("23 points", "0,30\xa0€", "1 tampon", "23,70\xa0€ = 23 points", "23,70\xa0€"):
        assert text in shown
    assert town.cast.shops[0].name in shown
    assert "no-store" in answer["Cache-Control"]


def test_a_voucher_shows_its_code_to_its_member_only(town: Loyalty, phone: Client) -> None:
    buy(town, 10_000)
    ask = Ask(town.cast.association.pk, town.cast.shops[0].pk, "v", "till:1")
    code = redeem(ask, town.points.rewards.get().pk, town.member.pk).voucher_code
    assert code in phone.get("/me/").content.decode()
    assert code not in _in(town.members[1]).get("/me/").content.decode()


def test_a_consent_is_switched_on_with_its_text_and_off_as_easily(
    town: Loyalty, phone: Client
) -> None:
    Member.objects.filter(pk=town.member.pk).update(email="sealed@example.org")
    page = phone.get("/me/").content.decode()
    wordings = dict(re.findall(r'name="consent" value="([^"]+)"><input[^>]*value="(\d+)"', page))
    shop = town.cast.shops[0].pk
    assert {key.split(".")[0] for key in wordings} == {"0", str(shop)}, "its own shops only"
    asked = {"consent": f"{shop}.offers.email", "given": "1"}
    phone.post("/me/consents/", {**asked, "wording": "0"})
    assert not permitted(town.member.pk, shop, "offers", "email"), "not with another text"
    phone.post("/me/consents/", {**asked, "wording": wordings[asked["consent"]]})
    assert permitted(town.member.pk, shop, "offers", "email")
    assert not permitted(town.member.pk, 0, "offers", "email")
    phone.post("/me/consents/", {**asked, "given": "0"})
    assert not permitted(town.member.pk, shop, "offers", "email")


def test_a_choice_that_is_not_offered_changes_nothing(town: Loyalty, phone: Client) -> None:
    stranger = town.cast.shops[2].pk
    phone.post("/me/consents/", {"consent": f"{stranger}.offers.email", "given": "1"})
    assert not permitted(town.member.pk, stranger, "offers", "email")


def test_who_looked_is_shown(town: Loyalty, phone: Client) -> None:
    asker = lookups.Asker(town.cast.association.pk, town.cast.shops[1].pk, "till:7 seller:2")
    lookups.logged(asker, Lookup.Kind.NAME, [town.member])
    page = phone.get("/me/").content.decode()
    looked = page[page.index('id="looked"') :]
    assert town.cast.shops[1].name in looked
    assert "par nom" in looked


def test_a_receipt_is_claimed_by_its_code_ten_tries_an_hour(town: Loyalty, phone: Client) -> None:
    left = receipt(town, [1_000], at=clock.now() - timedelta(days=1))
    Receipt.objects.filter(pk=left.pk).update(
        code="ABCD2345", member=None, attached_at=None, attached_times=0
    )
    for _ in range(9):
        phone.post("/me/claim/", {"code": "ZZZZ9999"})
    phone.post("/me/claim/", {"code": "abcd-2345"})
    left.refresh_from_db()
    assert left.member_id == town.member.pk
    assert "10 points" in phone.get("/me/").content.decode()
    answer = phone.post("/me/claim/", {"code": "ABCD2345"}, follow=True).content.decode()
    assert "Trop d’essais" in answer


def test_pausing_stops_earning_and_resuming_takes_it_up(town: Loyalty, phone: Client) -> None:
    phone.post("/me/pause/")
    assert Member.objects.get(pk=town.member.pk).state == "paused"
    assert phone.get("/me/").status_code == 200, "the account itself stays open"
    phone.post("/me/pause/", {"resume": "1"})
    assert Member.objects.get(pk=town.member.pk).state == "active"


def test_leaving_takes_two_clicks_and_can_be_undone_for_a_week(
    town: Loyalty, phone: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy(town, 1_000)
    assert "10 points" in phone.get("/me/leave/").content.decode(), "what is lost is said"
    assert not Departure.objects.exists()
    phone.post("/me/leave/")
    assert Member.objects.get(pk=town.member.pk).state == "paused"
    assert leaving.erase_departed(clock.now() + timedelta(days=6)) == 0
    phone.post("/me/stay/")
    assert Member.objects.get(pk=town.member.pk).state == "active"
    phone.post("/me/leave/")
    phone.post("/me/pause/", {"resume": "1"})
    assert Member.objects.get(pk=town.member.pk).state == "paused", "who has left doesn't resume"
    assert leaving.erase_departed(clock.now() + timedelta(days=8)) == 1
    assert not Member.objects.filter(pk=town.member.pk).exists()
    assert phone.get("/me/").status_code == 403


def test_who_was_resting_and_undoes_leaving_rests_on(town: Loyalty, phone: Client) -> None:
    phone.post("/me/pause/")
    phone.post("/me/leave/")
    phone.post("/me/leave/")
    phone.post("/me/stay/")
    assert Member.objects.get(pk=town.member.pk).state == "paused"


def test_the_card_holds_a_code_that_names_the_member_to_tills(town: Loyalty, phone: Client) -> None:
    page = phone.get("/me/card/").content.decode()
    assert "<svg" in page
    assert "style=" not in page
    assert cards.member_of(town.cast.association.pk, cards.token(town.member)) == town.member


def test_what_is_taken_along_reads_in_again_by_the_imports(town: Loyalty, phone: Client) -> None:
    """L15: JSON by the API's reader, CSV by the import of receipts, items and discounts too."""
    from chaland.hub.loyalty.connect import receipt_csv, receipt_json

    bought = buy(
        town,
        {"gross_cents": 1_990, "item_id": "A;1", "item_name": "=Café \"fin\"", "group": "Épicerie",
         "quantity_milli": 1_500, "vat_permyriad": 550},
        {"gross_cents": -190, "discount": True, "item_name": "Remise"},
    )  # fmt: skip
    told = json.loads(phone.get("/me/export.json").content)
    assert "{controller}" not in str(told["consents"]), "the texts as they were shown"
    assert told["balances"][0]["movements"][0]["why"] == "18,00\xa0€ × 1\xa0% = 0,18\xa0€"
    sender = receipt_json.Sender(
        town.cast.association.pk, bought.shop_id, "key:1", clock.now() + timedelta(days=900)
    )
    faults: list[object] = []
    again = receipt_json.read_receipt(told["receipts"][0]["receipt"], "", sender, faults)
    assert faults == []
    assert (again.receipt.external_id, again.receipt.gross_cents) == (bought.external_id, 1_800)
    assert [(x.gross_cents, x.discount, x.item_id) for x in again.receipt.lines] == [
        (1_990, False, "A;1"),
        (-190, True, ""),
    ]
    text = phone.get("/me/purchases.csv").content.decode("utf-8-sig")
    assert next(csv.reader(io.StringIO(text), delimiter=";")) == list(portable.COLUMNS)
    whose = receipt_csv.Whose(
        town.cast.association.pk, bought.shop_id, ZoneInfo("Europe/Paris"), "user:1",
        clock.now() + timedelta(days=900),
    )  # fmt: skip
    columns = receipt_csv.guessed_map(receipt_csv.headers_of(text))
    table = receipt_csv.read_receipts(text, columns, whose)
    assert table.problems == []
    (row,) = table.rows
    assert (row.receipt.external_id, row.receipt.gross_cents) == (bought.external_id, 1_800)
    assert row.receipt.issued_at == WEDNESDAY
    first = row.receipt.lines[0]
    assert (first.quantity_milli, first.vat_permyriad, first.group) == (1_500, 550, "Épicerie")


def test_nothing_of_another_member_is_taken_along(town: Loyalty, phone: Client) -> None:
    buy(town, 4_321, member=town.members[1])
    told = phone.get("/me/export.json").content.decode()
    assert "Martin1" not in told
    assert "4321" not in told
    assert json.loads(told)["receipts"] == []


@pytest.mark.parametrize(
    "path", ["", "purchases/", "card/", "leave/", "export.json", "purchases.csv"]
)
def test_staff_have_no_way_in(town: Loyalty, path: str) -> None:
    director = Client()
    director.force_login(town.cast.director)
    assert director.get(f"/me/{path}").status_code == 403


def test_vouchers_and_receipts_that_are_awaited_are_taken_along(
    town: Loyalty, phone: Client
) -> None:
    buy(town, 10_000)
    shop = town.cast.shops[0]
    ask = Ask(town.cast.association.pk, shop.pk, "v", "till:1")
    code = redeem(ask, town.points.rewards.get().pk, town.member.pk).voucher_code
    matching.claim(
        town.cast.association.pk, shop.pk, town.member.pk,
        at=clock.now(), actor="till:1", amount_cents=777,
    )  # fmt: skip
    told = json.loads(phone.get("/me/export.json").content)
    (voucher,) = told["vouchers"]
    assert (voucher["code"], voucher["state"], voucher["shop"]) == (code, "open", shop.name)
    (awaited,) = told["awaited_receipts"]
    assert (awaited["shop"], awaited["gross_cents"], awaited["state"]) == (shop.name, 777, "open")


def test_opening_the_account_is_a_contact(town: Loyalty) -> None:
    """L13: the three years count anew."""
    Member.objects.filter(pk=town.member.pk).update(last_active_on="2024-01-01")
    _in(town.member)
    town.member.refresh_from_db()
    assert town.member.last_active_on == clock.now().date()


def test_while_leaving_nothing_is_offered_to_be_spent(town: Loyalty, phone: Client) -> None:
    buy(town, 10_000)
    assert "\xa0: maintenant" in phone.get("/me/").content.decode()
    phone.post("/me/leave/")
    page = phone.get("/me/").content.decode()
    assert "\xa0: maintenant" not in page
    assert "Rien ne peut être utilisé pendant votre départ" in page
    assert 'name="code"' not in page, "a receipt can't be added either"
    phone.post("/me/stay/")
    assert "\xa0: maintenant" in phone.get("/me/").content.decode()


def test_a_resting_account_says_that_all_is_kept(town: Loyalty, phone: Client) -> None:
    buy(town, 10_000)
    phone.post("/me/pause/")
    page = phone.get("/me/").content.decode()
    assert "\xa0: maintenant" not in page
    assert "C’est gardé" in page


def test_a_consent_s_text_is_one_tap_away_and_its_switch_is_not_hidden_by_it(
    town: Loyalty, phone: Client
) -> None:
    page = phone.get("/me/").content.decode()
    switches = re.findall(r'<form class="switch".*?</form>', page, re.DOTALL)
    assert switches
    for switch in switches:
        text, button = switch.split("</details>")
        assert "<details><summary" in text
        assert "<p" in text
        assert 'role="switch"' in button or "muted" in button
