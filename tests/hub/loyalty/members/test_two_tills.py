"""The same person enrolled at several tills at one moment becomes one member, on either engine."""

from dataclasses import replace
from pathlib import Path

import pytest

from chaland.hub.loyalty.consent import services as consent
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.members.rules import KnownErrorFinal
from chaland.hub.loyalty.members.services import Enrolment, enrol
from chaland.hub.loyalty.models import Member, Permission
from tests.hub.loyalty.ledger.racing import racers
from tests.hub.loyalty.members.conftest import NOW

pytestmark = pytest.mark.django_db(transaction=True)
TILLS = 8


def test_one_number_at_eight_tills_makes_one_member(tmp_path: Path) -> None:
    anna = Enrolment(1, 5, "till:1", NOW, first_name="Anna", phone="0639985678", over_15=True)
    with racers(TILLS, tmp_path) as tills:
        for round_ in range(3):
            number = f"06399856{round_}0"
            answers = tills.race(
                lambda till, number=number: enrol(replace(anna, actor=f"till:{till}", phone=number))
            )
            made = [a for a in answers if isinstance(a, Member)]
            known = [a for a in answers if isinstance(a, KnownErrorFinal)]
            assert (len(made), len(known)) == (1, TILLS - 1), answers
            assert {k.found.member_id for k in known if k.found} == {made[0].pk}
        assert tills.alone(Member.objects.count) == 3


def test_decisions_at_once_stay_one_chain(tmp_path: Path) -> None:
    with racers(TILLS, tmp_path) as tills:
        member = tills.alone(
            lambda: enrol(Enrolment(1, 5, "till:1", NOW, phone="0639985678", over_15=True))
        )
        text = tills.alone(lambda: wordings.current(1, "fr"))[0]

        def decide(till: int) -> int:
            own = Member.objects.get(pk=member.pk)
            for given in (True, False, True):
                box = Decision(till, "offers", "sms", given, text.pk if given else None)
                consent.record(own, [box], place="member", occurred_at=NOW)
            return till

        assert tills.race(decide) == list(range(TILLS))
        verified = tills.alone(lambda: consent.verify_member(Member.objects.get(pk=member.pk)))
        assert (verified.sound, verified.events) == (True, 3 * TILLS)
        assert tills.alone(Permission.objects.filter(given=True).count) == TILLS
