"""Stop: for every shop, at once, once; by answer, link and bounce; and what erasure leaves."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.apps import apps
from hypothesis import given, settings
from hypothesis import strategies as st

from chaland.hub.loyalty import erasure
from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.models import (
    Campaign,
    Delivery,
    Member,
    MessageChoice,
    Permission,
    Pressure,
    Suppression,
)
from chaland.hub.loyalty.outreach import choices, pressure, stopping
from chaland.hub.loyalty.outreach.audience import freezing, reaching, segment_words
from chaland.hub.loyalty.outreach.shapes import Held, Reach
from tests.builders import Cast
from tests.hub.loyalty.outreach.audience.conftest import (
    EMAIL,
    NOW,
    SMS,
    SetClock,
    campaign_of,
    give,
    people,
    planned,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def reached(campaign: Campaign, member: Member, channel: str = "sms") -> str:
    """Return the reason that a message would meet, or an empty text."""
    found = Delivery.objects.filter(campaign=campaign, member=member, channel=channel).first()
    one = planned(campaign, [member], channel)[0] if found is None else None
    if one is None:
        assert found is not None
        found.delete()
        return reached(campaign, member, channel)
    answer = reaching.reach([one], NOW + 2 * HOUR)[one.id]
    return answer.reason if isinstance(answer, Held) else ""


def test_stop_holds_for_every_shop_and_that_channel_only(cast: Cast) -> None:
    (member,) = people(cast, 1, SMS, EMAIL)
    for controller in (0, cast.shops[1].pk):
        give([member], controller, SMS, EMAIL)
    campaigns = [campaign_of(cast, c) for c in (0, cast.shops[0].pk, cast.shops[1].pk)]
    assert [reached(c, member) for c in campaigns] == ["", "", ""]
    assert stopping.stop(cast.association.pk, "sms", member.phone or "", "stop", NOW)
    assert not stopping.stop(cast.association.pk, "sms", member.phone or "", "stop", NOW)
    assert [reached(c, member) for c in campaigns] == ["no_consent"] * 3
    assert [reached(c, member, "email") for c in campaigns] == ["", "", ""]
    kept = consent.verify_member(Member.objects.get(pk=member.pk))
    assert kept.sound
    assert kept.events == 6 + 3


def test_a_stop_of_nobody_we_know_is_kept(cast: Cast, shop: int) -> None:
    """The number of a member to be: it was told before, and no older consent undoes it."""
    stopping.stop(cast.association.pk, "sms", "+33639980999", "stop", NOW)
    assert Suppression.objects.count() == 1
    assert b"639980999" not in bytes(Suppression.objects.get().index)


def test_a_later_yes_lifts_it(cast: Cast, shop: int) -> None:
    (member,) = people(cast, 1, SMS)
    stopping.stop(cast.association.pk, "sms", member.phone or "", "stop", NOW)
    campaign = campaign_of(cast, shop)
    text = next(w.pk for w in wordings.current(cast.association.pk, "fr") if w.channel == "sms")
    box = Decision(shop, "offers", "sms", True, text)
    consent.record(member, [box], place="member", occurred_at=NOW + HOUR)
    assert reached(campaign, member) == ""
    assert Suppression.objects.count() == 1  # nothing was deleted
    for _time in range(2):  # a provider's list says the old stop again and again
        assert not stopping.stop(cast.association.pk, "sms", member.phone or "", "stop", NOW)
        assert not stopping.stop(
            cast.association.pk, "sms", member.phone or "", "stop", NOW - 9 * HOUR
        )
        assert reached(campaign, member) == ""
    assert consent.verify_member(Member.objects.get(pk=member.pk)).sound
    stopping.stop(cast.association.pk, "sms", member.phone or "", "stop", NOW + 2 * HOUR)
    assert reached(campaign, member) == "no_consent"


def test_a_bounce_suppresses_the_address_and_nobody_said_no(cast: Cast, shop: int) -> None:
    (member,) = people(cast, 1, EMAIL)
    (one,) = planned(campaign_of(cast, shop), [member], "email")
    Delivery.objects.filter(pk=one.id).update(sending_at=NOW)
    assert stopping.suppress_delivery(one.id, "bounced", NOW + HOUR)
    assert reached(campaign_of(cast, shop), member, "email") == "suppressed"
    assert Permission.objects.filter(member=member, given=True).count() == 1
    assert Suppression.objects.get().delivery_id == one.id


def test_a_bounce_that_comes_late_spares_the_address_given_since(cast: Cast, shop: int) -> None:
    (member,) = people(cast, 1, EMAIL)
    (one,) = planned(campaign_of(cast, shop), [member], "email")
    Delivery.objects.filter(pk=one.id).update(sending_at=NOW - 3 * HOUR)
    text = next(w.pk for w in wordings.current(cast.association.pk, "fr") if w.channel == "email")
    consent.withdraw_all(member, place="member", occurred_at=NOW - 2 * HOUR)
    box = Decision(shop, "offers", "email", True, text)
    consent.record(member, [box], place="member", occurred_at=NOW - HOUR)
    stopping.suppress_delivery(one.id, "bounced", NOW)
    assert reached(campaign_of(cast, shop), member, "email") == ""


def test_a_contact_given_for_a_receipt_reaches_no_campaign(cast: Cast, shop: int) -> None:
    """L5: who gave an address, and chose receipts by link, agreed to no offer."""
    (member,) = people(cast, 1)
    choices.choose(member.pk, per_week=None, per_month=None, automatic=["receipt"])
    for controller in (shop, 0):
        assert reached(campaign_of(cast, controller), member, "email") == "no_consent"
        assert freezing.freeze(campaign_of(cast, controller), NOW) == 0
    receipts = campaign_of(cast, shop, automatic="receipt")
    assert reached(receipts, member, "email") == ""
    stopping.stop(cast.association.pk, "email", member.email or "", "unsubscribed", NOW)
    assert reached(receipts, member, "email") == "suppressed"


def test_an_automatic_message_goes_to_who_chose_it(cast: Cast, shop: int) -> None:
    (member,) = people(cast, 1, ("reminders", "sms"))
    birthdays = campaign_of(cast, shop, automatic="birthday", purpose="reminders")
    assert reached(birthdays, member) == "no_consent"
    choices.choose(member.pk, per_week=None, per_month=None, automatic=["birthday"])
    assert reached(birthdays, member) == ""


def link_of(cast: Cast, shop: int, member: Member) -> tuple[str, int]:
    (one,) = planned(campaign_of(cast, shop), [member], "email")
    answer = reaching.reach([one], NOW)[one.id]
    assert isinstance(answer, Reach)
    return answer.values["unsubscribe"], one.id


def test_a_link_says_whom_to_stop_and_stops_once(cast: Cast, shop: int) -> None:
    (member,) = people(cast, 1, EMAIL, SMS)
    token, delivery_id = link_of(cast, shop, member)
    assert len(token) == 40
    for _time in range(100):  # L9: looking changes nothing
        named = stopping.of_token(token)
    assert named is not None
    assert (named.member_id, named.channel, named.subscribed) == (member.pk, "email", True)
    assert named.controller_name == cast.shops[0].name
    for _time in range(2):
        assert stopping.unsubscribe(token, NOW)
    assert Suppression.objects.get().delivery_id == delivery_id
    after = stopping.of_token(token)
    assert after is not None
    assert not after.subscribed
    assert reached(campaign_of(cast, shop), member) == ""  # the telephone is another channel


def test_a_stop_by_link_can_be_taken_back_for_an_hour(
    cast: Cast, shop: int, set_clock: SetClock
) -> None:
    (member,) = people(cast, 1, EMAIL)
    give([member], 0, EMAIL)
    token, _delivery = link_of(cast, shop, member)
    stopping.unsubscribe(token, NOW)
    assert not stopping.resubscribe(token, NOW + 2 * HOUR)
    assert stopping.resubscribe(token, NOW + HOUR / 2)
    assert not stopping.resubscribe(token, NOW + HOUR / 2)
    for controller in (shop, 0):
        assert reached(campaign_of(cast, controller), member, "email") == ""


def test_who_agreed_by_sms_after_e_mail_agrees_again_under_the_text_for_e_mail(
    cast: Cast, shop: int, set_clock: SetClock
) -> None:
    (member,) = people(cast, 1, EMAIL)
    give([member], shop, SMS)
    token, _delivery = link_of(cast, shop, member)
    stopping.unsubscribe(token, NOW)
    assert stopping.resubscribe(token, NOW + HOUR / 2)
    assert reached(campaign_of(cast, shop), member, "email") == ""
    last = list(consent.chain_of(member.chain))[-1]
    assert last.wording is not None
    assert (last.place, last.wording.channel) == ("link", "email")


def by_sms_gateway(cast: Cast, member: Member, _other: str) -> None:
    stopping.stop(cast.association.pk, "email", member.email or "", "stop", NOW + HOUR / 4)


def by_complaint(cast: Cast, member: Member, _other: str) -> None:
    row = Delivery.objects.order_by("pk").first()
    assert row is not None
    stopping.suppress_delivery(row.pk, "complained", NOW + HOUR / 4)


def by_another_link(cast: Cast, member: Member, other: str) -> None:
    stopping.unsubscribe(other, NOW + HOUR / 4)


@pytest.mark.parametrize("said", [by_sms_gateway, by_complaint, by_another_link])
@pytest.mark.parametrize("own_first", [True, False])
def test_a_link_takes_back_its_own_stop_and_no_other(
    cast: Cast,
    shop: int,
    set_clock: SetClock,
    said: Callable[[Cast, Member, str], None],
    own_first: bool,
) -> None:
    """Any old link, in a mail that was handed on, must not undo what its member said elsewhere."""
    (member,) = people(cast, 1, EMAIL)
    token, _one = link_of(cast, shop, member)
    other, _two = link_of(cast, shop, member)
    if own_first:
        stopping.unsubscribe(token, NOW)
    said(cast, member, other)
    assert not stopping.resubscribe(token, NOW + HOUR / 2)
    assert reached(campaign_of(cast, shop), member, "email") == "no_consent"


def test_why_names_the_consent_of_then_not_a_later_one(cast: Cast, shop: int) -> None:
    """Unsubscribed and taken back after it came: it did not rest on the younger consent."""
    (member,) = people(cast, 1, EMAIL)
    token, number = link_of(cast, shop, member)
    Delivery.objects.filter(pk=number).update(state="accepted", sending_at=NOW)
    row = Delivery.objects.get(pk=number)
    before = segment_words.why(row)[0]
    stopping.unsubscribe(token, NOW + HOUR)
    assert stopping.resubscribe(token, NOW + HOUR * 1.5)
    after = segment_words.why(Delivery.objects.get(pk=number))[0]
    assert after == before
    Delivery.objects.filter(pk=number).update(sending_at=NOW + 2 * HOUR)
    later = segment_words.why(Delivery.objects.get(pk=number))[0]
    assert "19 septembre" in after
    assert "18 novembre" in later


def test_a_link_clicked_twice_is_taken_back_once(
    cast: Cast, shop: int, set_clock: SetClock
) -> None:
    (member,) = people(cast, 1, EMAIL)
    token, _delivery = link_of(cast, shop, member)
    stopping.unsubscribe(token, NOW)
    stopping.unsubscribe(token, NOW + HOUR / 60)
    assert stopping.resubscribe(token, NOW + HOUR / 30)
    assert reached(campaign_of(cast, shop), member, "email") == ""


def test_a_link_works_though_its_delivery_is_lost(cast: Cast, shop: int) -> None:
    (member,) = people(cast, 1, EMAIL)
    token, delivery_id = link_of(cast, shop, member)
    Delivery.objects.filter(pk=delivery_id).delete()  # a back-up from before came back
    assert stopping.unsubscribe(token, NOW)
    assert reached(campaign_of(cast, shop), member, "email") == "no_consent"


def test_a_link_followed_while_its_member_is_merged_stops_the_one_that_stays(
    cast: Cast, shop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, keep = people(cast, 2, EMAIL)
    token, _delivery = link_of(cast, shop, gone)
    looked_up = stopping.of_token(token)
    Member.objects.filter(pk=gone.pk).update(
        state=Member.State.MERGED, merged_into=keep, email_index=None, phone_index=None
    )
    late = [looked_up]
    now = stopping.of_token
    monkeypatch.setattr(stopping, "of_token", lambda text: late.pop() if late else now(text))
    assert stopping.unsubscribe(token, NOW)
    assert reached(campaign_of(cast, shop), keep, "email") == "no_consent"


@settings(deadline=None)
@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda b: b.hex()))
def test_no_other_link_is_taken(text: str) -> None:
    assert stopping._read(text) is None


def test_a_link_with_a_sign_changed_is_refused(cast: Cast, shop: int) -> None:
    (member,) = people(cast, 1, EMAIL)
    token, _delivery = link_of(cast, shop, member)
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        changed = token[:place] + other + token[place + 1 :]
        assert stopping.of_token(changed) is None, place
    assert stopping.of_token(token + "!") is None


def test_erasure_leaves_hashes_only(cast: Cast, shop: int) -> None:
    member, other = people(cast, 2, SMS, EMAIL)
    token, delivery_id = link_of(cast, shop, member)
    Pressure.objects.create(member=member, delivery_id=delivery_id, controller=shop, at=NOW)
    phone, mail, number = member.phone or "", member.email or "", member.pk
    stopping.stop(cast.association.pk, "sms", phone, "stop", NOW)
    assert erasure.erase(number, actor="member")
    assert stopping.of_token(token) is None
    assert not stopping.unsubscribe(token, NOW)
    assert Delivery.objects.get(pk=delivery_id).member_id is None
    assert not Pressure.objects.exists()
    assert not MessageChoice.objects.filter(member=number).exists()
    assert Suppression.objects.count() == 1
    for model in apps.get_app_config("loyalty").get_models():
        for row in model._default_manager.values_list():
            told = " ".join(str(value) for value in row)
            assert phone not in told, model
            assert mail not in told, model
    other.phone_index = Suppression.objects.get().index  # somebody else takes the number over
    other.save()
    assert reached(campaign_of(cast, shop), other) == "suppressed"


def test_a_merged_double_keeps_all_pressure_the_lower_caps_and_its_links(
    cast: Cast, shop: int
) -> None:
    keep, gone = people(cast, 2, EMAIL)
    token, delivery_id = link_of(cast, shop, gone)
    Pressure.objects.create(member=gone, delivery_id=delivery_id, controller=shop, at=NOW)
    choices.choose(keep.pk, per_week=None, per_month=3, automatic=["birthday"])
    choices.choose(gone.pk, per_week=1, per_month=4, automatic=["points"])
    both = campaign_of(cast, shop)
    first, second = planned(both, [keep, gone])
    choices.adopt(gone.pk, keep.pk, NOW)
    choices.adopt(gone.pk, keep.pk, NOW)  # settle_late does it again
    Member.objects.filter(pk=gone.pk).update(
        state=Member.State.MERGED, merged_into=keep, email_index=None, phone_index=None
    )
    left = pressure.left(keep.pk, NOW)
    assert (left.week, left.caps.week, left.caps.month) == (0, 1, 3)
    assert choices.choice_of(keep.pk).automatic == ["birthday"]
    assert Delivery.objects.get(pk=first.id).state == Delivery.State.PLANNED
    twice = Delivery.objects.get(pk=second.id)
    assert (twice.state, twice.reason) == (Delivery.State.NOT_SENT, Delivery.Reason.GONE)
    assert Delivery.objects.get(pk=delivery_id).member_id == keep.pk
    assert stopping.unsubscribe(token, NOW)
    assert reached(campaign_of(cast, shop), keep, "email") == "no_consent"
