"""Names as a cashier types them: either order, in an index's order, and rows that look the same."""

from dataclasses import replace

import pytest
from django.db import connections

from chaland.hub.loyalty.members import lookups, selectors, typos
from chaland.hub.loyalty.members.services import enrol, enrol_many
from chaland.hub.loyalty.models import LookupHit
from tests.hub.loyalty.members.test_lookups import ANNA, SHOP, TILL, ids

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forget() -> None:
    typos.forget()


def test_a_first_name_begins_a_name_too_and_surnames_come_first() -> None:
    names = [
        ("Camille", "Durand"), ("Zoé", "Camillieri"), ("Anna", "Camus"), ("Camille", "Aubry"),
        ("Marie Camille", "Petit"), ("Camille", ""),
    ]  # fmt: skip
    made = enrol_many(
        [
            replace(ANNA, first_name=first, last_name=last, phone=f"063998{i:04}", email="")
            for i, (first, last) in enumerate(names)
        ]
    )
    durand, camillieri, camus, aubry, _petit, alone = (m.pk for m in made if m)
    assert ids(lookups.by_name(TILL, "camille")) == [alone, aubry, durand]
    assert ids(lookups.by_name(TILL, "CAM"))[:3] == [alone, camillieri, camus]
    assert ids(lookups.by_name(TILL, "cam"))[3:] == [aubry, durand]
    for typed in ("camille dur", "durand cam", "dur cam", "cam dur", "Camille Durand"):
        assert ids(lookups.by_name(TILL, typed)) == [durand], typed
    assert [c.member_id for c in selectors.customers_of(SHOP, "camille")] == [aubry, alone, durand]


def test_a_name_is_read_in_its_indexs_order() -> None:
    """A first name fits tens of thousands: eight rows are read of the index, nothing is sorted."""
    enrol(ANNA)
    told = []
    with connections["loyalty"].execute_wrapper(
        lambda run, sql, *rest: told.append((sql, rest[0])) or run(sql, *rest)
    ):
        lookups.by_name(TILL, "ann")
    (given,) = [each for each in told if "given_key" in each[0].split("ORDER BY")[-1]]
    with connections["loyalty"].cursor() as cursor:
        if connections["loyalty"].vendor != "sqlite":
            # of one row any way is cheap: what is asked is whether the index can give the order
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
        word = "EXPLAIN QUERY PLAN" if connections["loyalty"].vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{word} {given[0]}", given[1])
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "member_given" in plan
    assert "TEMP B-TREE" not in plan


def test_who_looks_the_same_is_told_apart_or_left_out() -> None:
    told = [("0639980078", "b@example.org"), ("0639990078", "c@example.org"), ("", "d@example.org")]
    named = replace(ANNA, first_name="Camille", birth_day=None, birth_month=None)
    people = [
        replace(named, last_name=f"Guérin{i}", phone=phone, email=email)
        for i, (phone, email) in enumerate([*told, ("", ""), ("", "")])
    ]
    made = [m.pk for m in enrol_many(people) if m]
    for answer in (lookups.by_name(TILL, "gue"), lookups.by_typo(TILL, "gueirn0")):
        hints = {row.member_id: row.hint for row in answer.found}
        assert hints == {
            made[0]: "•• 78 · b•••@", made[1]: "•• 78 · c•••@", made[2]: "d•••@",
        }  # fmt: skip
        assert answer.alike == 2
    assert not LookupHit.objects.filter(member__in=made[3:]).exists(), "they were not shown"
    assert ids(lookups.by_name(TILL, "guerin3")) == made[3:4], "typed on, one is left"
