"""How a till of others names a member: by what its scanner read on the card, or by a handle.

A handle is given out by a look-up or an enrolment. It says, sealed for the one shop, who it is and
how the member was found; after 12 hours, or with a new card, it opens nothing.
"""

from collections.abc import Iterable
from datetime import timedelta

from chaland.hub.loyalty.connect.keys import Caller
from chaland.hub.loyalty.connect.problems import ProblemErrorFinal
from chaland.hub.loyalty.members import cards, references
from chaland.hub.loyalty.members.references import How, Reference
from chaland.hub.loyalty.models import Member

LIVES = timedelta(hours=12)


def handles(member_ids: Iterable[int], shop_id: int, how: How) -> dict[int, str]:
    """Return handles of members who were found just now, for one shop's tills."""
    return references.give(_scope(shop_id), member_ids, how)


def handle(member_id: int, shop_id: int, how: How = How.CONTACT) -> str:
    """Return the handle of one member."""
    return handles([member_id], shop_id, how)[member_id]


def members_of(texts: Iterable[str], association_id: int, shop_id: int) -> dict[str, int]:
    """Return the member that each card or handle stands for; what stands for none is left out."""
    wanted = {text for text in texts if text}
    said = {text: found for text in wanted if (found := _read(text, shop_id)) is not None}
    numbers = {found.member_id for found in said.values()}
    versions = dict(
        Member.objects.filter(pk__in=numbers, association_id=association_id).values_list(
            "pk", "card_version"
        )
    )
    known = {
        text: found.member_id
        for text, found in said.items()
        if versions.get(found.member_id) == found.card_version
    }
    return known | cards.members_of(association_id, wanted - said.keys())


def known_by(text: str, who: Caller) -> tuple[Member, bool]:
    """Return the member that a card or handle stands for, and whether it is enough to spend.

    Raises ProblemErrorFinal: nobody (any more), or one who has left.
    """
    said = _read(text, who.shop_id)
    if said is None:
        member = cards.member_of(who.association_id, text)
    else:
        rows = Member.objects.filter(association_id=who.association_id)
        member = rows.filter(pk=said.member_id, card_version=said.card_version).first()
    if member is None:
        raise ProblemErrorFinal("member-unknown")
    if member.state != Member.State.ACTIVE:
        raise ProblemErrorFinal("member-closed")
    return member, said is None or said.spends


def member_of(text: str, who: Caller) -> Member:
    """Return the member that a card or handle stands for. Raises as `known_by`."""
    return known_by(text, who)[0]


def spender_of(text: str, who: Caller) -> Member:
    """Return the member whose purse may be spent: not whom a name alone has found."""
    member, spends = known_by(text, who)
    if not spends:
        raise ProblemErrorFinal("name-only")
    return member


def _read(text: str, shop_id: int) -> Reference | None:
    return references.read(_scope(shop_id), text, LIVES)


def _scope(shop_id: int) -> str:
    return f"shop.{shop_id}"
