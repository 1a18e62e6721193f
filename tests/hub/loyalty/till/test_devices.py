"""Pairing, PINs, revocation: a stolen code, cookie or tablet opens as little as can be."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.models import Seller, Till
from chaland.hub.loyalty.till import devices, rules, sellers
from tests.loyalty_builders import Loyalty

from .conftest import PIN, Counter, Page, paired

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_tries_before() -> None:
    cache.clear()


def test_a_code_pairs_one_device_once(loyalty: Loyalty) -> None:
    till, code = devices.add_till(
        association_id=loyalty.cast.association.pk, shop_id=loyalty.cast.shop.pk, name="Comptoir"
    )
    first = Page()
    first.post("pair", code=f" {code.lower()} ")
    assert first.post("state")["shop"]["name"] == loyalty.cast.shop.name
    Page().post("pair", 404, code=code)
    stored = Till.objects.values().get(pk=till.pk)
    assert code not in str(stored)
    assert first.client.cookies["till"].value not in str(stored)


def test_a_code_is_over_after_a_quarter_of_an_hour(
    loyalty: Loyalty, noon: time_machine.Traveller
) -> None:
    _till, code = devices.add_till(
        association_id=loyalty.cast.association.pk, shop_id=loyalty.cast.shop.pk, name="Comptoir"
    )
    noon.shift(rules.CODE_LIFE)
    Page().post("pair", 404, code=code)


def test_codes_are_not_to_be_tried_through(loyalty: Loyalty) -> None:
    statuses = {Page().client.post(
        "/till/pair", {"code": f"AAAA-{i:04}"}, content_type="application/json",
        headers={"X-Till": "1"},
    ).status_code for i in range(25)}  # fmt: skip
    assert statuses == {404, 429}


def test_a_new_code_leaves_the_device_working_until_it_is_used(counter: Counter) -> None:
    code = devices.new_code(counter.till)
    counter.page.post("state")
    other = Page()
    other.post("pair", code=code)
    counter.page.post("state", 401)
    other.post("find", 403, text="dup")  # nobody has given a PIN on the new one


def test_a_revoked_device_is_out_at_once_and_for_good(counter: Counter) -> None:
    devices.revoke(Till.objects.get(pk=counter.till.pk))
    counter.page.post("state", 401)
    counter.page.post("find", 401, text="dupont")
    counter.page.attach(1000, 401, contact="0612345678")
    with pytest.raises(devices.PairingErrorFinal):
        devices.new_code(Till.objects.get(pk=counter.till.pk))


def test_the_cookie_is_the_devices_own(counter: Counter) -> None:
    cookie = counter.page.client.cookies["till"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"X-Till": "1", "Origin": "https://elsewhere.example"}, 403),
        ({"X-Till": "1", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-Till": "1", "Sec-Fetch-Site": "same-site"}, 403),
        ({"X-Till": "1", "Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_only_the_page_itself_may_ask(
    counter: Counter, headers: dict[str, str], status: int
) -> None:
    client = counter.page.client
    answer = client.post("/till/state", "{}", content_type="application/json", headers=headers)
    assert answer.status_code == status
    assert answer["Cache-Control"] == "no-store"


def test_a_form_of_another_site_is_no_json(counter: Counter) -> None:
    answer = counter.page.client.post("/till/leave", {"x": "1"}, headers={"X-Till": "1"})
    assert answer.status_code == 415
    assert Till.objects.get(pk=counter.till.pk).seller_id == counter.seller.pk
    assert counter.page.client.get("/till/find?text=dupont").status_code == 405


def test_nobody_is_looked_up_without_a_pin(counter: Counter) -> None:
    counter.page.post("leave")
    assert counter.page.post("find", 403, text="dupont")["code"] == "locked"
    counter.page.post("state")


def test_five_wrong_pins_lock_the_seller_and_a_new_pin_unlocks(
    counter: Counter, noon: time_machine.Traveller
) -> None:
    page, who = counter.page, counter.seller.pk
    left = [page.post("seller", 422, seller=who, pin="9999")["tries_left"] for _ in range(4)]
    assert left == [4, 3, 2, 1]
    assert page.post("seller", 423, seller=who, pin="9999")["locked_until"]
    page.post("seller", 423, seller=who, pin=PIN)  # the right one opens nothing while locked
    _other, another = paired(counter.loyalty)
    another.sign_in(who)  # but who tries PINs here keeps nobody from serving there
    noon.shift(rules.LOCK + timedelta(seconds=1))
    page.post("seller", 423, seller=who, pin="9999")  # one more try, and locked again
    sellers.set_pin(Seller.objects.get(pk=who), "7391")
    page.post("seller", seller=who, pin="7391")


def test_a_seller_of_another_shop_does_not_serve_here(counter: Counter) -> None:
    _till, elsewhere = paired(counter.loyalty, shop=1)
    answer = elsewhere.post("seller", 422, seller=counter.seller.pk, pin=PIN)
    assert answer["tries_left"] == 0
    assert elsewhere.post("state")["sellers"] == []


def test_a_closed_seller_stands_nowhere(counter: Counter) -> None:
    sellers.close_seller(counter.seller)
    assert counter.page.post("state")["seller"] is None
    counter.page.post("seller", 422, seller=counter.seller.pk, pin=PIN)


@given(st.text("0123456789", min_size=4, max_size=8))
def test_a_pin_opens_with_itself_alone(pin: str) -> None:
    stored = rules.pin_hash(pin, b"key")
    assert rules.pin_fits(pin, stored, b"key")
    assert not rules.pin_fits(pin + "0", stored, b"key")
    assert not rules.pin_fits(pin, stored, b"another key")
    assert pin not in stored.partition("$")[2] or len(pin) < 5


@pytest.mark.parametrize("pin", ["0000", "1234", "9876", "123", "12a4", "٠١٢٣٤", "123456789", ""])
def test_weak_pins_are_refused(loyalty: Loyalty, pin: str) -> None:
    with pytest.raises(sellers.WeakPinErrorFinal):
        sellers.add_seller(
            association_id=loyalty.cast.association.pk,
            shop_id=loyalty.cast.shop.pk,
            name="Sami",
            pin=pin,
        )


def test_the_shell_holds_nothing_of_anybody(counter: Counter) -> None:
    stranger = Client()
    for path in ("/till/", "/till/sw.js", "/till/manifest.webmanifest"):
        mine, theirs = counter.page.client.get(path), stranger.get(path)
        assert mine.content == theirs.content
        assert theirs.status_code == 200
    policy = stranger.get("/till/")["Content-Security-Policy"]
    assert "wasm-unsafe-eval" in policy
    assert "unsafe-inline" not in policy
    assert "wasm-unsafe-eval" not in stranger.get("/accounts/login/")["Content-Security-Policy"]
