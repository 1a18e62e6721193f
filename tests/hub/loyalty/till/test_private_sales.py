"""Guests at the till: checked in once, let in at the door, taken back; codes that open no purse."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils.formats import date_format
from django.utils.timezone import localtime

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Invitation, LookupHit, PrivateSale, Receipt
from chaland.hub.loyalty.sales import codes, services
from chaland.hub.loyalty.sales.offers import OfferIn
from chaland.hub.loyalty.sales.prices import PriceIn
from chaland.hub.loyalty.sales.services import SaleIn
from tests.hub.loyalty.till.conftest import NOON, Counter, enrol

pytestmark = pytest.mark.django_db


def announce(counter: Counter, **more: Any) -> PrivateSale:
    """A sale of this shop that runs since an hour: coats at 80 instead of 100."""
    association_id, shop_id = counter.till.association_id, counter.till.shop_id
    today = clock.now().date()
    coat = PriceIn("COAT", "Manteau Brume", 10_000, today - timedelta(days=90), "Manteaux")
    services.take_prices(association_id, shop_id, [coat], "user:1", today=today)
    told = SaleIn(
        association_id, shop_id, "Vente privée", clock.now() - timedelta(hours=1),
        clock.now() + timedelta(hours=3), **more,
    )  # fmt: skip
    sale = services.create(told, "user:1")
    services.set_offer(sale.pk, shop_id, OfferIn("Manteaux", group="Manteaux", percent=20))
    return services.open_sale(sale.pk)


def invitation_of(sale: PrivateSale, counter: Counter) -> Invitation:
    services.invite(sale.pk, [counter.member.pk])
    return Invitation.objects.get(sale=sale, member=counter.member)


def card(counter: Counter) -> dict[str, Any]:
    opened = counter.page.post("member", member=counter.page.found()["ref"])
    [sale] = opened["sales"]
    return dict(sale)


def test_a_guest_is_checked_in_by_one_tap_and_once(counter: Counter) -> None:
    sale = announce(counter)
    invitation = invitation_of(sale, counter)
    shown = card(counter)
    assert (shown["act"], shown["tone"]) == ("check_in", "")
    assert shown["prices"] == [
        {"name": "Manteau Brume", "text": "80,00\u00a0€", "reference_cents": 10_000}
    ]
    ref = counter.page.found()["ref"]
    first = counter.page.write("sale/arrive", member=ref, sale=sale.pk)
    assert first["undo"]
    again = counter.page.write("sale/arrive", member=ref, sale=sale.pk)
    assert again["undo"] == ""  # the second tap is not the first one's to undo
    assert again["text"].startswith("Arrivée déjà notée")
    invitation.refresh_from_db()
    assert invitation.arrived_at == NOON
    assert invitation.checked_in_by == f"till:{counter.till.pk} seller:{counter.seller.pk}"
    assert card(counter)["act"] == ""
    assert card(counter)["text"].startswith(
        "Arrivée\u00a0: "
    )  # not "déjà": it may be this very one


def test_a_place_of_another_day_says_its_day(counter: Counter) -> None:
    sale = announce(counter)
    PrivateSale.objects.update(ends_at=sale.ends_at + timedelta(days=1))
    invitation = invitation_of(sale, counter)
    begins = clock.now() + timedelta(days=1)
    for at in (clock.now(), begins):
        slot = services.set_slot(sale.pk, at, at + timedelta(hours=1), 5)
        services.book(invitation.pk, slot.pk)
        day = date_format(localtime(at), "l j F")
        assert (day in card(counter)["text"]) == (at == begins)


def test_a_newcomer_is_let_in_and_counts_as_recruited(counter: Counter) -> None:
    sale = announce(counter)
    made = counter.page.write(
        "enrol", name="Nina Vidal", contact="06 77 88 99 00", over_15=True, consents=[]
    )
    ref = made["member"]["ref"]
    [shown] = counter.page.post("member", member=ref)["sales"]
    assert shown["act"] == "join_sale"
    done = counter.page.write("sale/arrive", member=ref, sale=sale.pk)
    assert Invitation.objects.get(sale=sale).recruited
    counter.page.write("undo", undo=done["undo"])
    assert not Invitation.objects.filter(sale=sale).exists()  # it was made by that tap
    counter.page.write("undo", undo=done["undo"])  # twice is once
    old = counter.page.write("sale/arrive", member=counter.page.found()["ref"], sale=sale.pk)
    assert old["undo"]
    assert Invitation.objects.get(sale=sale).how == Invitation.How.DOOR


def test_what_is_to_pay_stands_on_the_card_and_once_is_once(counter: Counter) -> None:
    sale = announce(counter)
    PrivateSale.objects.filter(pk=sale.pk).update(state="draft")
    shop = counter.till.shop_id
    services.set_offer(sale.pk, shop, OfferIn("Tout", percent=10, least_cents=2_000))
    services.set_offer(sale.pk, shop, OfferIn("Bienvenue", percent=30, once=True))
    services.open_sale(sale.pk)
    shown = card(counter)
    assert shown["off"] == [
        {"percent": 10, "least_cents": 2_000}, {"percent": 30, "least_cents": 0},
    ]  # fmt: skip
    assert [(one["name"], one["text"]) for one in shown["prices"]] == [
        ("Tout", "−10\u202f% · à partir de 20,00\u00a0€ d’achat, avant la réduction"),
        ("Manteau Brume", "70,00\u00a0€ · avec le premier achat de la vente"),
    ]
    assert (shown["used"], shown["own_prices"]) == ("", True)
    counter.page.attach(2_350)
    again = card(counter)
    assert again["off"] == [{"percent": 10, "least_cents": 2_000}]
    assert again["used"] == "A déjà acheté pendant la vente\u00a0: ne vaut plus pour Bienvenue."
    bought = Receipt.objects.get()
    counter.page.write("return", code=bought.code, amount_cents=2_350)
    assert card(counter)["used"] == "", "all of it came back"


def test_who_is_there_without_a_booking_takes_a_place(counter: Counter) -> None:
    sale = announce(counter)
    services.set_slot(sale.pk, sale.starts_at, sale.ends_at, 2)
    assert card(counter)["full"] == ""
    for contact in ("06 12 34 56 98", "06 12 34 56 99"):
        guest = enrol(counter.loyalty, contact, "Zoé")
        services.join_at_door(sale.pk, guest.pk, counter.till.shop_id, "till:1")
    assert "2" in card(counter)["full"]


def test_what_is_undone_is_what_stood_when_the_sale_was_locked(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the moment of the check-in the member gives the place back, by phone."""
    sale = announce(counter)
    slot = services.set_slot(sale.pk, sale.starts_at, sale.ends_at, 1)
    invitation = invitation_of(sale, counter)
    services.book(invitation.pk, slot.pk)
    join = services.join_at_door

    def late(*told: Any) -> services.Arrival:
        services.give_back(invitation.pk)
        return join(*told)

    monkeypatch.setattr(services, "join_at_door", late)
    ref = counter.page.found()["ref"]
    done = counter.page.write("sale/arrive", member=ref, sale=sale.pk)
    counter.page.write("undo", undo=done["undo"])
    invitation.refresh_from_db()
    slot.refresh_from_db()
    assert (invitation.state, slot.taken) == (Invitation.State.OPEN, 0)


