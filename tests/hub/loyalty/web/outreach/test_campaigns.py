"""Campaigns' pages: written on one page, checked before the button, nobody else's business."""

from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, CampaignText, Delivery
from chaland.hub.loyalty.outreach import selectors
from chaland.hub.loyalty.outreach.engine.loop import run_once
from tests.hub.loyalty.web.outreach.conftest import Outreach, typed
from tests.outreach_builders import NOON, build_deliveries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_read", lambda: NOON)


def test_a_campaign_is_begun_with_one_press_and_written_on_its_page(outreach: Outreach) -> None:
    outreach.people(40, outreach.shop)
    keeper = outreach.keeper
    begun = keeper.post(reverse("campaign_new"))
    campaign = Campaign.objects.get()
    assert begun["Location"] == reverse("campaign_edit", args=[campaign.pk])
    assert campaign.controller == outreach.shop.pk
    page = keeper.get(begun["Location"])
    assert page.status_code == 200
    panel = keeper.post(begun["Location"], typed(), headers={"HX-Request": "true"})
    assert panel.templates[0].name == "loyalty/outreach/checks.html"
    campaign.refresh_from_db()
    assert campaign.name == "Rentrée"
    texts = CampaignText.objects.filter(campaign=campaign)
    assert set(texts.values_list("channel", "language")) == {("email", "fr"), ("sms", "fr")}
    assert "disabled" not in panel.content.decode()


def test_what_stands_against_it_is_said_before_the_button(outreach: Outreach) -> None:
    outreach.people(12, outreach.shop)
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    told = typed(**{"sms.fr.body": "", "email.fr.body": "Les soldes continuent !"})
    panel = outreach.keeper.post(page, told, headers={"HX-Request": "true"})
    text = panel.content.decode()
    assert "soldes" in text
    assert "disabled" in text
    sent = outreach.keeper.post(page, {**told, "do": "send"})
    assert sent.status_code == 422
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT


def test_a_wrong_text_is_not_kept_and_stays_on_the_page(outreach: Outreach) -> None:
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    outreach.keeper.post(page, typed())
    answer = outreach.keeper.post(page, typed(**{"email.fr.body": "Bonjour {prenom} <b>"}))
    assert answer.status_code == 422
    assert "Bonjour {prenom} &lt;b&gt;" in answer.content.decode()
    kept = CampaignText.objects.get(campaign=campaign, channel="email")
    assert "{first_name}" in kept.body


def test_sending_goes_through_the_queue_and_each_person_is_told(outreach: Outreach) -> None:
    outreach.people(20, outreach.shop)
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    answer = outreach.keeper.post(page, {**typed(), "do": "send"})
    assert answer["Location"] == reverse("campaign", args=[campaign.pk])
    for _turn in range(3):
        run_once(NOON)
    campaign.refresh_from_db()
    written = Delivery.objects.filter(campaign=campaign).exclude(reason="held_out")
    assert {row.state for row in written} == {"accepted"}
    shown = outreach.keeper.get(answer["Location"])
    assert f"{written.count()} messages" in shown.content.decode()
    people = outreach.keeper.get(reverse("campaign_people", args=[campaign.pk]))
    text = people.content.decode()
    assert "Ann…" in text  # masked
    assert not any(member.email and member.email in text for member in outreach.members)
    assert not any(member.phone and member.phone[3:] in text for member in outreach.members)


def test_a_time_to_come_is_read_in_the_towns_time(outreach: Outreach) -> None:
    outreach.people(3, outreach.shop)
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    later = typed(when="later", at="2026-11-20T10:30", do="send")
    outreach.keeper.post(page, later)
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.SCHEDULED
    assert campaign.send_at == datetime.fromisoformat("2026-11-20T09:30:00+00:00")
    assert set(campaign.counted) == {"email", "sms"}  # its band in the others' calendar
    outreach.keeper.post(reverse("campaign_act", args=[campaign.pk, "take-back"]))
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT
    assert 'value="2026-11-20T10:30"' in outreach.keeper.get(page).content.decode()


@pytest.mark.parametrize(
    "at",
    ["", "bald", "2026-13-01T10:00", "2020-01-01T10:00", "9999-12-31T23:59", "0001-01-01T00:00"],
)
def test_later_without_a_time_that_can_be_is_never_now(outreach: Outreach, at: str) -> None:
    outreach.people(12, outreach.shop)
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    later = typed(when="later", at=at)
    panel = outreach.keeper.post(page, later, headers={"HX-Request": "true"})
    assert panel.status_code == 200
    assert "disabled" in panel.content.decode()
    answer = outreach.keeper.post(page, {**later, "do": "send"})
    assert answer.status_code == 422
    assert "Départ" in answer.context["faults"][0]
    assert 'value="later" checked' in answer.content.decode()
    campaign.refresh_from_db()
    assert (campaign.state, campaign.name) == (Campaign.State.DRAFT, "Rentrée")


