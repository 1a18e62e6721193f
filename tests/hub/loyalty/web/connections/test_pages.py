"""The connections pages: secrets shown once, everything within the shopkeeper's own shop."""

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from chaland.hub.association.models import User
from chaland.hub.common import clock
from chaland.hub.loyalty.connect import connections, files, keys
from chaland.hub.loyalty.connect.files import Uploader
from chaland.hub.loyalty.models import ApiKey, ColumnMap, Connection, Receipt, ReceiptFile
from chaland.hub.loyalty.till import devices, sellers
from tests.builders import Cast, build_cast

pytestmark = pytest.mark.django_db
SignedIn = Callable[[User], Client]


@pytest.fixture
def cast() -> Cast:
    return build_cast()


@pytest.fixture
def signed_in() -> SignedIn:
    def opened(user: User) -> Client:
        client = Client()
        client.force_login(user)
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
        return client

    return opened


def test_a_key_is_shown_once_and_opens_the_api(cast: Cast, signed_in: SignedIn) -> None:
    client = signed_in(cast.shopkeeper)
    page = client.post(reverse("key_add"), {"key-name": "Caisse 1"}).content.decode()
    [key] = re.findall(r"chl_[\w-]{43}", page)
    caller = keys.caller_of(key, clock.now())
    assert caller is not None
    assert caller.shop_id == cast.shop.pk
    again = client.get(reverse("machines")).content.decode()
    assert key not in again
    assert key[:8] in again
    assert key not in repr(list(ApiKey.objects.values()))


def test_there_are_two_keys_at_most_and_revoking_makes_room(
    cast: Cast, signed_in: SignedIn
) -> None:
    client = signed_in(cast.shopkeeper)
    for _ in range(3):
        answer = client.post(reverse("key_add"), {"key-name": "K"})
    assert answer.status_code == 422
    newest = ApiKey.objects.latest("pk")
    client.post(reverse("key_revoke", args=[newest.pk]))
    assert len(keys.valid_keys(cast.shop.pk, clock.now())) == 1
    assert client.post(reverse("key_add"), {"key-name": "K"}).status_code == 200


def test_a_till_is_paired_by_the_code_on_the_page(cast: Cast, signed_in: SignedIn) -> None:
    page = signed_in(cast.shopkeeper).post(reverse("till_add"), {"till-name": "Tablette"})
    found = re.search(r'<code id="code">([^<]+)</code>', page.content.decode())
    assert found
    till, _token = devices.pair(found[1])
    assert (till.shop_id, till.name) == (cast.shop.pk, "Tablette")


def test_a_seller_needs_a_pin_that_is_not_guessed(cast: Cast, signed_in: SignedIn) -> None:
    client = signed_in(cast.shopkeeper)
    weak = client.post(reverse("seller_add"), {"seller-name": "Léa", "seller-pin": "1234"})
    assert weak.status_code == 422
    client.post(reverse("seller_add"), {"seller-name": "Léa", "seller-pin": "8305"})
    [seller] = sellers.sellers_of(cast.shop.pk)
    assert client.post(reverse("seller_pin", args=[seller.pk]), {"pin": "0000"}).status_code == 422
    assert client.post(reverse("seller_pin", args=[seller.pk]), {"pin": "9251"}).status_code == 302
    client.post(reverse("seller_close", args=[seller.pk]))
    assert not sellers.sellers_of(cast.shop.pk)


def test_a_maker_is_connected_and_its_error_is_in_words(cast: Cast, signed_in: SignedIn) -> None:
    client = signed_in(cast.shopkeeper)
    given = {"maker-source": "hiboutik", "maker-secret": ""}
    assert client.post(reverse("maker_connect"), given).status_code == 422
    page = client.post(reverse("maker_connect"), given | {"maker-secret": "s3cret-word"})
    [address] = re.findall(r"/hooks/([\w-]{43})\"", page.content.decode())
    connection = connections.connection_at(address)
    assert connection is not None
    connections.fail(connection, "The key is refused.")
    page = client.get(reverse("machines"))
    assert "The key is refused." in page.content.decode()
    assert "s3cret-word" not in page.content.decode()
    assert address not in page.content.decode()
    client.post(reverse("maker_end", args=[connection.pk]))
    assert Connection.objects.get().secret is None


