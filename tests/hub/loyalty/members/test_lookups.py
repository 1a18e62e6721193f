"""Finding a member without the card: what is shown, to whom, how often, and on record (L22)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.common import clock
from chaland.hub.loyalty.consent.rules import ConsentErrorFinal
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.members import (
    cards,
    lookups,
    onrecord,
    rules,
    selectors,
    services,
    typos,
)
from chaland.hub.loyalty.members.lookups import Answer, Asker
from chaland.hub.loyalty.members.rules import (
    KnownErrorFinal,
    LookupQuotaErrorFinal,
    MemberErrorFinal,
)
from chaland.hub.loyalty.members.services import Enrolment, enrol, enrol_many
from chaland.hub.loyalty.models import Lookup, LookupHit, Member

database = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
TOWN, SHOP, OTHER = 1, 5, 6
TILL = Asker(TOWN, SHOP, "till:3 seller:5")
ANNA = Enrolment(
    TOWN, SHOP, "till:3", NOW, first_name="Anna", last_name="Lefèvre", phone="06 39 98 56 78",
    email="anna@example.org", birth_day=4, birth_month=3, over_15=True,
)  # fmt: skip


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the hub's clock."""
    typos.forget()

    def use(moment: datetime) -> None:
        monkeypatch.setattr(clock, "_read", lambda: moment)

    use(NOW)
    return use


@pytest.fixture
def anna(now: Callable[[datetime], None], db: None) -> Member:
    made = enrol(ANNA)
    Lookup.objects.all().delete()  # that of the enrolment itself
    return made


def ids(answer: Answer) -> list[int]:
    return [found.member_id for found in answer.found]


@database
def test_every_way_finds_her(anna: Member) -> None:
    ways = [
        lookups.by_phone(TILL, "+33 6 39 98 56 78"),
        lookups.by_email(TILL, "ANNA@example.org"),
        lookups.by_digits(TILL, "5678", 3),
        lookups.by_card(TILL, cards.token(anna)),
        lookups.by_card(TILL, cards.token(anna).lower()),
        lookups.by_name(TILL, "lef"),
        lookups.by_name(TILL, "Lefèvre An"),
        lookups.by_name(TILL, "anna lef"),
        lookups.by_typo(TILL, "lefevbre"),
        lookups.by_typo(TILL, "anna lefvere"),
    ]
    assert [ids(answer) for answer in ways] == [[anna.pk]] * len(ways)
    assert LookupHit.objects.filter(member=anna).count() == len(ways)
    seen = selectors.lookups_of(anna)
    assert {(s.shop_id, s.actor) for s in seen} == {(SHOP, "till:3 seller:5")}


@database
def test_what_is_shown_is_masked(anna: Member) -> None:
    (found,) = lookups.by_phone(TILL, "0639985678").found
    assert (found.name, found.hint, found.own) == ("Anna L.", "•• 78", True)
    (found,) = lookups.by_phone(replace(TILL, shop_id=OTHER), "0639985678").found
    assert not found.own


@database
def test_another_towns_till_finds_nobody(anna: Member) -> None:
    far = replace(TILL, association_id=2)
    answers = [
        lookups.by_phone(far, "0639985678"),
        lookups.by_email(far, "anna@example.org"),
        lookups.by_digits(far, "5678", 3),
        lookups.by_card(far, cards.token(anna)),
        lookups.by_name(far, "lefevre"),
        lookups.by_typo(far, "lefevre"),
    ]
    assert not any(answer.found for answer in answers)


@database
@pytest.mark.parametrize("state", [Member.State.PAUSED, Member.State.MERGED])
def test_who_paused_is_not_shown(anna: Member, state: str) -> None:
    Member.objects.filter(pk=anna.pk).update(state=state)
    assert not lookups.by_phone(TILL, "0639985678").found
    assert not lookups.by_card(TILL, cards.token(anna)).found
    assert not lookups.by_name(TILL, "lefevre").found
    assert not lookups.by_typo(TILL, "lefevrs").found


@database
@pytest.mark.parametrize(
    "ask",
    [
        lambda: lookups.by_name(TILL, "le"),
        lambda: lookups.by_name(TILL, " l e "),
        lambda: lookups.by_name(TILL, "%%%"),
        lambda: lookups.by_typo(TILL, ""),
        lambda: lookups.by_digits(TILL, "567", 3),
        lambda: lookups.by_digits(TILL, "٥٦٧٨", 3),
        lambda: lookups.by_digits(TILL, "5678", 13),
        lambda: lookups.by_phone(TILL, "5678"),
        lambda: lookups.by_email(TILL, "anna"),
    ],
)
def test_too_little_is_refused_and_says_what_is_missing(
    anna: Member, ask: Callable[[], Answer]
) -> None:
    with pytest.raises(MemberErrorFinal) as error:
        ask()
    assert error.value.field
    assert not Lookup.objects.exists()


