"""Consents: chained, provable, withdrawn as easily as given; a tampered log is seen (L1, L3)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models import QuerySet
from django.db.utils import DatabaseError

from chaland.hub.loyalty.consent import selectors, services, wordings
from chaland.hub.loyalty.consent.rules import ConsentErrorFinal
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.models import (
    THE_ASSOCIATION,
    ConsentEvent,
    Member,
    Permission,
    Purpose,
    Wording,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
TOWN, SHOP, OTHER = 1, 5, 6


def make_member(number: int = 1) -> Member:
    return Member.objects.create(
        association_id=TOWN,
        first_name="Anna",
        last_name=f"Roux{number}",
        chain_salt=bytes([number]) * 32,
        enrolled_at=NOW,
        enrolled_by="test",
        last_active_on=NOW.date(),
    )


@pytest.fixture
def member() -> Member:
    return make_member()


def box(
    purpose: str = "offers", channel: str = "sms", *, given: bool = True, controller: int = SHOP
) -> Decision:
    text = next(
        w for w in wordings.current(TOWN, "fr") if (w.purpose, w.channel) == (purpose, channel)
    )
    return Decision(controller, purpose, channel, given, text.pk if given else None)


def test_a_box_of_its_own_for_each_channel_purpose_and_controller(member: Member) -> None:
    services.record(member, [box()], place="till", occurred_at=NOW, evidence={"till": 3})
    said = [
        (c, p, w)
        for c in (THE_ASSOCIATION, SHOP, OTHER)
        for p, w in wordings.ASKED
        if selectors.permitted(member.pk, c, p, w)
    ]
    assert said == [(SHOP, "offers", "sms")]


def test_unticked_boxes_permit_nothing_and_write_nothing(member: Member) -> None:
    boxes = [box(p, w, given=False) for p, w in wordings.ASKED]
    assert services.record(member, boxes, place="till", occurred_at=NOW) == []
    assert not Permission.objects.exists()
    assert services.verify_member(member).events == 0


def test_no_said_to_us_is_kept_even_where_nothing_was_agreed_to(member: Member) -> None:
    (event,) = services.record(member, [box(given=False)], place="stop", occurred_at=NOW)
    assert not event.given
    assert not selectors.permitted(member.pk, SHOP, "offers", "sms")
    assert services.verify_member(member).sound


def test_an_older_yes_that_comes_in_late_doesnt_undo_a_no(member: Member) -> None:
    services.record(member, [box(given=False)], place="stop", occurred_at=NOW)
    early = NOW - timedelta(seconds=1)
    assert services.record(member, [box()], place="till", occurred_at=early) == []
    assert services.record(member, [box()], place="till", occurred_at=NOW + timedelta(seconds=1))


def test_withdrawn_holds_for_every_shop(member: Member) -> None:
    boxes = [box(controller=c) for c in (THE_ASSOCIATION, SHOP, OTHER)] + [box("offers", "email")]
    services.record(member, boxes, place="till", occurred_at=NOW)
    services.withdraw_all(member, place="stop", occurred_at=NOW, channel="sms")
    assert not any(selectors.permitted(member.pk, c, "offers", "sms") for c in (0, SHOP, OTHER))
    assert selectors.permitted(member.pk, SHOP, "offers", "email")
    assert services.verify_member(member).sound


def test_a_paused_member_permits_nothing(member: Member) -> None:
    services.record(member, [box()], place="till", occurred_at=NOW)
    Member.objects.filter(pk=member.pk).update(state=Member.State.PAUSED)
    assert not selectors.permitted(member.pk, SHOP, "offers", "sms")


def test_a_consent_needs_the_text_that_was_shown(member: Member) -> None:
    asks_mail = box("offers", "email").wording_id
    for wording_id in (None, 999_999, asks_mail):
        decision = Decision(SHOP, "offers", "sms", given=True, wording_id=wording_id)
        with pytest.raises(ConsentErrorFinal) as error:
            services.record(member, [decision], place="till", occurred_at=NOW)
        assert error.value.code == "wording"
    elsewhere = wordings.current(TOWN + 1, "fr")[0]
    with pytest.raises(ConsentErrorFinal):
        services.record(
            member,
            [Decision(SHOP, "offers", "sms", given=True, wording_id=elsewhere.pk)],
            place="till",
            occurred_at=NOW,
        )
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize(
    "evidence",
    [{"name": "Anna"}, {"till": "3"}, {"paper": "anna@example.org"}, {"paper": "x" * 41}],
)
def test_evidence_has_closed_keys_and_no_contact(
    member: Member, evidence: dict[str, object]
) -> None:
    with pytest.raises(ConsentErrorFinal):
        services.record(member, [box()], place="till", occurred_at=NOW, evidence=evidence)


def story(member: Member) -> None:
    """Five events: given, withdrawn, given again, and two more boxes."""
    for at, given in enumerate((True, False, True)):
        when = NOW + timedelta(days=at)
        services.record(member, [box(given=given)], place="member", occurred_at=when)
    services.record(
        member,
        [box("offers", "email"), box("portrait", "none", controller=THE_ASSOCIATION)],
        place="till",
        occurred_at=NOW + timedelta(days=4),
        evidence={"till": 3, "seller": 2},
    )


class Tampering:
    """Somebody with the database in hand, triggers and all."""

    def __enter__(self) -> None:
        self.database = connections["loyalty"]
        with self.database.cursor() as cursor:
            if self.database.vendor == "postgresql":
                # Deferred checks of this transaction would hold the tables: let them run first.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("ALTER TABLE loyalty_consentevent DISABLE TRIGGER USER")
                cursor.execute("ALTER TABLE loyalty_wording DISABLE TRIGGER USER")
                return
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
                " AND tbl_name IN ('loyalty_consentevent', 'loyalty_wording')"
            )
            self.triggers = cursor.fetchall()
            for name, _sql in self.triggers:
                cursor.execute(f"DROP TRIGGER {name}")

    def __exit__(self, *_error: object) -> None:
        with self.database.cursor() as cursor:
            if self.database.vendor == "postgresql":
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("ALTER TABLE loyalty_consentevent ENABLE TRIGGER USER")
                cursor.execute("ALTER TABLE loyalty_wording ENABLE TRIGGER USER")
                return
            for _name, sql in self.triggers:
                cursor.execute(sql)


def events_of(member: Member) -> QuerySet[ConsentEvent]:
    return ConsentEvent.objects.filter(chain=member.chain)


def test_every_tampering_is_seen(member: Member) -> None:
    story(member)
    found = services.verify_member(member)
    assert (found.sound, found.events) == (True, 5)
    changes: dict[str, object] = {
        "given": False,
        "controller": OTHER,
        "purpose": Purpose.REMINDERS,
        "place": "staff",
        "evidence": {"till": 4},
        "occurred_at": NOW - timedelta(days=9),
        "recorded_at": NOW - timedelta(days=9),
        "wording": Wording.objects.exclude(pk=box().wording_id).first(),
        "commitment": "0" * 64,
        "digest": "0" * 64,
    }
    for column, value in changes.items():
        mark = transaction.savepoint(using="loyalty")
        with connections["loyalty"].constraint_checks_disabled(), Tampering():
            events_of(member).filter(position=3).update(**{column: value})
            assert services.verify_member(member).broken_at == 3, column
        transaction.savepoint_rollback(mark, using="loyalty")
    for position in (1, 3, 5):  # one event taken out, the last one too
        mark = transaction.savepoint(using="loyalty")
        with Tampering():
            events_of(member).filter(position=position).delete()
            assert not services.verify_member(member).sound, position
        transaction.savepoint_rollback(mark, using="loyalty")
    assert services.verify_member(member).sound


def test_a_text_changed_afterwards_is_seen(member: Member) -> None:
    story(member)
    with Tampering():
        Wording.objects.filter(pk=box().wording_id).update(text="I agree to everything.")
        assert services.verify_member(member).broken_at == 1


def test_a_permission_slipped_in_is_seen_and_put_right(member: Member) -> None:
    story(member)
    Permission.objects.create(
        member=member, controller=OTHER, purpose="offers", channel="sms", given=True, since=NOW
    )
    assert not services.verify_member(member).sound
    services.rebuild(member)
    assert services.verify_member(member).sound
    assert not selectors.permitted(member.pk, OTHER, "offers", "sms")
    assert selectors.permitted(member.pk, SHOP, "offers", "sms")


def test_without_its_salt_a_chain_verifies_and_says_nothing(member: Member) -> None:
    story(member)
    chain = member.chain
    member.delete()
    found = services.verify(chain, None)
    assert (found.sound, found.events) == (True, 5)
    assert not services.verify(chain, b"\0" * 32).sound  # no other salt opens the commitments


def test_a_chain_cut_or_turned_round_after_erasure_is_seen(member: Member) -> None:
    story(member)
    chain = member.chain
    member.delete()
    with Tampering():
        ConsentEvent.objects.filter(chain=chain, position=2).delete()
        assert services.verify(chain, None).broken_at == 2


@pytest.mark.parametrize("table", [ConsentEvent, Wording])
def test_the_database_refuses_change_and_removal(
    member: Member, table: type[ConsentEvent] | type[Wording]
) -> None:
    story(member)
    rows = table._default_manager.all()
    for act in (lambda: rows.update(channel="none"), lambda: rows._raw_delete("loyalty")):
        with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic(using="loyalty"):
            act()
    assert services.verify_member(member).sound


def test_many_are_recorded_as_one_is(member: Member) -> None:
    other = make_member(2)
    both = [
        services.Recording(m, [box(), box("offers", "email")], "till", NOW) for m in (member, other)
    ]
    assert len(services.record_many(both)) == 4
    assert services.record_many(both) == []  # again: nothing changes, nothing is written
    assert services.verify_member(member).sound
    assert services.verify_member(other).sound
    member.refresh_from_db()
    assert member.chain_position == 2


def test_a_new_text_is_a_new_version_and_old_consents_keep_theirs(member: Member) -> None:
    services.record(member, [box()], place="till", occurred_at=NOW)
    old = box().wording_id
    new = wordings.revise(TOWN, ("offers", "sms"), "fr", "Oui aux offres de {controller}.")
    assert (new.version, box().wording_id) == (2, new.pk)
    event = ConsentEvent.objects.get()
    assert event.wording_id == old
    assert services.verify_member(member).sound
    with pytest.raises(ConsentErrorFinal):
        wordings.revise(TOWN, ("offers", "sms"), "fr", "Oui à tout.")


def test_a_shops_own_form_is_never_what_is_asked_next() -> None:
    ours = {w.pk for w in wordings.current(TOWN, "fr")}
    form = wordings.revise(TOWN, ("offers", "sms"), "fr", "J’accepte.", imported_shop_id=SHOP)
    again = wordings.revise(TOWN, ("offers", "sms"), "fr", "J’accepte. ", imported_shop_id=SHOP)
    assert form == again
    assert {w.pk for w in wordings.current(TOWN, "fr")} == ours


def test_texts_name_who_writes_in_the_members_language() -> None:
    french, english = wordings.current(TOWN, "fr"), wordings.current(TOWN, "en")
    assert len({w.text for w in french + english}) == 2 * len(wordings.ASKED)
    for text in french + english:
        assert "Librairie" in wordings.text_for(text, "Librairie")
    assert wordings.contact_notice("fr") != wordings.contact_notice("en")
