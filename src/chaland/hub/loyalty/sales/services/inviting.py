"""Who is invited: in bulk, by the audience of a campaign; and whose invitation it is later."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connections, transaction

from chaland.hub.common import clock
from chaland.hub.loyalty import contention
from chaland.hub.loyalty.models import Invitation, Member, PrivateSale
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.sales.services.locking import sale_locked
from chaland.hub.loyalty.sales.services.places import fill, free

_AT_ONCE = 50_000
_State = Invitation.State
_BEST = (_State.ARRIVED, _State.BOOKED, _State.QUEUED, _State.OPEN, _State.DECLINED)


def invite(sale_id: int, member_ids: Iterable[int]) -> int:
    """Invite members to a sale that is announced; return how many weren't yet.

    Who isn't an active member of the sale's association is left out. Done again, it changes
    nothing. One statement for 50,000 members; SaleErrorFinal where the sale isn't open.
    """
    sale = PrivateSale.objects.filter(pk=sale_id).first()
    if sale is None:
        raise SaleErrorFinal("no-sale")
    if sale.state != PrivateSale.State.OPEN or sale.ends_at <= clock.now():
        raise SaleErrorFinal("not-open")
    ids = iter(member_ids)
    return sum(_insert(sale, some) for some in iter(lambda: list(islice(ids, _AT_ONCE)), []))


def _insert(sale: PrivateSale, member_ids: Sequence[int]) -> int:
    connection = connections["loyalty"]
    quote = connection.ops.quote_name
    ids: Any
    if connection.vendor == "postgresql":
        among, ids = "= ANY(%s)", member_ids
    else:
        among, ids = "IN (SELECT value FROM json_each(%s))", json.dumps(member_ids)
    sql = (
        f"INSERT INTO {quote(Invitation._meta.db_table)}"  # noqa: S608  # our own tables' names
        " (sale_id, member_id, how, recruited, state, checked_in_by, created_at)"
        " SELECT %s, id, %s, %s, %s, %s, %s"
        f" FROM {quote(Member._meta.db_table)}"
        f" WHERE association_id = %s AND state = %s AND id {among}"
        " ORDER BY id ON CONFLICT DO NOTHING"
    )
    created = connection.ops.adapt_datetimefield_value(clock.now())
    values: list[Any] = [
        sale.pk, str(Invitation.How.INVITED), False, str(_State.OPEN), "", created,
        sale.association_id, str(Member.State.ACTIVE), ids,
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


@contention.anew
@transaction.atomic(using="loyalty")
def adopt(gone_id: int, keep_id: int) -> int:
    """Give a merged double's invitations to the member that stays. Of two to one sale the one that
    is further along stays; a place that is then had twice is free again. Returns to how many sales
    the double was invited.

    Call it before members are locked: sales come before members.
    """
    moved = 0
    for sale in _sales_of(gone_id):
        moved += 1
        both = Invitation.objects.filter(sale=sale, member__in=(gone_id, keep_id))
        stays, *lesser = sorted(both, key=_rank(keep_id))
        for each in lesser:
            stays.recruited = stays.recruited or each.recruited
            free(each)
            each.delete()
        Invitation.objects.filter(pk=stays.pk).update(
            member=keep_id, recruited=stays.recruited, coded_for=stays.coded_for or stays.member_id
        )
        fill(sale)
    return moved


def _rank(keep_id: int) -> Callable[[Invitation], tuple[int, bool]]:
    """Return what sorts first what is further along; of two alike, the survivor's own."""
    return lambda each: (_BEST.index(_State(each.state)), each.member_id != keep_id)


@contention.anew
@transaction.atomic(using="loyalty")
def forget(member_id: int) -> None:
    """Give back the places of a member who is about to be erased; the invitations stay, for the
    counts, and are nobody's once the member's row is gone."""
    for sale in _sales_of(member_id):
        for invitation in Invitation.objects.filter(sale=sale, member=member_id):
            if invitation.state in (_State.BOOKED, _State.QUEUED):
                free(invitation)
                Invitation.objects.filter(pk=invitation.pk).update(
                    state=_State.DECLINED, slot=None, asked_at=None
                )
        fill(sale)


def _sales_of(member_id: int) -> Iterator[PrivateSale]:
    """Lock the sales to which a member is invited, in order of their numbers."""
    ids = Invitation.objects.filter(member=member_id).values_list("sale_id", flat=True)
    for sale_id in sorted(set(ids)):
        sale = sale_locked(sale_id)
        if Invitation.objects.filter(sale=sale, member=member_id).exists():  # still
            yield sale