@database
def test_an_email_is_found_whole_or_not_at_all(anna: Member) -> None:
    assert not lookups.by_email(TILL, "anna@example.or.org").found
    assert not lookups.by_phone(TILL, "0639985679").found
    assert not lookups.by_digits(TILL, "5678", 4).found


def family(count: int) -> list[Enrolment]:
    return [
        Enrolment(
            TOWN, SHOP, "till:3", NOW, first_name=f"Zoé{chr(97 + i % 26)}{chr(97 + i // 26)}",
            last_name="Martin", phone=f"0639{980000 + i}", birth_day=1, birth_month=1 + i % 12,
            over_15=True,
        )
        for i in range(count)
    ]  # fmt: skip


@database
def test_never_more_than_eight_rows(now: Callable[[datetime], None]) -> None:
    enrol_many(family(30))
    answer = lookups.by_name(TILL, "martin")
    assert (len(answer.found), answer.more) == (8, True)
    assert len(lookups.by_typo(TILL, "martim").found) == 8
    assert len(lookups.by_name(TILL, "zoe mart").found) == 8
    assert len(lookups.by_name(TILL, "martin zoeaa").found) == 1


@database
def test_trying_numbers_through_ends_soon(now: Callable[[datetime], None]) -> None:
    """Enumeration: of 1,000 members' numbers and birth months, a day's guessing finds few."""
    enrol_many(family(100))
    shown, asked, blocked = set(), 0, 0
    for hour in range(24):
        now(NOW + timedelta(hours=hour, minutes=1))
        for guess in range(MISSES_TRIED):
            try:
                answer = lookups.by_digits(
                    TILL, f"{(hour * MISSES_TRIED + guess) * 7 % 10_000:04}", 6
                )
            except LookupQuotaErrorFinal:
                blocked += 1
                break
            asked += 1
            shown |= set(ids(answer))
    assert blocked >= 20
    assert asked - len(shown) <= onrecord.MISSED_A_DAY + onrecord.MISSED_AN_HOUR
    assert len(shown) < 10  # of 100 members, whatever the guesser's luck: 260 of 120,000 guesses


MISSES_TRIED = onrecord.MISSED_AN_HOUR + 20


@database
def test_another_seller_at_the_same_till_has_the_same_quota(
    now: Callable[[datetime], None],
) -> None:
    for guess in range(onrecord.MISSED_AN_HOUR):
        lookups.by_phone(replace(TILL, actor=f"till:3 seller:{guess % 4}"), f"06399{guess:05}")
    with pytest.raises(LookupQuotaErrorFinal):
        lookups.by_card(replace(TILL, actor="till:3 seller:9"), "X" * 24)
    assert lookups.by_phone(replace(TILL, actor="till:4 seller:9"), "0639985678").found == []
    now(NOW + timedelta(hours=1, minutes=1))
    assert lookups.by_phone(TILL, "0639985678").found == []


@database
def test_names_are_limited_too(
    now: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onrecord, "ASKED_AN_HOUR", 5)
    for _ in range(5):
        lookups.by_name(TILL, "martin")
    for ask in (lookups.by_name, lookups.by_typo):
        with pytest.raises(LookupQuotaErrorFinal):
            ask(TILL, "martin")


def used_up(shown: int = 0) -> None:
    """As many look-ups as a device may miss in an hour."""
    for _ in range(onrecord.MISSED_AN_HOUR):
        onrecord.note(TILL, Lookup.Kind.PHONE, [], shown=shown)


@database
def test_past_the_quota_known_and_unknown_get_the_same_answer(anna: Member) -> None:
    used_up()
    for phone in (ANNA.phone, "06 39 98 00 99"):
        with pytest.raises(LookupQuotaErrorFinal):
            enrol(replace(ANNA, phone=phone, email="", first_name="Zoé"))
    assert Member.objects.count() == 1


@database
def test_a_question_that_is_undone_is_on_record(anna: Member) -> None:
    """A consent that no text asks makes every enrolment fail, after the number was asked for."""
    bad = Decision(SHOP, "portrait", "sms", given=True, wording_id=1)
    unknown = replace(ANNA, phone="06 39 98 00 99", email="", first_name="Zoé", decisions=[bad])
    with lookups.on_record(), pytest.raises(ConsentErrorFinal):  # noqa: SIM117
        with transaction.atomic(using="loyalty"):  # the door's own, undone with the refusal
            enrol(unknown)
    with lookups.on_record(), pytest.raises(KnownErrorFinal):  # noqa: SIM117
        with transaction.atomic(using="loyalty"):
            enrol(replace(unknown, email="ANNA@example.org"))
    told = list(Lookup.objects.order_by("pk").values_list("kind", "shown"))
    assert told == [("phone", 0), ("phone", 0), ("email", 1)]
    assert LookupHit.objects.get().member == anna