def test_seconds_of_a_time_to_come_are_read_too(outreach: Outreach) -> None:
    outreach.people(12, outreach.shop)
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    outreach.keeper.post(page, typed(when="later", at="2026-11-20T10:30:00", do="send"))
    campaign.refresh_from_db()
    assert campaign.send_at == datetime.fromisoformat("2026-11-20T09:30:00+00:00")


def test_a_save_that_asks_for_nobody_in_particular_does_not_widen(outreach: Outreach) -> None:
    narrow = [{"name": "tier", "tier": 987_654}]
    campaign = outreach.campaign(outreach.shop, criteria=narrow)
    page = reverse("campaign_edit", args=[campaign.pk])
    told = typed()
    del told["whom"]  # another page's form, or one that is cut off
    outreach.keeper.post(page, told)
    campaign.refresh_from_db()
    assert campaign.criteria == narrow
    [ticked] = [each for each in outreach.keeper.get(page).context["choices"] if each.picked]
    assert ticked.asked[0].options[-1][::2] == ("987654", True)  # shown, though it is gone


def test_criteria_are_ticked_counted_and_kept(outreach: Outreach) -> None:
    members = outreach.people(30, outreach.shop)
    for member in members[:12]:
        member.language = "en"
        member.save()
    campaign = outreach.campaign(outreach.shop, holdout_percent=0)
    page = reverse("campaign_edit", args=[campaign.pk])
    told = typed(criteria=["language"], holdout="0", **{"language.language": "en"})
    panel = outreach.keeper.post(page, told, headers={"HX-Request": "true"})
    campaign.refresh_from_db()
    assert campaign.criteria == [{"name": "language", "language": "en"}]
    assert panel.context["checks"].chosen[0][1] == 10  # 12, in fives
    wrong = typed(criteria=["bought_within"], **{"bought_within.days": "0"})
    refused = outreach.keeper.post(page, wrong)
    assert refused.status_code == 422
    campaign.refresh_from_db()
    assert campaign.criteria == [{"name": "language", "language": "en"}]


def test_a_shop_can_not_tick_what_is_the_associations(outreach: Outreach) -> None:
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    names = [choice.name for choice in outreach.keeper.get(page).context["choices"]]
    assert "language" in names
    assert "shops_bought" not in names
    forced = typed(criteria=["shops_bought"], **{"shops_bought.shops": str(outreach.shop.pk)})
    assert outreach.keeper.post(page, forced).status_code == 422


def test_pages_are_nobody_elses(outreach: Outreach) -> None:
    outreach.people(12, outreach.shop)
    campaign = outreach.campaign(outreach.shop, state="running", send_at=NOON, frozen_at=NOON)
    CampaignText.objects.create(campaign=campaign, channel="email", language="fr", body="Secret")
    draft = outreach.campaign(outreach.shop, name="Brouillon", seed=8)
    gets = [
        ("campaign", campaign.pk),
        ("campaign_people", campaign.pk),
        ("campaign_edit", draft.pk),
        ("campaign_preview", campaign.pk, "fr"),
    ]
    posts = [
        ("campaign_edit", draft.pk),
        ("campaign_discard", draft.pk),
        *(("campaign_act", campaign.pk, what) for what in ("pause", "resume", "cancel")),
    ]
    cast = outreach.cast
    for user in (cast.neighbour, cast.stranger, cast.director):
        client = outreach.client(user)
        for name, *args in gets:
            assert client.get(reverse(name, args=args)).status_code == 404, (user, name)
        for name, *args in posts:
            assert client.post(reverse(name, args=args), typed()).status_code == 404, (user, name)
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.RUNNING


def test_a_neighbour_sees_who_writes_when_and_nothing_else(outreach: Outreach) -> None:
    outreach.people(12, outreach.shop)
    send_at = NOON + timedelta(days=2)
    outreach.campaign(outreach.shop, name="Nom secret", state="scheduled", send_at=send_at)
    text = outreach.client(outreach.cast.neighbour).get(reverse("outreach")).content.decode()
    assert outreach.shop.name in text
    assert "Nom secret" not in text


def test_two_shops_within_a_day_are_told_of_each_other(outreach: Outreach) -> None:
    outreach.people(12, outreach.shop)
    outreach.campaign(None, name="Ville", state="scheduled", send_at=NOON + timedelta(hours=3))
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    found = outreach.keeper.get(page).context["checks"].others
    assert [other.who for other in found] == [outreach.cast.association.name]


