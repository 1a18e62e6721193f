"""One batch of receipts: what is new goes in at once, what is there already is answered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Member, Receipt
from chaland.hub.loyalty.programmes import services as programmes
from chaland.hub.loyalty.receipts import checks, locking, returning, rows, rules, whose
from chaland.hub.loyalty.receipts.attaching import as_it_is, attach
from chaland.hub.loyalty.receipts.rows import Ready
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.receipts.shapes import Earned, ReceiptIn, Taken

Key = tuple[int, str, str]


@dataclass(frozen=True)
class Parts:
    """A receipt of the batch, as `rules.parts` splits it. ``digest`` is of all that was said."""

    place: int
    digest: str
    main: ReceiptIn
    back: ReceiptIn | None = None

    @property
    def key(self) -> Key:
        return (self.main.shop_id, self.main.source, self.main.external_id)


class Batch:
    """One call of take_in."""

    def __init__(self, receipts: Sequence[ReceiptIn], raw_id: int | None) -> None:
        self.receipts = receipts
        self.raw_id = raw_id
        self.now = clock.now()
        self.answers: dict[int, Taken] = {}
        wanted = {r.member_id for r in receipts if r.member_id is not None}
        self.members = whose.members(wanted) if wanted else {}

    def take(self) -> list[Taken]:
        fresh, again = self._sorted_out(self._checked())
        returns, late = [parts.back for parts in fresh if parts.back], self._late(again)
        if returns or late:
            locking.lock(returns, late, {member.pk for member in self.members.values()})
        plain = [parts for parts in fresh if parts.back is None]
        if plain:
            self._purchases(plain)
        for parts in fresh:
            if parts.back is not None:
                self._with_return(parts, parts.back)
        for parts, first in again:
            self.answers[parts.place] = self._repeated(parts, first)
        return [self.answers[place] for place in range(len(self.receipts))]

    def _late(self, again: Sequence[tuple[Parts, Key]]) -> list[int]:
        """Return the receipts that are here without a member, and that may get one now."""
        told = [
            self.known[key] for parts, key in again if key in self.known and parts.main.member_id
        ]
        return [receipt.pk for receipt in told if receipt.attached_at is None]

    def _checked(self) -> list[Parts]:
        good = []
        for place, receipt in enumerate(self.receipts):
            try:
                checks.check(receipt, self.now)
            except ReceiptErrorFinal as error:
                self.answers[place] = _refused(error)
            else:
                good.append(Parts(place, rules.digest(receipt), *rules.parts(receipt)))
        return good

    def _sorted_out(self, batch: list[Parts]) -> tuple[list[Parts], list[tuple[Parts, Key]]]:
        """Part what is new from what is there already, or comes twice in this batch."""
        self.known = self._stored(batch)
        fresh: dict[Key, Parts] = {}
        again = []
        for parts in batch:
            if parts.key in self.known or parts.key in fresh:
                again.append((parts, parts.key))
            else:
                fresh[parts.key] = parts
        codes = {rules.read_code(p.main.code) for p in fresh.values() if p.main.code}
        self.codes = set(
            Receipt.objects.filter(
                association_id__in={r.association_id for r in self.receipts}, code__in=codes
            ).values_list("association_id", "code")
        ) if codes else set()  # fmt: skip
        return [parts for parts in fresh.values() if self._code_is_free(parts)], again

    def _stored(self, batch: list[Parts]) -> dict[Key, Receipt]:
        keys = [parts.key for parts in batch]
        found = Receipt.objects.filter(
            shop_id__in={key[0] for key in keys},
            source__in={key[1] for key in keys},
            external_id__in={key[2] for key in keys},
        )
        return {(r.shop_id, r.source, r.external_id): r for r in found}

    def _code_is_free(self, parts: Parts) -> bool:
        code = rules.read_code(parts.main.code)
        if not code:
            return True
        if (parts.main.association_id, code) in self.codes:
            text = _("code: it is on another receipt already. Draw a random one, or send none.")
            self.answers[parts.place] = _refused(ReceiptErrorFinal("code", text))
            return False
        self.codes.add((parts.main.association_id, code))
        return True

    def _ready(self, said: ReceiptIn, digest: str) -> tuple[Ready, tuple[str, str]]:
        """Say whose a purchase is, and what was against it."""
        if said.member_id is None:
            return Ready(said, digest), ("", "")
        member = self.members.get(said.member_id)
        against = whose.obstacle(member, said.association_id)
        if member is None or against:
            return Ready(said, digest), against or ("", "")
        return Ready(said, digest, member.pk), ("", "")

    def _purchases(self, batch: list[Parts]) -> None:
        """Write new purchases, all at once."""
        ready = [self._ready(parts.main, parts.digest) for parts in batch]
        # In one order in all batches: else two that bring the same receipts wait for each other.
        order = sorted(range(len(batch)), key=lambda place: batch[place].key)
        written = rows.write([ready[place][0] for place in order], self.raw_id, self.now)
        by_place = dict(zip(order, written, strict=True))
        receipts = [by_place[place] for place in range(len(batch))]
        earned = self._award(receipts)
        for receipt in returning.awaited(receipts):
            earned.setdefault(receipt.returns_id or 0, []).extend(returning.take_back(receipt))
        for parts, receipt, (_one, (error, reason)) in zip(batch, receipts, ready, strict=True):
            self.known[parts.key] = receipt
            self.answers[parts.place] = Taken(
                "new", receipt.pk, reason, error, receipt.code, tuple(earned.get(receipt.pk, ()))
            )

    def _award(self, receipts: Sequence[Receipt]) -> dict[int, list[Earned]]:
        mine = [receipt for receipt in receipts if receipt.member_id is not None]
        if not mine:
            return {}
        by_number: dict[int, Member] = {member.pk: member for member in self.members.values()}
        for receipt in mine:
            receipt.member = by_number[receipt.member_id or 0]
        earned = {key: list(value) for key, value in programmes.award(mine).items()}
        whose.bought(mine, by_number.values())
        return earned

    def _with_return(self, parts: Parts, said: ReceiptIn) -> None:
        """Write a return or an exchange, or refuse it whole."""
        exchange = parts.main is not said
        try:
            with transaction.atomic(using="loyalty"):
                if exchange:
                    self._purchases([replace(parts, back=None)])
                back, earned = returning.write(said, parts.digest, self.raw_id, self.now)
        except ReceiptErrorFinal as error:
            self.known.pop(parts.key, None)
            self.answers[parts.place] = _refused(error)
            return
        if exchange:
            first = self.answers[parts.place]
            self.answers[parts.place] = replace(first, earned=(*first.earned, *earned))
        else:
            self.known[parts.key] = back
            self.answers[parts.place] = Taken("new", back.pk, code=back.code, earned=tuple(earned))

    def _repeated(self, parts: Parts, key: Key) -> Taken:
        """Answer what is there already; a member who is told only now gets the purchase."""
        receipt = self.known.get(key)
        if receipt is None:  # the first of two in this batch was refused, for the same reason
            return next(
                self.answers[p] for p, r in enumerate(self.receipts)
                if (r.shop_id, r.source, r.external_id) == key and p in self.answers
            )  # fmt: skip
        if receipt.content_digest != parts.digest:
            text = _("This number was used for another receipt. Nothing was changed.")
            return Taken("conflict", receipt.pk, text, "conflict", receipt.code)
        asked = parts.main.member_id
        member = self.members.get(asked) if asked is not None else None
        if parts.main is parts.back or member is None or member.pk == receipt.member_id:
            return as_it_is(receipt)
        if receipt.attached_at is not None:
            text = _("This receipt is another member’s. Nothing was changed.")
            return Taken("conflict", receipt.pk, text, "attached", receipt.code)
        return self._attached_now(receipt, member, parts.main)

    def _attached_now(self, receipt: Receipt, member: Member, said: ReceiptIn) -> Taken:
        if receipt.attached_times:  # it was attached and undone: a late repetition changes nothing
            return as_it_is(receipt)
        how = said.attached_how or Receipt.How.TILL
        try:
            made = attach(receipt.pk, member.pk, how, said.actor, self.now)
        except ReceiptErrorFinal as error:
            return Taken("repeated", receipt.pk, str(error), error.code, receipt.code)
        return replace(made, outcome="repeated")


def _refused(error: ReceiptErrorFinal) -> Taken:
    """Return the answer to a receipt that can't be taken."""
    return Taken("refused", reason=str(error), error=error.code)