def test_a_file_is_read_previewed_and_taken_in(cast: Cast, signed_in: SignedIn) -> None:
    client = signed_in(cast.shopkeeper)
    data = b"n;j;m\nT1;2026-01-05;3,00\nT2;2026-01-05;x\n"
    page = client.post(reverse("receipt_files"), {"file": SimpleUploadedFile("a.csv", data)})
    assert page.status_code == 302
    assert "Say below which column this is." in client.get(page.url).content.decode()
    client.post(page.url, {"number": "n", "day": "j", "amount": "m", "save_as": "Ma caisse"})
    shown = client.get(page.url).content.decode()
    assert "This is no amount" in shown
    assert "1 sound receipt" in shown
    assert not Receipt.objects.exists()
    done = client.post(page.url + "start/", follow=True).content.decode()
    assert "Taken in." in done
    assert Receipt.objects.get().external_id == "T1"
    assert ColumnMap.objects.get().columns == {"number": "n", "day": "j", "amount": "m"}


def test_an_xlsx_file_is_told_what_to_do(cast: Cast, signed_in: SignedIn) -> None:
    sheet = SimpleUploadedFile("a.xlsx", b"PK\x03\x04rest")
    page = signed_in(cast.shopkeeper).post(reverse("receipt_files"), {"file": sheet})
    assert page.status_code == 422
    assert "spreadsheet" in page.content.decode()


def test_a_running_import_tells_how_far_it_is(cast: Cast, signed_in: SignedIn) -> None:
    who = Uploader(cast.association.pk, cast.shop.pk, "user:1")
    file = files.upload(b"ticket;date;montant\nT1;2026-01-05;3\n", "a.csv", who)
    file.started_at = clock.now()
    file.report = {"receipts": 2500, "done": 1000, "new": 1000, "repeated": 0}
    file.save()
    page = signed_in(cast.shopkeeper).get(reverse("receipt_file", args=[file.pk]))
    assert page["Refresh"] == "3"
    assert 'value="1000" max="2500"' in page.content.decode()


def _things(cast: Cast) -> list[tuple[str, list[int]]]:
    """What the shopkeeper has, each by the address that changes it."""
    town, shop = cast.association.pk, cast.shop.pk
    keys.make_key(town, shop, "K", clock.now())
    made = connections.connect(town, shop, "odoo", secret="", settings={})
    till, _code = devices.add_till(association_id=town, shop_id=shop, name="T")
    seller = sellers.add_seller(association_id=town, shop_id=shop, name="L", pin="8305")
    file = files.upload(
        b"ticket;date;montant\nT;2026-01-01;1\n", "a.csv", Uploader(town, shop, "u")
    )
    return [
        ("key_revoke", [ApiKey.objects.get().pk]), ("maker_end", [made.connection.pk]),
        ("till_code", [till.pk]), ("till_revoke", [till.pk]), ("seller_pin", [seller.pk]),
        ("seller_close", [seller.pk]), ("receipt_file", [file.pk]),
        ("receipt_file_start", [file.pk]), ("receipt_file_forget", [file.pk]),
    ]  # fmt: skip


def test_nobody_reaches_another_shops_things(cast: Cast, signed_in: SignedIn) -> None:
    things = _things(cast)
    for user in (cast.neighbour, cast.stranger):
        client = signed_in(user)
        for name, args in things:
            answer = client.post(reverse(name, args=args), {"pin": "9251"})
            assert answer.status_code == 404, (user, name)
    assert ReceiptFile.objects.exists()
    assert not Receipt.objects.exists()


def test_a_director_sees_states_and_makes_nothing(cast: Cast, signed_in: SignedIn) -> None:
    things = _things(cast)
    client = signed_in(cast.director)
    page = client.get(reverse("connections")).content.decode()
    assert cast.shop.name in page
    assert "chl_" not in page
    for name in ("machines", "receipt_files"):
        assert client.get(reverse(name)).status_code == 403
    for name in ("key_add", "maker_connect", "till_add", "seller_add"):
        assert client.post(reverse(name), {}).status_code == 403
    for name, args in things:
        assert client.post(reverse(name, args=args)).status_code == 403


def test_a_stranger_is_sent_to_sign_in() -> None:
    for name in ("connections", "machines", "receipt_files"):
        assert Client().get(reverse(name)).status_code == 302
