"""Reads: what a member permits, and the story of it."""

from collections.abc import Sequence

from chaland.hub.loyalty.models import ConsentEvent, Member, Permission


def permitted(member_id: int, controller: int, purpose: str, channel: str) -> bool:
    """Say whether a controller (0: the association) may do this now; a paused member says no."""
    return Permission.objects.filter(
        member=member_id,
        member__state=Member.State.ACTIVE,
        controller=controller,
        purpose=purpose,
        channel=channel,
        given=True,
    ).exists()


def permissions_of(member: Member, controllers: Sequence[int] | None = None) -> list[Permission]:
    """List what a member decided, for all controllers or for some."""
    rows = Permission.objects.filter(member=member).order_by("controller", "purpose", "channel")
    return list(rows if controllers is None else rows.filter(controller__in=controllers))


def story_of(member: Member) -> list[ConsentEvent]:
    """List a member's decisions, the newest first, with the texts that were shown."""
    events = ConsentEvent.objects.filter(chain=member.chain).select_related("wording")
    return list(events.order_by("-position"))
