"""Keys are replaced while the hub runs: nothing stays under the old one, everybody is found."""

import os
from typing import Any

import pytest
from django.db import connections

from chaland.hub.loyalty import resealing
from chaland.hub.loyalty.fields import SealedErrorFinal
from chaland.hub.loyalty.members.services import set_contacts
from chaland.hub.loyalty.models import BankDetails, Member
from tests.builders import build_cast
from tests.loyalty_builders import build_members

pytestmark = pytest.mark.django_db


def stored(column: str, table: str) -> list[bytes]:
    with connections["loyalty"].cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY id")
        return [bytes(row[0]) for row in cursor.fetchall()]


def test_keys_are_replaced(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "_AT_ONCE", 2)
    members = build_members(build_cast(), 5)
    for i, member in enumerate(members[:4]):
        member.birth_month, member.birth_day = i + 1, 1
        set_contacts(member, f"+3363998000{i}", f"anna{i}@example.org")
        member.save()
    bank = BankDetails.objects.create(
        association_id=1, holder="A", iban="FR7612345987650123456789014"
    )
    before = [
        stored(c, "loyalty_member") for c in ("phone", "email", "phone_index", "digits_index")
    ]
    settings.CONTACT_KEYS = [os.urandom(32), *settings.CONTACT_KEYS]
    settings.INDEX_KEYS = [os.urandom(32)]
    done = resealing.reseal()
    assert (done["loyalty_member"], done["loyalty_bankdetails"]) == (5, 1)
    after = [stored(c, "loyalty_member") for c in ("phone", "email", "phone_index", "digits_index")]
    for old, new in zip(before, after, strict=True):
        assert len(old) == len(new) == 4
        assert not set(old) & set(new)
    settings.CONTACT_KEYS = settings.CONTACT_KEYS[:1]
    found = Member.objects.get(pk=members[2].pk)
    assert (found.phone, found.email) == ("+33639980002", "anna2@example.org")
    index = bytes(found.phone_index or b"")
    set_contacts(found, found.phone, found.email)
    assert index == found.phone_index, "found under the new key"
    assert Member.objects.get(pk=members[4].pk).phone is None
    assert BankDetails.objects.get(pk=bank.pk).iban == "FR7612345987650123456789014"


def test_a_lost_key_is_told_and_nothing_is_half_sealed(settings: Any) -> None:
    member = build_members(build_cast(), 1)[0]
    set_contacts(member, "+33639980001", None)
    member.save()
    before = stored("phone", "loyalty_member")
    settings.CONTACT_KEYS = [os.urandom(32)]
    with pytest.raises(SealedErrorFinal, match="CHALAND_CONTACT_KEY"):
        resealing.reseal()
    assert stored("phone", "loyalty_member") == before
