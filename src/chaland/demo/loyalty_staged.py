"""Something to decide: people who joined twice, and members whose receipt nobody has found yet.

Both by the services that a till calls. What is staged once is left to whoever decides it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from chaland.demo.loyalty import Staff
from chaland.demo.loyalty_people import person
from chaland.hub.loyalty.members import contacts
from chaland.hub.loyalty.members.services import Enrolment, enrol
from chaland.hub.loyalty.models import Claim, Member, Receipt
from chaland.hub.loyalty.receipts import matching

DOUBLES = (3, 9, 14)
"""Members, in the order in which they joined, who join again elsewhere, under another number."""
_AGAIN_AFTER = timedelta(days=10)
_FIRST_PHONE = 9_990
"""Numbers beyond those of all members."""
_CLAIMED_AFTER = timedelta(minutes=2)
_TOLD = (0, None, 50)
"""Cents by which the amount that was told is wrong; None where none was told."""
_RECENT = timedelta(days=2)


class Staged:
    """One town's cases; ``staff`` has each shop's till and sellers."""

    def __init__(self, association_id: int, seed: int, staff: Mapping[int, Staff]) -> None:
        self.association = association_id
        self.seed = seed
        self.staff = staff
        there = Member.objects.filter(association_id=association_id)
        self.left = [
            (place, number)
            for place, number in enumerate(DOUBLES)
            if not there.filter(phone_index=self._phone_index(place)).exists()
        ]

    def _phone_index(self, place: int) -> bytes:
        phone = contacts.phone_of(person(self.seed, _FIRST_PHONE + place).phone)
        return contacts.blind("phone", self.association, phone)

    def join_again(self, member_ids: Mapping[int, int], until: datetime) -> None:
        """Enrol doubles whose time has come; ``member_ids`` has the members by their number."""
        for place, number in list(self.left):
            first = Member.objects.filter(
                pk=member_ids.get(number, 0), enrolled_at__lt=until - _AGAIN_AFTER
            ).first()
            if first is None:
                continue
            others = [shop for shop in self.staff if shop != first.enrolled_shop_id]
            shop = others[number % len(others)]
            enrol(
                Enrolment(
                    association_id=self.association, shop_id=shop, occurred_at=until,
                    actor=self.staff[shop].actor(0), first_name=first.first_name,
                    last_name=first.last_name, birth_day=first.birth_day,
                    birth_month=first.birth_month, over_15=True,
                    phone=person(self.seed, _FIRST_PHONE + place).phone,
                ),
                despite_duplicates=True,
            )  # fmt: skip
            self.left.remove((place, number))

    def claim(self, shops: Sequence[int], now: datetime) -> None:
        """Let a member of three shops, the first ones if possible, look for a receipt that was
        nobody's. Anew once the time of those before is over."""
        mine = Receipt.objects.filter(association_id=self.association)
        recent = (now - matching.CLAIM_LIVES, now)
        if Claim.objects.filter(association_id=self.association, at__range=recent).exists():
            return
        told = list(_TOLD)
        for shop in shops:
            here = mine.filter(shop_id=shop).order_by("-issued_at")
            stray = here.filter(
                attached_at=None, gross_cents__gt=0, issued_at__gt=now - _RECENT
            ).first()
            known = here.filter(member__state=Member.State.ACTIVE).first()
            if stray is None or known is None or known.member_id is None:
                continue
            off_cents = told.pop(0)
            matching.claim(
                self.association, shop, known.member_id,
                at=min(stray.issued_at + _CLAIMED_AFTER, now), actor=self.staff[shop].actor(0),
                amount_cents=None if off_cents is None else stray.gross_cents + off_cents,
            )  # fmt: skip
            if not told:
                break
