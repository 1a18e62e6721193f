"""A letter is answered from the console: known, proof, erasure."""

import json

import pytest
from click.testing import CliRunner

from chaland.hub.loyalty.models import Lookup, Member
from chaland.hub.site import commands
from tests import builders

pytestmark = pytest.mark.django_db


def _ask(wish: str, *typed: str) -> str:
    done = CliRunner().invoke(commands.hub, ["person", wish], input="\n".join(typed) + "\n")
    assert done.exit_code == 0, done.output
    return done.stdout


def test_what_is_known_and_the_question_is_on_record(member: Member) -> None:
    before = Lookup.objects.count()
    told = json.loads(_ask("known", str(member.phone)))
    assert told["member"]["phone"] == member.phone
    assert Lookup.objects.count() == before + 2, "one in each association"
    assert Lookup.objects.filter(actor="console", hits__member=member).exists()


def test_the_proof_tells_a_chain_that_is_whole(member: Member) -> None:
    told = json.loads(_ask("proof", str(member.phone)))
    assert told["sound"] is True
    assert told["events"] == len(told["chain"])


def test_erasure_asks_and_leaves_the_others(member: Member) -> None:
    others = Member.objects.exclude(pk=member.pk).count()
    _ask("erase", str(member.phone), "n")
    assert Member.objects.filter(pk=member.pk).exists()
    _ask("erase", str(member.phone), "y")
    assert not Member.objects.filter(pk=member.pk).exists()
    assert Member.objects.count() == others


def test_nobody_and_no_number_are_said() -> None:
    builders.build_cast(2)
    for typed in ("06 39 98 00 99", "sixty"):
        done = CliRunner().invoke(commands.hub, ["person", "known"], input=f"{typed}\n")
        assert done.exit_code == 1
        assert "Traceback" not in done.output