def test_a_closed_door_says_so(counter: Counter) -> None:
    sale = announce(counter, door_open=False)
    assert card(counter)["act"] == ""
    ref = counter.page.found()["ref"]
    no = counter.page.write("sale/arrive", 409, member=ref, sale=sale.pk)
    assert no["code"] == "door-closed"


def test_undoing_gives_the_rank_in_the_queue_back(counter: Counter) -> None:
    sale = announce(counter)
    slot = services.set_slot(sale.pk, sale.starts_at, sale.ends_at, 1)
    other = enrol(counter.loyalty, "06 12 34 56 99", "Zoé")
    invitation = invitation_of(sale, counter)
    services.invite(sale.pk, [other.pk])
    services.book(Invitation.objects.get(member=other).pk, slot.pk)
    services.book(invitation.pk, slot.pk)
    invitation.refresh_from_db()
    asked = invitation.asked_at
    assert invitation.state == Invitation.State.QUEUED
    full = card(counter)["full"]  # the only place is taken: the shop decides, and knows who waits
    assert full.endswith("1 invité en attend une.")
    ref = counter.page.found()["ref"]
    done = counter.page.write("sale/arrive", member=ref, sale=sale.pk)
    counter.page.write("undo", undo=done["undo"])
    invitation.refresh_from_db()
    assert (invitation.state, invitation.slot_id, invitation.asked_at) == ("queued", slot.pk, asked)


