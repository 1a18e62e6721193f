"""Codes of invitations: typed, scanned, never guessed, and saying nothing."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.conf import settings
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.models import Invitation
from chaland.hub.loyalty.sales import codes, services
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from tests.hub.loyalty.sales.conftest import Town
from tests.loyalty_builders import build_members

numbers = st.integers(0, 2**30 - 1)


def row(number: int, sale: int = 3, member: int = 5) -> Invitation:
    return Invitation(pk=number, sale_id=sale, member_id=member)


def code_of(number: int) -> str:
    return codes.code_of(row(number))


def read(typed: str) -> tuple[int, int] | None:
    return codes.number_in(typed, settings.INDEX_KEYS[0])


def check(invitation: Invitation) -> int:
    return codes._check(invitation, settings.INDEX_KEYS[0])


@given(numbers, numbers, numbers)
def test_a_code_is_read_as_people_type_it(number: int, sale: int, member: int) -> None:
    invitation = row(number, sale, member)
    code, path = codes.code_of(invitation), codes.path_of(invitation)
    assert len(code) == 11
    assert not set(code) & set("ILOU")
    misread = code.replace("0", "O").replace("1", "l")
    for typed in (
        code, code.lower(), code.replace("-", ""), f" {code[:3]} {code[3:]} ", misread,
        f"https://chaland.example{path}", f"{path}?x=1",
    ):  # fmt: skip
        assert read(typed) == (number, check(invitation))


@given(st.text(max_size=30))
def test_nothing_typed_raises(text: str) -> None:
    read(text)


def test_codes_neither_follow_each_other_nor_repeat() -> None:
    made = [code_of(number) for number in range(3_000)]
    assert len(set(made)) == 3_000
    same = [sum(a == b for a, b in zip(x, y, strict=True)) for x, y in pairwise(made)]
    assert sum(same) / len(same) < 1.6  # the hyphen, and 10/32 of the signs by chance


def test_one_wrong_sign_is_no_other_invitation() -> None:
    """Each of 310 neighbours of each code fits its number with odds of 2**-20: of 15,500, one in 68
    runs of other numbers; these are fixed."""
    met = 0
    for number in range(50):
        code = code_of(number).replace("-", "")
        for place in range(10):
            for sign in set(codes.SIGNS) - {code[place]}:
                told = read(code[:place] + sign + code[place + 1 :])
                met += told is not None and told[1] == check(row(told[0]))
    assert met == 0


def test_another_key_makes_other_codes() -> None:
    code = code_of(7)
    with override_settings(INDEX_KEYS=[b"another key of thirty-two bytes."]):
        assert code_of(7) != code
        assert read(code) != (7, check(row(7)))


@pytest.mark.parametrize("number", [-1, 2**30])
def test_beyond_the_last_number_there_is_no_code(number: int) -> None:
    with pytest.raises(ValueError, match="no code"):
        code_of(number)


@pytest.mark.django_db
def test_a_code_opens_after_its_key_was_replaced(town: Town) -> None:
    (invitation,) = town.invited(town.announced(), 1)
    code, keys = codes.code_of(invitation), settings.INDEX_KEYS
    with override_settings(INDEX_KEYS=[b"another key of thirty-two bytes.", *keys]):
        assert codes.code_of(invitation) != code
        assert codes.invitation_of(code, "till:1") == invitation
        assert codes.invitation_of(codes.code_of(invitation), "till:1") == invitation


@pytest.mark.django_db
def test_wrong_codes_are_counted_and_right_ones_are_not(town: Town) -> None:
    sale = town.announced()
    (invitation,) = town.invited(sale, 1)
    code = codes.code_of(invitation)
    for _ in range(30):
        assert codes.invitation_of(code, "till:1 seller:2") == invitation
    for _ in range(codes.MISSES_AN_HOUR):
        assert codes.invitation_of("00000-00000", "till:1") is None
    with pytest.raises(SaleErrorFinal, match="hour"):
        codes.invitation_of("00000-00000", "till:1 seller:3")
    assert codes.invitation_of(code, "till:1 seller:3") == invitation, "a right code always opens"
    assert codes.invitation_of("00000-00000", "till:2") is None
    town.time.now += timedelta(hours=1)
    assert codes.invitation_of(code, "till:1") == invitation


@pytest.mark.django_db
def test_a_code_of_another_town_or_of_nobody_is_a_miss(town: Town) -> None:
    sale = town.announced()
    (invitation,) = town.invited(sale, 1)
    code = codes.code_of(invitation)
    assert codes.invitation_of(code, "till:1", town.id) == invitation
    assert codes.invitation_of(code, "till:1", town.id + 1) is None
    services.forget(town.members[0].pk)
    type(invitation).objects.update(member=None)
    assert codes.invitation_of(code, "till:1", town.id) is None


@pytest.mark.django_db
def test_after_a_restore_a_code_opens_nobody_elses_invitation(town: Town) -> None:
    """The rows of the lost hour are numbered anew: the same number is another member's, or is of
    another sale."""
    sale = town.announced()
    first, second = town.invited(sale, 2)
    lost, number = codes.code_of(first), first.pk
    Invitation.objects.all().delete()
    Invitation.objects.create(
        pk=number, sale=sale, member=second.member, how="invited", created_at=town.time.now
    )
    assert codes.invitation_of(lost, "till:1", town.id) is None
    Invitation.objects.update(member=first.member_id)
    assert codes.invitation_of(lost, "till:1", town.id) is not None, "the same one opens"
    Invitation.objects.update(sale=town.draft())
    assert codes.invitation_of(lost, "till:1", town.id) is None


@pytest.mark.django_db
def test_the_code_of_a_double_opens_after_the_merge(town: Town) -> None:
    sale = town.announced()
    (invitation,) = town.invited(sale, 1)
    code = codes.code_of(invitation)
    others = build_members(town.loyalty.cast, 2)
    for keep in others:  # merged twice, one after the other
        services.adopt(Invitation.objects.get().member_id or 0, keep.pk)
        found = codes.invitation_of(code, "till:1", town.id)
        assert found is not None
        assert (found.member_id, codes.code_of(found)) == (keep.pk, code)
