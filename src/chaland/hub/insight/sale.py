"""A private sale's hours: the shop's published visits beside its receipts, and as usual before."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from chaland.hub.footfall.figures import beside
from chaland.hub.footfall.figures.beside import Beside, Seen, Why
from chaland.hub.insight.rules import Conversion, conversion
from chaland.hub.loyalty.figures import sales
from chaland.hub.loyalty.figures.sales import HourlyReceipts, Place


@dataclass(frozen=True, slots=True)
class Side:
    """The hours of which visits are published, and the purchases in the same hours.

    ``receipts`` is None where too few members stand behind them for the viewer, and to others than
    the shop until the sale is over: by looking again each hour they would see its single hours.
    """

    hours: int
    visits: beside.Hours
    receipts: int | None
    conversion: Conversion | None


@dataclass(frozen=True, slots=True)
class ShopHours:
    """One shop of a sale. ``why`` says why its visits can't be read, if so; ``cut`` that hours at
    either end aren't whole, and left out."""

    place: Place
    why: Why
    during: Side
    before: Side
    rows: list[tuple[Seen, int]]
    """Hour by hour, with the purchases; for the shop alone."""
    cut: bool

    @property
    def change(self) -> int | None:
        """Return 1, 0 or -1 (`Conversion.against`); None where either can't be read."""
        during, before = self.during.conversion, self.before.conversion
        return during.against(before) if during and before else None


def shop_hours(place: Place, timezone: ZoneInfo, now: datetime) -> ShopHours:
    """Set one shop's hours side by side; of a sale that runs, those that are over."""
    end = min(place.ends_at, now)
    hours = beside.clock_hours(place.starts_at, end, timezone)
    found: Beside = beside.beside(place.shop_id, hours, timezone)
    during = sales.receipts(place.shop_id, hours)
    published = sales.receipts(place.shop_id, found.hours.published)
    before = sales.receipts(place.shop_id, found.before.published)
    rows = [(seen, during.each[seen.start]) for seen in found.hours.each] if place.own else []
    return ShopHours(
        place,
        found.why,
        _side(found.hours, published, place, now),
        _side(found.before, before, place, now),
        rows,
        cut=len(hours) * 3600 < (end - place.starts_at).total_seconds(),
    )


def _side(visits: beside.Hours, receipts: HourlyReceipts, place: Place, now: datetime) -> Side:
    told = receipts.total if place.own else None
    if not place.own and now >= place.ends_at:
        told = receipts.told
    rate = None if told is None else conversion(told, visits.total)
    return Side(len(visits.published), visits, told, rate)