@database
def test_a_shop_has_a_quota_over_all_its_devices(anna: Member) -> None:
    for device in range(onrecord.DEVICES):
        for _ in range(onrecord.MISSED_AN_HOUR):
            onrecord.note(replace(TILL, actor=f"till:{device + 10}"), Lookup.Kind.CARD, [])
    with pytest.raises(LookupQuotaErrorFinal):
        lookups.by_phone(replace(TILL, actor="till:99"), ANNA.phone)
    assert lookups.by_phone(Asker(TOWN, OTHER, "till:98"), ANNA.phone).found


@database
def test_enrolling_is_no_way_round_the_quota(anna: Member) -> None:
    """Who types numbers into the enrolment form learns no more than by asking, and is on record."""
    with pytest.raises(KnownErrorFinal):
        enrol(replace(ANNA, actor="till:3 seller:6"))
    assert LookupHit.objects.filter(member=anna).count() == 1
    for guess in range(onrecord.ASKED_AN_HOUR - 1):
        Lookup.objects.create(
            association_id=TOWN, actor="till:3", device="till:3", kind="phone", at=NOW,
            shown=guess % 2,
        )  # fmt: skip
    with pytest.raises(LookupQuotaErrorFinal):
        enrol(replace(ANNA, actor="till:3 seller:6"))


@database
def test_a_lost_card_is_worth_nothing(anna: Member) -> None:
    old = cards.token(anna)
    new = cards.token(services.new_card(anna))
    assert not lookups.by_card(TILL, old).found
    assert ids(lookups.by_card(TILL, new)) == [anna.pk]
    assert cards.members_of(TOWN, [old, new, "", "é" * 24]) == {new: anna.pk}


@database
def test_a_merged_doubles_card_finds_who_remains(anna: Member) -> None:
    double = enrol(replace(ANNA, phone="0639980001", email="", first_name="Ana"))
    Member.objects.filter(pk=double.pk).update(
        state=Member.State.MERGED, merged_into=anna, phone=None, phone_index=None
    )
    assert ids(lookups.by_card(TILL, cards.token(double))) == [anna.pk]
    assert cards.members_of(TOWN, [cards.token(double)]) == {cards.token(double): anna.pk}


@database
@given(
    st.text(max_size=40)
    | st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=24, max_size=24)
)
def test_invented_cards_name_nobody(text: str) -> None:
    assert cards.member_of(TOWN, text) is None


@database
def test_typing_errors_are_forgiven_in_either_order(now: Callable[[datetime], None]) -> None:
    names = ["Dupont", "Lefebvre", "Le Goff", "d’Almeida", "Nguyen", "Ørsted", "Bœuf", "De La Tour"]
    made = enrol_many(
        [replace(ANNA, phone=f"063998{i:04}", email="", last_name=n) for i, n in enumerate(names)]
    )
    typed = ["dupnot", "lefevbre", "le gogf", "dalmeida", "nguyn", "orsten", "boeuff", "de la tuor"]
    for member, text in zip(made, typed, strict=True):
        assert member is not None
        for words in (text, f"{text} anna", f"anna {text}", f"{text} ann"):
            assert ids(lookups.by_typo(TILL, words))[:1] == [member.pk], words
    assert lookups.by_typo(TILL, "zzzzzz").found == []


@given(st.text(max_size=60), st.text(max_size=60))
def test_spelling_is_stable_and_plain(first: str, last: str) -> None:
    key = rules.name_key(first, last)
    assert rules.spelling(rules.spelling(last)) == rules.spelling(last)
    assert len(key) <= 130
    assert sorted(rules.given_key(first, last).split()) == sorted(key.split()) or len(key) == 130
    for each in (key, rules.given_key(first, last)):
        assert each == each.upper() or not each.isascii()
        assert each < rules.after(each[:3])


@given(st.text(min_size=1, max_size=60), st.text(min_size=2, max_size=60))
def test_a_mask_never_holds_a_whole_surname(first: str, last: str) -> None:
    shown = rules.masked_name(first, last)
    assert shown.startswith(first)
    assert len(shown) <= len(first) + 3 + len(last[0].upper())
    assert len(rules.masked_name("", last)) <= 4


def test_every_spelling_of_a_number_is_one_number() -> None:
    from chaland.hub.loyalty.members.contacts import email_of, phone_of

    spelled = ["06 39 98 56 78", "+33639985678", "0033 6 39 98 56 78", "06-39-98-56-78"]
    assert {phone_of(text) for text in spelled} == {"+33639985678"}
    assert phone_of("+32 470 12 34 56") == "+32470123456"
    assert email_of(" Anna@BÜCHER.example ") == "anna@xn--bcher-kva.example"
    for text in (
        "a@b",
        "a@-b.fr",
        "a@b..fr",
        "@b.fr",
        "a@b.fr@",
        "a\n@b.fr",
        "a@" + "é" * 70 + ".fr",
    ):
        with pytest.raises(MemberErrorFinal):
            email_of(text)
