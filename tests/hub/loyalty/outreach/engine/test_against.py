"""What stands against a campaign: a language that its readers have and no text has."""

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from chaland.hub.loyalty.models import Campaign, CampaignText, Member, Permission
from chaland.hub.loyalty.outreach import against
from tests.hub.loyalty.outreach.engine.conftest import Town

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("readers", "written", "missing"),
    [
        ("fr", "fr", ""),
        ("fr", "en", "fr"),
        ("fr en", "fr", "en"),
        ("fr en", "fr en", ""),
        ("en", "en", ""),
        ("en", "", "en"),
        ("", "", "fr"),
        ("", "en", "fr"),
    ],
)
def test_a_language_without_a_text_is_named(
    town: Town, readers: str, written: str, missing: str
) -> None:
    campaign, (first, *others) = Campaign.objects.get(), town.members
    Permission.objects.exclude(member__in=town.members).delete()
    if not readers:
        Permission.objects.all().delete()
    Member.objects.filter(pk=first.pk).update(language=(readers or "fr").split()[-1])
    rest = (readers or "fr").split()[0]
    Member.objects.filter(pk__in=[m.pk for m in others]).update(language=rest)
    assert against._missing(campaign, "sms", written.split()) == missing.split()


def test_with_all_texts_nobody_is_looked_for(town: Town) -> None:
    """What is asked here holds SQLite's write lock, at each pause in typing."""
    campaign = Campaign.objects.get()
    for language in ("fr", "en"):
        CampaignText.objects.update_or_create(
            campaign=campaign, channel="sms", language=language,
            defaults={"body": "Bonjour {first_name}"},
        )  # fmt: skip
    with CaptureQueriesContext(connections["loyalty"]) as asked:
        against.reasons(campaign, town.now, town.now)
    assert not [one for one in asked if "loyalty_permission" in one["sql"]]
