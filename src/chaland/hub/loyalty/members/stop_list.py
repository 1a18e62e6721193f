"""The stop list after CHALAND_INDEX_KEY was replaced: it follows the addresses that it names."""

from collections.abc import Iterable, Mapping

from django.conf import settings

from chaland.hub.loyalty.members import contacts
from chaland.hub.loyalty.models import Channel, Member, Suppression

Moves = Mapping[tuple[int, str, bytes], bytes]
"""Association, channel and old index of an address: its new index."""
CONTACTS = {"phone": Channel.SMS, "email": Channel.EMAIL}


def follow(members: Iterable[Member]) -> None:
    """Bring what older keys' stop list says of members' addresses under their index. Inside the
    transaction that saves the members."""
    if len(settings.INDEX_KEYS) == 1:
        return
    moves: dict[tuple[int, str, bytes], bytes] = {}
    for member in members:
        town = member.association_id
        for kind, channel in CONTACTS.items():
            if value := getattr(member, kind):
                index, *older = contacts.blinds(kind, town, value)
                moves |= {(town, channel, old): index for old in older}
    move(moves)


def move(moves: Moves) -> None:
    """Bring what is said of old indices under the new ones; of the same, the latest is kept."""
    rows = Suppression.objects.filter(index__in={index for _town, _channel, index in moves})
    for row in rows.select_for_update():
        new = moves.get((row.association_id, row.channel, bytes(row.index)))
        if new is None or new == bytes(row.index):
            continue
        same = Suppression.objects.filter(
            association_id=row.association_id, channel=row.channel, index=new, cause=row.cause
        )
        if same.exists():
            same.filter(at__lt=row.at).update(at=row.at, delivery_id=row.delivery_id)
            row.delete()
        else:
            row.index = new
            row.save(update_fields=["index"])