def test_one_s_own_campaigns_are_no_others(outreach: Outreach) -> None:
    outreach.people(12, outreach.shop)
    near = NOON + timedelta(hours=3)
    outreach.campaign(outreach.shop, name="La mienne", state="scheduled", send_at=near)
    page = reverse("campaign_edit", args=[outreach.campaign(outreach.shop, seed=8).pk])
    assert outreach.keeper.get(page).context["checks"].others == []


def test_looking_reads_no_more_for_many_campaigns_and_counts_no_week(outreach: Outreach) -> None:
    outreach.people(12, outreach.shop)
    page = reverse("campaign_edit", args=[outreach.campaign(outreach.shop).pk])
    keeper, said = outreach.keeper, {}
    for others in (1, 5):
        for number in range(others):
            outreach.campaign(
                None, seed=100 * others + number, state="scheduled", send_at=NOON,
                counted={"email": 60},
            )  # fmt: skip
        keeper.get(page)
        with CaptureQueriesContext(connections["loyalty"]) as asked:
            answer = keeper.post(page, typed(), headers={"HX-Request": "true"})
        said[others] = len(asked)
        assert not any("loyalty_pressure" in query["sql"] for query in asked)
        bands = {other.band for other in answer.context["checks"].others}
        assert bands == {"50 à 200"}
    assert said[5] <= said[1]


def test_why_these_people_stands_beside_their_number(outreach: Outreach) -> None:
    outreach.people(12, outreach.shop)
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    ticked = typed(criteria=["language"], **{"language.language": "en"})
    for told, why in ((typed(), "tous ceux qui sont d’accord"), (ticked, "lit en anglais")):
        panel = outreach.keeper.post(page, told, headers={"HX-Request": "true"})
        assert why in panel.content.decode().lower(), panel.context["checks"].whom


@pytest.mark.parametrize("director", [False, True])
def test_nothing_of_fewer_than_ten_is_told_not_even_that_it_is_nobody(
    outreach: Outreach, *, director: bool
) -> None:
    shop = None if director else outreach.shop
    members = outreach.people(27, shop)
    page = reverse("campaign_edit", args=[outreach.campaign(shop, holdout_percent=0).pk])
    client = outreach.director if director else outreach.keeper
    for english, size in ((0, None), (1, None), (9, None), (10, 10), (14, 10), (27, 25)):
        for number, member in enumerate(members):
            member.language = "en" if number < english else "fr"
            member.save()
        told = typed(criteria=["language"], holdout="0", **{"language.language": "en"})
        checks = client.post(page, told, headers={"HX-Request": "true"}).context["checks"]
        assert dict(checks.chosen)["e-mail"] == size
        assert {n for _reason, n in checks.left_out} == {None}
        assert checks.estimate.held_out is None


def test_a_preview_is_what_is_sent_and_can_do_nothing(outreach: Outreach) -> None:
    campaign = outreach.campaign(outreach.shop)
    outreach.keeper.post(reverse("campaign_edit", args=[campaign.pk]), typed())
    page = reverse("campaign_preview", args=[campaign.pk, "fr"])
    answer = outreach.keeper.get(page + "?case=2")
    assert "Marie-Antoinette" in answer.content.decode()
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    none = outreach.keeper.get(page + "?case=1").content.decode()
    assert "Bonjour," in none
    assert "Camille" in outreach.keeper.get(page + "?case=99").content.decode()


def test_pause_resume_cancel_may_be_pressed_twice(outreach: Outreach) -> None:
    members = outreach.people(3, outreach.shop)
    expires_at = NOON + timedelta(days=2)
    campaign = outreach.campaign(
        outreach.shop, state="running", send_at=NOON, frozen_at=NOON, expires_at=expires_at
    )
    build_deliveries(campaign, members, "email")
    for what, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        for _turn in range(2):
            outreach.keeper.post(reverse("campaign_act", args=[campaign.pk, what]))
            campaign.refresh_from_db()
            assert campaign.state == state
    assert set(Delivery.objects.values_list("reason", flat=True)) == {"cancelled"}


def test_unknown_ones_are_listed_and_pages_are_numbered(outreach: Outreach) -> None:
    members = outreach.people(60, outreach.shop)
    campaign = outreach.campaign(
        outreach.shop, state="finished", send_at=NOON, frozen_at=NOON, expires_at=NOON
    )
    build_deliveries(campaign, members, "email")
    Delivery.objects.filter(member__in=members[:2]).update(state="unknown")
    keeper, page = outreach.keeper, reverse("campaign_people", args=[campaign.pk])
    assert len(keeper.get(page, {"which": "unknown"}).context["people"]) == 2
    assert len(keeper.get(page, {"page": "2"}).context["people"]) == 10
    strange = keeper.get(page, {"which": "'; --", "page": "x"})
    assert len(strange.context["people"]) == 50
    assert reverse("campaign_people", args=[campaign.pk]) + "?which=unknown" in (
        keeper.get(reverse("campaign", args=[campaign.pk])).content.decode()
    )


