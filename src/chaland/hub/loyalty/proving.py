"""Whether ledger and consents are as they were written: chains, sums, and what is kept of them."""

from collections.abc import Iterator

from chaland.hub.association.models import Association
from chaland.hub.loyalty.consent import services as consents
from chaland.hub.loyalty.ledger import proof
from chaland.hub.loyalty.models import ConsentEvent, Member


def faults() -> Iterator[str]:
    """Say what doesn't hold, town by town, a line each. Changes nothing.

    Reads every entry and every consent event, so its cost grows with them.
    """
    for town in Association.objects.order_by("pk"):
        for line in _of(town.pk):
            yield f"Town {town.pk}: {line}"
    yield from _consents_of_nobody()


def _of(town: int) -> Iterator[str]:
    for each in proof.verify_all(town):
        yield f"account {each.account_id}, entry {each.position}: {each.reason}"
    for kept in proof.differences(town):
        yield f"{kept.what} of {kept.id} is {kept.stored}, its entries say {kept.computed}"
    for member in Member.objects.filter(association_id=town).order_by("pk").iterator(500):
        found = consents.verify_member(member)
        if not found.sound:
            yield f"consents of member {member.pk}: event {found.broken_at} doesn't follow"


def _consents_of_nobody() -> Iterator[str]:
    """Check the chains of members who were erased: their salts are gone, the digests stay."""
    whose = Member.objects.values("chain")
    left = ConsentEvent.objects.exclude(chain__in=whose).values_list("chain", flat=True)
    for chain in left.order_by("chain").distinct().iterator(500):
        found = consents.verify(chain, None)
        if not found.sound:
            yield f"consents of an erased member: event {found.broken_at} doesn't follow"
