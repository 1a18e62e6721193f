"""Whose a receipt is: members asked for by number, and what follows from a purchase for them."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.utils.translation import gettext as _

from chaland.hub.loyalty import bulk
from chaland.hub.loyalty.models import Member, Receipt, ShopCustomer


def members(asked: Iterable[int]) -> dict[int, Member]:
    """Return members by the number asked for; a merged one is answered by who took it over."""
    found: dict[int, Member] = Member.objects.in_bulk(list(asked))
    answer = dict(found)
    while merged := {
        number: member.merged_into_id
        for number, member in answer.items()
        if member.state == Member.State.MERGED and member.merged_into_id
    }:
        heirs = Member.objects.in_bulk(list(set(merged.values())))
        for number, heir_id in merged.items():
            if heir_id in heirs:
                answer[number] = heirs[heir_id]
            else:
                del answer[number]
    return answer


def obstacle(member: Member | None, association_id: int) -> tuple[str, str] | None:
    """Say why a member can't have a receipt, as a code and in words; None if nothing is against."""
    if member is None or member.association_id != association_id:
        return "no-such-member", _("There is no such member (any more).")
    if member.state == Member.State.PAUSED:
        return "paused", _("The member has paused the account: nothing is earned.")
    return None


def bought(receipts: Sequence[Receipt], members: Iterable[Member]) -> None:
    """Note that members bought: they are the shops' own customers, and active."""
    first: dict[tuple[int, int], datetime] = {}
    last: dict[int, date] = {}
    for receipt in receipts:
        member_id = receipt.member_id
        if member_id is None:
            continue
        pair = (member_id, receipt.shop_id)
        first[pair] = min(first.get(pair, receipt.issued_at), receipt.issued_at)
        day = receipt.issued_at.date()
        last[member_id] = max(last.get(member_id, day), day)
    customers = (
        (member_id, shop_id, since, str(ShopCustomer.How.BOUGHT))
        for (member_id, shop_id), since in sorted(first.items())
    )
    bulk.insert_new(ShopCustomer, ("member", "shop_id", "since", "how"), customers)
    later: dict[date, list[int]] = {}
    for member in members:
        day_of = last.get(member.pk)
        if day_of is not None and day_of > member.last_active_on:
            member.last_active_on = day_of
            later.setdefault(day_of, []).append(member.pk)
    if later:  # locked in one order, so that two batches can't wait for each other
        active = Member.objects.filter(pk__in=[pk for pks in later.values() for pk in pks])
        list(active.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    for day, numbers in sorted(later.items()):
        Member.objects.filter(pk__in=numbers, last_active_on__lt=day).update(last_active_on=day)


def no_customer_after_all(member_id: int, shop_id: int) -> None:
    """Undo what an attaching taken back had said: no purchase is left that made a customer."""
    if not Receipt.objects.filter(member_id=member_id, shop_id=shop_id).exists():
        ShopCustomer.objects.filter(
            member_id=member_id, shop_id=shop_id, how=ShopCustomer.How.BOUGHT
        ).delete()