def test_numbers_beyond_a_thousand_stand_in_addresses(outreach: Outreach) -> None:
    campaign = outreach.campaign(outreach.shop, pk=12_345, state="scheduled", send_at=NOON)
    text = outreach.keeper.get(reverse("outreach")).content.decode()
    assert f'href="/outreach/{campaign.pk}/"' in text
    assert quote("12\u202f345") not in text


def test_a_late_save_of_another_window_changes_nothing(outreach: Outreach) -> None:
    outreach.people(12, outreach.shop)
    campaign = outreach.campaign(outreach.shop)
    page = reverse("campaign_edit", args=[campaign.pk])
    outreach.keeper.post(page, {**typed(), "do": "send"})
    late = typed(**{"email.fr.body": "Trop tard"})
    answer = outreach.keeper.post(page, late, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == reverse("campaign", args=[campaign.pk])
    assert not CampaignText.objects.filter(body="Trop tard").exists()


def test_what_is_typed_is_text_in_previews_never_markup(outreach: Outreach) -> None:
    campaign = outreach.campaign(outreach.shop)
    bad = "<script>alert(1)</script></mj-text><mj-image src='http://x.example/p.gif'/>"
    told = typed(**{"email.fr.body": bad, "email.fr.subject": bad[:100], "email.fr.button": "<b>"})
    outreach.keeper.post(reverse("campaign_edit", args=[campaign.pk]), told)
    html = outreach.keeper.get(reverse("campaign_preview", args=[campaign.pk, "fr"]))
    text = html.content.decode()
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert "<img" not in text


def test_what_was_given_up_is_no_longer_listed(outreach: Outreach) -> None:
    campaign = outreach.campaign(outreach.shop)
    outreach.keeper.post(reverse("campaign_discard", args=[campaign.pk]))
    assert outreach.keeper.get(reverse("outreach")).context["rows"] == []


def test_what_waits_says_why(outreach: Outreach, monkeypatch: pytest.MonkeyPatch) -> None:
    members = outreach.people(3, outreach.shop)
    campaign = outreach.campaign(
        outreach.shop, state="running", send_at=NOON, frozen_at=NOON, started_at=NOON,
        expires_at=NOON + timedelta(days=2),
    )  # fmt: skip
    build_deliveries(campaign, members, "email")
    pages = [reverse(name, args=[campaign.pk]) for name in ("campaign", "campaign_people")]
    keeper, quiet = outreach.keeper, str(Delivery.Reason.QUIET.label)
    assert not any(quiet in keeper.get(page).content.decode() for page in pages)
    monkeypatch.setattr(clock, "_read", lambda: NOON + timedelta(hours=14))  # two in the morning
    assert all(quiet in keeper.get(page).content.decode() for page in pages)
    Campaign.objects.update(state="paused")
    paused = str(Delivery.Reason.PAUSED.label)
    assert all(paused in keeper.get(page).content.decode() for page in pages)


def test_what_was_sent_is_nowhere_not_sent(outreach: Outreach) -> None:
    members = outreach.people(len(Delivery.State), outreach.shop)
    campaign = outreach.campaign(
        outreach.shop, state="finished", send_at=NOON, frozen_at=NOON, expires_at=NOON
    )
    build_deliveries(campaign, members, "email")
    for row, state in zip(Delivery.objects.all(), Delivery.State, strict=True):
        Delivery.objects.filter(pk=row.pk).update(state=state, sending_at=NOON)
    keeper, page = outreach.keeper, reverse("campaign_people", args=[campaign.pk])
    shown = {
        which: {told.delivery_id for told, _tone in people}
        for which in ("", "sent", "waiting", "not_sent", "delivered", "failed", "unknown")
        for people in [keeper.get(page, {"which": which}).context["people"]]
    }
    parts = [shown["sent"], shown["waiting"], shown["not_sent"]]
    assert sum(map(len, parts)) == len(shown[""]) == len(set().union(*parts))
    assert shown["delivered"] | shown["failed"] | shown["unknown"] < shown["sent"]
    [row] = keeper.get(reverse("outreach")).context["rows"]
    [tiring] = selectors.tiring(outreach.town, NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert row.sent == tiring.sent == len(shown["sent"])
