"""A line of the page on which an offer is typed, until it is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Offer
from chaland.hub.loyalty.sales import price_csv, prices
from chaland.hub.loyalty.sales.offers import OfferIn
from chaland.hub.loyalty.sales.prices import Named

OFFERS, STEPS = 5, 3
_STEPS_AT_MOST = 10
PERCENT, PRICE, LADDER = "percent", "price", "ladder"
ALL, ITEM, _GROUP = "all", "item", "group:"
Step = tuple[str, str]


@dataclass(frozen=True, slots=True)
class OfferRow:
    """``what`` is ``all``, ``group:…`` or ``item`` (then ``article`` is what was typed for it);
    empty: not used. ``steps``: from so many articles on, so many percent."""

    what: str = ""
    article: str = ""
    how: str = PERCENT
    amount: str = "20"
    exception: str = ""
    steps: Sequence[Step] = ()
    least: str = ""
    once: bool = False
    stock: bool = False

    @property
    def steps_shown(self) -> list[Step]:
        return [*self.steps, *[("", "")] * (STEPS - len(self.steps))]

    @property
    def conditional(self) -> bool:
        return bool(self.least or self.once or self.stock or self.exception)

    @property
    def group(self) -> str:
        return self.what.removeprefix(_GROUP) if self.what.startswith(_GROUP) else ""

    @property
    def name(self) -> str:
        """What it is of, before it is known whether there is such an article."""
        return self.article[:80] if self.what == ITEM else self.group or _("Everything")

    def told(self, shop_id: int) -> OfferIn:
        """Return the offer; ValueError, in words, where a number is none, or no article meant."""
        named = prices.meant(shop_id, self.article) if self.what == ITEM else None
        if self.what == ITEM and named is None:
            raise ValueError(_("No article is called so, or several are: choose one of the list."))
        if named is None and not self.group and self.what != ALL:
            raise ValueError(_("Choose what is reduced."))
        return OfferIn(
            name=(named.name if named else self.name)[:80],
            item_id=named.item_id if named else "",
            group=self.group,
            percent=_whole(self.amount) if self.how == PERCENT else None,
            price_cents=_cents(self.amount) if self.how == PRICE else None,
            ladder=self._ladder() if self.how == LADDER else None,
            least_cents=_cents(self.least) if self.least.strip() else None,
            once=self.once,
            while_stock=self.stock,
            exception=self.exception if self.exception in Offer.Excepted.values else "",
        )

    def _ladder(self) -> list[list[int]]:
        return [[_whole(n), _whole(p)] for n, p in self.steps if n.strip() or p.strip()]


def posted(data: QueryDict) -> list[OfferRow]:
    """Return the lines as they were sent."""
    return [
        OfferRow(
            data.get(f"what.{n}", ""),
            data.get(f"article.{n}", ""),
            data.get(f"how.{n}", PERCENT),
            data.get(f"amount.{n}", ""),
            data.get(f"exception.{n}", ""),
            _steps(data, n),
            data.get(f"least.{n}", ""),
            f"once.{n}" in data,
            f"stock.{n}" in data,
        )
        for n in range(OFFERS)
    ]


def of(offer: Offer) -> OfferRow:
    """Return the line of an offer as it was kept."""
    whole = f"{_GROUP}{offer.group}" if offer.group else ALL
    euro = price_csv.typed
    how, amount, steps = PERCENT, str(offer.percent), []
    if offer.price_cents is not None:
        how, amount = PRICE, euro(offer.price_cents)
    elif offer.ladder:
        how, amount = LADDER, ""
        steps = [(str(count), str(percent)) for count, percent in offer.ladder]
    return OfferRow(
        ITEM if offer.item_id else whole,
        Named(offer.item_id, offer.name, "").label if offer.item_id else "",
        how,
        amount,
        offer.exception,
        steps,
        "" if offer.least_cents is None else euro(offer.least_cents),
        offer.once,
        offer.while_stock,
    )


def _steps(data: QueryDict, row: int) -> list[Step]:
    found = [
        (data.get(f"count.{row}.{n}", ""), data.get(f"off.{row}.{n}", ""))
        for n in range(_STEPS_AT_MOST)
    ]
    return [step for step in found if any(step)]


def _whole(text: str) -> int:
    bare = text.replace("%", "").strip()
    if not (bare.isascii() and bare.isdecimal() and len(bare) < 6):
        told = {"amount": text[:40]}
        raise ValueError(_("“%(amount)s” is no whole number: write 20 for 20 percent.") % told)
    return int(bare)


def _cents(text: str) -> int:
    try:
        cents = price_csv.cents_of(text)
    except ValueError:
        cents = None
    if cents is None:
        told = {"amount": text[:40]}
        raise ValueError(_("“%(amount)s” is no price: write 79,90.") % told)
    return cents
