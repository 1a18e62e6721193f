"""What a message says of whom it goes to, and of who sends it; for a batch, in few reads."""

from collections.abc import Sequence

from chaland.hub.loyalty.models import Campaign, Member, MessageChoice
from chaland.hub.loyalty.outreach import stopping
from chaland.hub.loyalty.outreach.shapes import Waiting


def of_waiting(waiting: Sequence[Waiting], members: dict[int, Member]) -> dict[int, dict[str, str]]:
    """Return each delivery's own words: ``first_name``, ``code``, ``link``, ``unsubscribe``."""
    tokens = choices_of({one.member_id for one in waiting})
    return {
        one.id: {
            "first_name": members[one.member_id].first_name,
            "code": "",
            "link": "",
            "unsubscribe": stopping.token(
                tokens[one.member_id].token, one.campaign_id, one.channel
            ),
        }
        for one in waiting
    }


def of_campaign(campaign: Campaign, language: str) -> dict[str, str]:
    """Return what is one for the whole campaign: ``shop``, ``association``, ``sale``, ``place``,
    ``dates``."""
    raise NotImplementedError


def choices_of(member_ids: set[int]) -> dict[int, MessageChoice]:
    """Return the choices of members, made where one had none yet."""
    rows = MessageChoice.objects.filter(member__in=member_ids)
    found = {row.member_id: row for row in rows}
    missing = sorted(member_ids - found.keys())
    if missing:
        MessageChoice.objects.bulk_create(
            (MessageChoice(member_id=pk) for pk in missing), ignore_conflicts=True
        )
        found |= {row.member_id: row for row in rows.filter(member__in=missing)}
    return found
