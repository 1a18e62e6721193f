"""Private sales as their pages say them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Offer, PrivateSale
from chaland.hub.loyalty.sales import offers
from chaland.hub.loyalty.sales.legal import Rule
from chaland.hub.loyalty.till.private_sales import terms

ROWS_AT_MOST = 100
"""Articles of one offer on a page; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """An article of an offer: its prices, and since when the reference has held."""

    name: str
    member_cents: int | None
    reference_cents: int | None
    since: date | None
    missing: tuple[date, date] | None


@dataclass(frozen=True, slots=True)
class Reduced:
    """An offer with its proof."""

    offer: Offer
    terms: str
    rows: Sequence[Row]
    more: int
    why: str
    """Why it can't be announced; empty: it can."""
    deep: bool


def dates(sale: PrivateSale) -> str:
    """Say when a sale is: one day with its hours, or from when to when."""
    first, last = localtime(sale.starts_at), localtime(sale.ends_at)
    told = {
        "first": date_format(first, "l j F"),
        "last": date_format(last, "l j F"),
        "from": date_format(first, "TIME_FORMAT"),
        "until": date_format(last, "TIME_FORMAT"),
    }
    if first.date() == last.date():
        return _("%(first)s, from %(from)s to %(until)s") % told
    return _("from %(first)s, %(from)s, to %(last)s, %(until)s") % told


def day(at: datetime) -> str:
    """Write a day: jeudi 3 décembre."""
    return date_format(localtime(at), "l j F")


def reduced(found: Iterable[Offer]) -> list[Reduced]:
    """Return offers with their proofs as they were checked last."""
    return [
        Reduced(
            offer,
            terms(offer),
            [_row(row) for row in offer.proof[:ROWS_AT_MOST]],
            max(0, offer.articles - ROWS_AT_MOST),
            offers.why_blocked(offer),
            offers.is_deep(offer),
        )
        for offer in found
    ]


def priced(sale: PrivateSale, shop_id: int) -> list[dict[str, Any]]:
    """Return what a shop reduces, as a customer reads it."""
    return [_priced(offer) for offer in offers.standing(sale, shop_id)]


def _priced(offer: Offer) -> dict[str, Any]:
    steps, rows = len(offer.ladder or [1]), offers.priced(offer)
    untold = offer.articles - len(offer.proof)
    return {
        "offer": offer,
        "terms": terms(offer),
        "rows": rows[: ROWS_AT_MOST * steps],
        "more": untold + max(0, len(rows) // steps - ROWS_AT_MOST),
    }


def rule(found: Rule) -> str:
    """Say what a sale runs against."""
    return {
        Rule.WORD: _("The word “soldes” is reserved for the legal sale periods."),
        Rule.LONG: _("It is long: a private sale lasts some days at most."),
        Rule.OFTEN: _("Too many days of private sales within a year: they must stay occasional."),
        Rule.IN_SOLDES: _("It lies in a legal period of soldes: say clearly that it is none."),
    }[found]


def _row(row: dict[str, Any]) -> Row:
    missing = row["missing"]
    return Row(
        row["name"],
        row["member_cents"],
        row["cents"],
        date.fromisoformat(row["since"]) if row["since"] else None,
        (date.fromisoformat(missing[0]), date.fromisoformat(missing[1])) if missing else None,
    )
