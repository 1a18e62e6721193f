"""Why what was asked of a private sale can't be done: a code for machines, a text for people."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: Mapping[str, Promise] = {
    "no-sale": _("There is no such private sale here."),
    "no-slot": _("There is no such slot in this sale."),
    "no-shop": _("This shop doesn’t take part in this sale."),
    "no-member": _("There is no such member, or the account rests."),
    "no-invitation": _("This is no invitation that holds: look the customer up instead."),
    "codes": _("Too many wrong codes: wait for an hour."),
    "not-draft": _("This sale is announced: it can no longer be changed like this."),
    "not-open": _("This sale is not open."),
    "not-begun": _("This sale hasn’t begun."),
    "over": _("This sale is over."),
    "past": _("The sale ends in the past: choose other days."),
    "days": _("A sale ends after it begins, and within 31 days."),
    "name": _("Give it a name of at most 80 letters."),
    "slot-times": _("A slot lies within the sale, and ends after it begins."),
    "capacity": _("A slot has between 1 and 10,000 places."),
    "taken": _("More members than that have a place already."),
    "no-offers": _("Add an offer first: there is nothing to announce."),
    "no-offer": _("There is no such offer of this shop here."),
    "no-shops": _("No shop has agreed to take part."),
    "blocked": _("This offer can’t be announced: {offer}."),
    "soldes-word": _(
        "The word “{word}” is reserved for the legal sale periods: write “vente privée”."
    ),
    "offer-what": _("An offer is for an article, for a product group, or for all."),
    "offer-how": _("Give one of: percent off, member price, ladder."),
    "percent": _("Percent off are between 1 and 99."),
    "ladder": _("A ladder rises: more articles, more percent, at most 50."),
    "price": _("A member price is for an article or a group, and more than 0."),
    "cost": _("What the goods had cost is a sum in euro, such as 1 250,00."),
    "least": _("The least purchase of an offer is more than 0."),
    "door-closed": _("Newcomers can’t join this sale at the door."),
    "full": _("This slot is full, and you keep the place that you have."),
    "slot-past": _("This slot is over."),
    "choose-slot": _("Choose one of the sale’s slots."),
    "bad-price": _("A price is a whole number of cents, and its day not in the future."),
    "article": _("An article has a number of at most 64 signs and a name of at most 120."),
}  # fmt: skip


class SaleErrorFinal(Exception):
    """What was asked can't be done. ``code`` is a key of ``REASONS``; the text is translated.

    ``told`` fills the text's braces; ``offer_id`` names the offer to correct, if it is one.
    """

    def __init__(self, code: str, offer_id: int | None = None, **told: str) -> None:
        super().__init__(code)
        self.code = code
        self.offer_id = offer_id
        self.told = told

    def __str__(self) -> str:
        return str(REASONS[self.code]).format(**self.told)
