"""Erasure: afterwards nothing in any table names the person, and no sum has changed (L13, L14)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db.models import Sum

from chaland.hub.loyalty import erasure, merging
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.ledger import proof
from chaland.hub.loyalty.members import cards, lookups
from chaland.hub.loyalty.members.lookups import Asker
from chaland.hub.loyalty.members.services import Enrolment, enrol
from chaland.hub.loyalty.models import (
    Account,
    CustomerFile,
    DuplicateProposal,
    Entry,
    Member,
    Receipt,
    ReceiptLine,
    Seller,
    Surname,
)
from chaland.hub.loyalty.receipts import links
from tests.hub.loyalty.members.conftest import NOW, Buy, SetClock
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db
NEEDLES = (
    "philom", "quetzal", "639985678", "39 98 56 78", "39985678", "639981122", "39981122",
    "0639981122",
)  # fmt: skip


def everything() -> Iterator[tuple[str, str]]:
    """Yield every value of every table of every plane, sealed ones opened, bytes in two forms."""
    for model in apps.get_models(include_auto_created=True):
        for row in model._default_manager.all().values():
            for column, value in row.items():
                where = f"{model._meta.label}.{column}"
                if isinstance(value, bytes | memoryview):
                    raw = bytes(value)
                    yield where, raw.hex()
                    yield where, raw.decode("latin-1")
                elif isinstance(value, dict | list):
                    yield where, json.dumps(value, ensure_ascii=False)
                elif value is not None:
                    yield where, str(value)


def traces(needles: tuple[str, ...]) -> set[str]:
    low = [needle.lower() for needle in needles]
    return {where for where, text in everything() if any(n in text.lower() for n in low)}


@pytest.fixture
def life(loyalty: Loyalty, member: Member, double: Enrolment, buy: Buy) -> Member:
    """A member with everything that the product can know of one, and a merged double."""
    other = enrol(double, despite_duplicates=True)
    asker = Asker(member.association_id, loyalty.cast.shop.pk, "till:3 seller:5")
    for text in ("quetz", "philomène quet"):
        lookups.by_name(asker, text)
    lookups.by_typo(asker, "quetzalcoalt")
    texts = wordings.current(member.association_id, "fr")
    boxes = [Decision(5, w.purpose, w.channel, given=True, wording_id=w.pk) for w in texts]
    consent.record(member, boxes, place="till", occurred_at=NOW, evidence={"till": 3})
    buy(member, 5_000)
    receipt = buy(other, 3_000, shop=1)
    links.make(receipt.pk, NOW, contact="philo@quetzal.example")
    Seller.objects.create(
        association_id=member.association_id, shop_id=5, name="S", pin_hash="x",
        own_member_id=member.pk,
    )  # fmt: skip
    CustomerFile.objects.create(
        association_id=member.association_id, shop_id=5, name="clients.csv",
        content="nom;tel\nQuetzalcoatl;0639985678", uploaded_by="user:7", uploaded_at=NOW,
    )  # fmt: skip
    by = merging.Decider("user:7", None)
    merging.merge(member.association_id, DuplicateProposal.objects.get().pk, by, at=NOW)
    return Member.objects.get(pk=member.pk)


def test_a_search_of_the_whole_database_finds_nothing(life: Member) -> None:
    salt, index = bytes(life.chain_salt).hex(), bytes(life.phone_index or b"").hex()
    needles = (*NEEDLES, salt, index)
    assert {"loyalty.Member.phone", "loyalty.RawReceipt.body", "loyalty.ReceiptLink.contact",
            "loyalty.CustomerFile.content", "loyalty.Surname.key"} <= traces(needles)  # fmt: skip
    assert erasure.erase(life.pk, actor="member")
    assert traces(needles) == set()
    assert not Member.objects.exists()  # the double went along
    assert erasure.erase(life.pk, actor="member") is False


def test_no_sum_changes_and_both_chains_verify(life: Member) -> None:
    town, chain = life.association_id, life.chain
    entries = dict(Entry.objects.values_list("pk", "amount"))
    receipts = list(Receipt.objects.order_by("pk").values_list("pk", "gross_cents"))
    lines = list(ReceiptLine.objects.order_by("pk").values_list("pk", "gross_cents"))
    erasure.erase(life.pk, actor="member")
    kept = dict(Entry.objects.filter(pk__in=entries).values_list("pk", "amount"))
    assert kept == entries
    per_asset = Entry.objects.values("account__asset").annotate(sum=Sum("amount"))
    assert {row["sum"] for row in per_asset} == {0}
    assert list(Receipt.objects.order_by("pk").values_list("pk", "gross_cents")) == receipts
    assert list(ReceiptLine.objects.order_by("pk").values_list("pk", "gross_cents")) == lines
    assert proof.rebuild(town) == []
    assert proof.verify_all(town) == []
    verified = consent.verify(chain, None)
    assert (verified.sound, verified.events) == (True, 5)
    assert not Account.objects.exclude(member=None).exists()
    assert not Account.objects.exclude(chain_salt=None).exists()


def test_a_card_of_someone_gone_names_nobody_and_the_number_is_free(
    life: Member, anna: Enrolment
) -> None:
    card = cards.token(life)
    erasure.erase(life.pk, actor="member")
    assert cards.member_of(life.association_id, card) is None
    again = enrol(anna)
    assert again.pk != life.pk
    assert not again.receipts.exists()


def test_a_surname_that_others_bear_stays_in_the_dictionary(
    member: Member, double: Enrolment
) -> None:
    other = enrol(double, despite_duplicates=True)
    erasure.erase(member.pk, actor="member")
    assert Surname.objects.filter(key="QUETZALCOATL").exists()
    erasure.erase(other.pk, actor="member")
    assert not Surname.objects.filter(key="QUETZALCOATL").exists()


def test_half_an_erasure_is_none(life: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "_named", lambda _numbers: ["loyalty_x.member_id"])
    with pytest.raises(erasure.ErasureErrorFinal):
        erasure.erase(life.pk, actor="member")
    life.refresh_from_db()
    assert (life.phone, life.receipts.count()) == ("+33639985678", 2)


def test_it_is_seen_where_a_table_still_names_a_member(life: Member) -> None:
    assert "loyalty_receipt.member_id" in erasure._named([life.pk])
    assert "loyalty_seller.own_member_id" in erasure._named([life.pk])


@pytest.mark.parametrize(
    ("years_days", "gone"), [((3, -1), False), ((3, 1), True), ((1, 0), False)]
)
def test_three_years_without_contact_and_the_member_is_erased(
    member: Member, years_days: tuple[int, int], gone: bool
) -> None:
    years, days = years_days
    later = NOW.replace(year=NOW.year + years) + timedelta(days=days)
    assert erasure.erase_inactive(later) == int(gone)
    assert Member.objects.exists() is not gone


def test_buying_counts_as_contact_and_being_looked_up_doesnt(
    member: Member, buy: Buy, set_clock: SetClock
) -> None:
    set_clock(datetime(2028, 5, 1, tzinfo=UTC))
    lookups.by_phone(Asker(member.association_id, None, "till:3"), "0639985678")
    member.refresh_from_db()
    assert member.last_active_on == NOW.date()
    buy(member)
    member.refresh_from_db()
    assert member.last_active_on.year == 2028
    assert erasure.erase_inactive(datetime(2030, 1, 1, tzinfo=UTC)) == 0
    assert erasure.erase_inactive(datetime(2031, 5, 3, tzinfo=UTC)) == 1


def test_on_a_29th_of_february_too(member: Member) -> None:
    assert erasure.erase_inactive(datetime(2028, 2, 29, tzinfo=UTC)) == 0
