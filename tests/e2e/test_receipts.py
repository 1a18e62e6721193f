"""Receipts in a real browser: the list, one receipt, a return, the queue, the e-receipt."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from chaland.hub.association.models import Association
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Receipt
from chaland.hub.loyalty.receipts import links, matching
from chaland.hub.loyalty.receipts.services import store_raw, take_in
from chaland.hub.loyalty.receipts.shapes import LineIn, ReceiptIn
from tests.builders import Cast
from tests.e2e.conftest import Site
from tests.loyalty_builders import Loyalty, build_loyalty


@pytest.fixture
def loyalty(town: Association) -> Loyalty:
    """The purse, points and stamps of the town, and a fortnight's receipts of its bakery."""
    shops = list(town.shops.order_by("pk"))[::-1]  # the bakery is the shopkeeper's
    people = dict.fromkeys(("director", "shopkeeper", "neighbour", "stranger"))
    loyalty = build_loyalty(Cast(association=town, shops=shops, **people))  # type: ignore[arg-type]
    now = clock.now()
    said = [
        ReceiptIn(
            association_id=town.pk, shop_id=shops[0].pk, source="api",
            external_id=f"2026-{i:04}", issued_at=now - timedelta(hours=9 * i), gross_cents=cents,
            lines=[
                LineIn(1, cents - 250, item_id="p", item_name="Pain de campagne", group="Pain",
                       quantity_milli=2_000, vat_permyriad=550),
                LineIn(2, 300, item_name="Café", vat_permyriad=1_000),
                LineIn(3, -50, item_name="", discount=True, vat_permyriad=550),
            ],
            till_label="Caisse 1", member_id=loyalty.members[i % 3].pk if i % 4 else None,
        )
        for i, cents in enumerate(range(600, 3_000, 170))
    ]  # fmt: skip
    take_in(said)
    for i, receipt in enumerate(said[:5:4]):
        matching.claim(
            town.pk, shops[0].pk, loyalty.members[0].pk, actor="till:1",
            at=receipt.issued_at + timedelta(minutes=1), amount_cents=receipt.gross_cents + 20 * i,
        )  # fmt: skip
    raw = store_raw(association_id=town.pk, shop_id=shops[0].pk, source="hiboutik", body="?")
    take_in([ReceiptIn(town.pk, shops[0].pk, "hiboutik", "H-1", now, 5, currency="USD")],
            raw_id=raw.pk)  # fmt: skip
    return loyalty


def test_a_shopkeeper_reads_receipts_and_takes_articles_back(site: Site, loyalty: Loyalty) -> None:
    site.sign_in("boulanger@example.fr")
    site.open("/receipts/")
    site.check_everywhere("receipts")

    bought = Receipt.objects.get(external_id="2026-0002")
    site.open(f"/receipts/{bought.pk}/")
    site.check_everywhere("receipt")
    site.page.locator("input[name=line_1]").fill("1")
    site.page.get_by_role("button", name="Enregistrer le retour").click()
    expect(site.page).not_to_have_url(f"{site.url}/receipts/{bought.pk}/")
    site.check_everywhere("receipt-return")
    assert Receipt.objects.filter(returns=bought).count() == 1
    assert bought.member_id == Receipt.objects.get(returns=bought).member_id

    site.open(f"/receipts/{bought.pk}/")
    site.page.get_by_role("button", name="Créer l’adresse").click()
    site.check("receipt-link")


def test_the_queue_is_worked_off(site: Site, loyalty: Loyalty) -> None:
    site.sign_in("directrice@example.fr")
    site.open("/receipts/")
    site.check_everywhere("receipts-queue")
    assert loyalty.members[0].first_name not in site.page.content()
    site.page.get_by_role("button", name="Attacher le ticket certain").click()
    site.page.get_by_text("1 ticket est attaché").wait_for()
    site.page.get_by_role("button", name="Attacher").first.click()
    site.page.get_by_text("Rien à rapprocher").wait_for()
    site.check("receipts-queue-empty")


def test_a_customer_reads_the_e_receipt_without_signing_in(site: Site, loyalty: Loyalty) -> None:
    receipt = Receipt.objects.get(external_id="2026-0004")
    _link, token = links.make(receipt.pk, clock.now())
    site.open(f"/receipts/r/{token}/")
    site.check_everywhere("e-receipt")
    assert receipt.code in site.page.content()
    site.open("/receipts/r/nothing/")
    site.check("e-receipt-over")
