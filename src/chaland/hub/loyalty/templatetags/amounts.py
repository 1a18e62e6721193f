"""Money, quantities and tax rates in templates: from cents, thousandths and hundredths of 1 %."""

from collections.abc import Mapping, Sequence

from django import template
from django.utils.formats import number_format

from chaland.hub.loyalty.programmes import words
from chaland.hub.loyalty.receipts.shapes import Earned

register = template.Library()


@register.filter
def money(cents: int | None) -> str:
    """Write an amount of euro, a dash for none."""
    return "–" if cents is None else words.money(cents)


@register.filter
def pieces(milli: int) -> str:
    """Write a quantity without needless zeros: 1500 is 1.5."""
    return _plain(milli, 1_000, 3)


@register.filter
def tax_rate(permyriad: int) -> str:
    """Write a tax rate: 550 is 5.5 %."""
    return f"{_plain(permyriad, 100, 2)}\u00a0%"


def _plain(value: int, scale: int, places: int) -> str:
    whole, rest = divmod(abs(value), scale)
    text = f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".")
    return (words.MINUS if value < 0 else "") + number_format(text, use_l10n=True)


@register.filter
def earned_by(earned: Mapping[int, Sequence[Earned]], receipt_id: int) -> Sequence[Earned]:
    """Pick what one receipt earned."""
    return earned.get(receipt_id, ())
