"""Stops, undone stops and new consents at once, on either engine: nothing breaks, a stop holds."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import Max

from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.models import Member, Permission, Suppression
from chaland.hub.loyalty.outreach import choices, stopping
from tests.builders import Cast
from tests.hub.loyalty.ledger.racing import Racers, racers
from tests.hub.loyalty.outreach.audience.conftest import EMAIL, NOW, campaign_of, people

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 10
STOPS = (0, 2, 4)
"""Of `acts`, those that stop."""


@pytest.fixture
def member(cast: Cast, shop: int) -> Member:
    return people(cast, 1, EMAIL)[0]


@pytest.fixture
def acts(cast: Cast, shop: int, member: Member) -> list[Callable[[timedelta], object]]:
    """What is done at once, each after so much time."""
    campaign = campaign_of(cast, shop)
    token = stopping.token(choices.choice_of(member.pk).token, campaign.pk, "email")
    wording = next(
        w.pk for w in wordings.current(cast.association.pk, "fr") if w.channel == "email"
    )
    box = Decision(shop, "offers", "email", True, wording)
    town, address = cast.association.pk, member.email or ""
    return [
        lambda t: stopping.unsubscribe(token, NOW + t),
        lambda t: stopping.resubscribe(token, NOW + t),
        lambda t: stopping.stop(town, "email", address, "complained", NOW + t),
        lambda t: consent.record(member, [box], place="member", occurred_at=NOW + t),
        lambda t: stopping.unsubscribe(token, NOW + t),
    ]


@pytest.fixture
def threads(acts: list[object], tmp_path: Path) -> Iterator[Racers]:
    with racers(len(acts), tmp_path) as there:
        yield there


def test_a_stop_that_was_said_last_holds_and_the_chain_is_sound(
    threads: Racers, acts: list[Callable[[timedelta], object]], member: Member
) -> None:
    def outcome() -> tuple[bool, bool]:
        """Whether the chain is sound, and whether a consent stands that no stop outlives."""
        kept = Member.objects.get(pk=member.pk)
        last = Suppression.objects.aggregate(last=Max("at"))["last"]
        given = Permission.objects.filter(member=member, given=True, since__gt=last)
        return consent.verify_member(kept).sound, given.exists()

    for turn in range(ROUNDS):
        first = turn % len(acts)

        def act(number: int, turn: int = turn, first: int = first) -> object:
            return acts[number](timedelta(seconds=100 * turn + (number + first) % len(acts)))

        answers = threads.race(act)
        assert not [each for each in answers if isinstance(each, Exception)], answers
        sound, reached = threads.alone(outcome)
        assert sound
        last = len(acts) - 1 - first
        assert not (reached and last in STOPS), f"round {turn}"
