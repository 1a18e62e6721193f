"""The charter in force in each town. Read on each summary, so each document is decoded once."""

from collections.abc import Sequence
from datetime import date
from functools import cache, lru_cache

from chaland.hub.footfall.models import Agreement, Charter, Sensor
from chaland.wire import charter as wire
from chaland.wire.mechanism import annex_digest


def newest(association_id: int) -> Charter | None:
    """Return a town's newest stored charter, None before the first."""
    return Charter.objects.filter(association_id=association_id).order_by("-version").first()


def current(association_id: int) -> wire.Charter | None:
    """Return a town's newest charter, decoded; its signature was verified when it was received."""
    stored = newest(association_id)
    return read(stored.document) if stored else None


@lru_cache(maxsize=32)
def read(document: str) -> wire.Charter:
    """Decode a stored document."""
    return wire.decode(document.encode("ascii"))


@cache
def software_annex() -> str:
    """Return the digest of the mechanism that this software judges by."""
    return annex_digest()


def is_outdated(charter: wire.Charter) -> bool:
    """Tell whether the charter (and the impact assessment) describes another mechanism."""
    return charter.annex_sha256 != software_annex()


def outdated_towns() -> list[int]:
    """List the towns whose newest charter describes another mechanism: they count nothing."""
    towns = Charter.objects.order_by().values_list("association_id", flat=True).distinct()
    return [town for town in towns if (charter := current(town)) and is_outdated(charter)]


def taking_part(charter: wire.Charter | None, today: date) -> dict[str, Sensor]:
    """Return the sensors that may count and exchange keys today, by name.

    The charter lists them, is not past its end and describes this software's mechanism; they are
    not revoked, and their shops have not withdrawn.
    """
    if charter is None or is_outdated(charter) or today > charter.ends_on:
        return {}
    return agreed(charter)


def agreed(charter: wire.Charter) -> dict[str, Sensor]:
    """Return the sensors that a charter lists, are not revoked, and whose shops still agree."""
    names = [each.sensor for each in charter.sensors]
    found = Sensor.objects.filter(identifier__in=names, revoked_at=None)
    withdrawn = withdrawn_shops([sensor.shop_id for sensor in found])
    return {each.identifier: each for each in found if each.shop_id not in withdrawn}


def withdrawn_shops(shop_ids: Sequence[int]) -> set[int]:
    """Return which of some shops have no agreement that holds."""
    held = Agreement.objects.filter(shop_id__in=shop_ids, withdrawn_on=None)
    return set(shop_ids) - set(held.values_list("shop_id", flat=True))


def still_listening(charter: wire.Charter | None) -> dict[int, str]:
    """Return the shops that withdrew and whose sensors the charter still lets listen, by primary
    key, each with its name in the charter. The hub refuses what they send; the boxes stop with the
    next charter."""
    names = {each.sensor: each.shop for each in charter.sensors} if charter else {}
    found = Sensor.objects.filter(identifier__in=list(names), revoked_at=None)
    shops = {sensor.shop_id: names[sensor.identifier] for sensor in found}
    withdrawn = withdrawn_shops(list(shops))
    return {shop_id: name for shop_id, name in shops.items() if shop_id in withdrawn}


def listed_in(charter: wire.Charter, shop_id: int) -> int:
    """Return how many sensors of a shop the charter lists that are not revoked."""
    names = [each.sensor for each in charter.sensors]
    here = Sensor.objects.filter(shop_id=shop_id, revoked_at=None, identifier__in=names)
    return here.count()
