"""Of a sale's town: its calendar days, and the department whose sale periods hold there."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from chaland.hub.association.models import Association
from chaland.hub.loyalty.models import PrivateSale

EARLY = timedelta(minutes=30)
"""So long before a sale begins its guests may be checked in: they stand at the door."""


def zone_of(association_id: int) -> ZoneInfo:
    """Return an association's time zone."""
    return ZoneInfo(Association.objects.values_list("timezone", flat=True).get(pk=association_id))


def department_of(association_id: int) -> str:
    """Return an association's department (INSEE code), empty where it isn't told."""
    return Association.objects.values_list("department", flat=True).get(pk=association_id)


def days_of(sale: PrivateSale) -> tuple[date, date]:
    """Return the first and the last calendar day of a sale, where it is."""
    return days_between(sale.starts_at, sale.ends_at, zone_of(sale.association_id))


def days_between(starts: datetime, ends: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """Return the first and the last calendar day of a time; its end, if midnight, is no day."""
    last = ends - timedelta(microseconds=1)
    return starts.astimezone(zone).date(), last.astimezone(zone).date()