def test_an_invitation_checks_in_whoever_scans_it_and_spends_nothing(counter: Counter) -> None:
    sale = announce(counter)
    invitation = invitation_of(sale, counter)
    address = "https://vitrines.example" + codes.path_of(invitation)
    came = counter.page.write("sale/scan", code=address)
    assert came["member"]["name"] == counter.page.found()["name"]
    assert came["member"]["sure"] is False  # a forwarded invitation opens no purse
    before = LookupHit.objects.count()
    opened = counter.page.post("member", member=came["member"]["ref"])
    assert opened["sales"][0]["tone"] == "ok"
    assert LookupHit.objects.count() == before + 1  # the member sees who looked
    second = counter.page.write("sale/scan", code=codes.code_of(invitation).lower())
    assert second["undo"] == ""


def test_wrong_codes_are_limited_and_another_towns_is_wrong(counter: Counter) -> None:
    sale = announce(counter)
    invitation = invitation_of(sale, counter)
    PrivateSale.objects.filter(pk=sale.pk).update(association_id=counter.till.association_id + 99)
    for _ in range(codes.MISSES_AN_HOUR):
        code = codes.code_of(invitation)
        assert counter.page.write("sale/scan", 409, code=code)["code"] == "no-invitation"
    PrivateSale.objects.filter(pk=sale.pk).update(association_id=counter.till.association_id)
    told = counter.page.write("sale/scan", 409, code="AAAAA-AAAAA")
    assert told["code"] == "codes"
    counter.page.write("sale/scan", code=codes.code_of(invitation))  # a right one opens


def test_another_shops_sale_is_not_there(counter: Counter) -> None:
    sale = announce(counter)
    sale.shops.update(shop_id=counter.loyalty.cast.shops[1].pk)
    assert counter.page.post("member", member=counter.page.found()["ref"])["sales"] == []
    no = counter.page.write("sale/arrive", 409, member=counter.page.found()["ref"], sale=sale.pk)
    assert no["code"] == "no-shop"
    assert counter.page.post("state")["sales"] == []


def test_a_till_learns_nothing_of_a_sale_that_its_shop_has_no_part_in(counter: Counter) -> None:
    sale = announce(counter)
    elsewhere = counter.loyalty.cast.shops[1].pk
    sale.shops.update(shop_id=elsewhere)
    said = set()
    for state in PrivateSale.State.values:
        PrivateSale.objects.update(state=state)
        for number in (sale.pk, 10**6):
            ref = counter.page.found()["ref"]
            said.add(str(counter.page.write("sale/arrive", 409, member=ref, sale=number)))
    assert len(said) == 1


def test_the_state_says_when_sales_run_and_nothing_more(counter: Counter) -> None:
    sale = announce(counter)
    [told] = counter.page.post("state")["sales"]
    assert told == {"from": sale.starts_at.isoformat(), "until": sale.ends_at.isoformat()}
    assert date.fromisoformat(told["from"][:10]) == NOON.date()
