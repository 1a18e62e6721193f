"""The shop for which captures are replayed, its sensor in the hub, and the sensor's key."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction
from nacl.signing import SigningKey

from chaland.hub.association.models import Association, Shop, Zone
from chaland.hub.footfall import charters, services
from chaland.hub.footfall.models import Batch, Cell, DayFigure, DwellDay, Measurement, Sensor
from chaland.hub.footfall.services import account
from chaland.hub.footfall.services.trial import sign_trial_charter
from chaland.wire.charter import fingerprint
from chaland.wire.signature import sensor_identifier

LABEL = "replay"


@dataclass(frozen=True)
class Place:
    """A shop with its replay sensor."""

    shop_id: int
    slug: str
    timezone: ZoneInfo
    sensor_id: int
    key: SigningKey


def open_place(slug: str, timezone: ZoneInfo | None, *, again: bool) -> Place:
    """Return the shop's place; makes an association for it where there is none at all.

    ``again`` forgets what earlier replays stored for this shop. Raises click.ClickException for
    what is no short name, or not that of a shop.
    """
    try:
        validate_slug(slug)
    except ValidationError:
        raise click.ClickException(
            f"--shop {slug!r} is no short name: write it with letters a-z, digits, - and _ only."
        ) from None
    shop = _shop(slug, timezone)
    _refuse_a_town_that_measures(shop.association_id)
    if again:
        _forget(shop.pk)
    key = _key(f"shop-{shop.pk}", again=again)
    sensor = _sensor(shop.pk, bytes(key.verify_key))
    _charter(shop.association_id, sensor)
    return Place(shop.pk, slug, ZoneInfo(shop.association.timezone), sensor.pk, key)


def _shop(slug: str, timezone: ZoneInfo | None) -> Shop:
    shop = Shop.objects.select_related("association").filter(slug=slug).first()
    if shop is None and not Association.objects.exists():
        zone_name = (timezone or ZoneInfo("Europe/Paris")).key
        association = Association.objects.create(
            name="Replay", town="Replay", timezone=zone_name, guide_finished_at=datetime.now(UTC)
        )
        zone = Zone.objects.create(association=association, name="Replay", slug="replay")
        shop = Shop.objects.create(association=association, zone=zone, name=slug, slug=slug)
    if shop is None:
        known = ", ".join(Shop.objects.values_list("slug", flat=True)[:40])
        raise click.ClickException(f"there is no shop {slug}; the shops are: {known}.")
    if shop.association.simulated:
        raise click.ClickException(
            "this installation holds a simulated town, and real captures don't belong there: "
            "set CHALAND_STATE_DIR to another folder."
        )
    return shop


def _key(name: str, *, again: bool = False) -> SigningKey:
    """Return a replay's key by its name; made once, readable by its owner only."""
    folder = settings.STATE_DIR / "replay"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{name}.key"
    if again:
        path.unlink(missing_ok=True)
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(bytes(SigningKey.generate()))
    return SigningKey(path.read_bytes())


def _sensor(shop_id: int, public_key: bytes) -> Sensor:
    return Sensor.objects.get_or_create(
        identifier=sensor_identifier(public_key),
        defaults={
            "shop_id": shop_id,
            "public_key": public_key,
            "label": LABEL,
            "enrolled_at": datetime.now(UTC),
        },
    )[0]


def _charter(association_id: int, sensor: Sensor) -> None:
    """Let the hub take what the replay's sensor says, by a charter that lists no real sensor."""
    charter = charters.current(association_id)
    if charter and charter.sensor(sensor.identifier) and not charters.is_outdated(charter):
        return
    replayed = Sensor.objects.filter(label=LABEL, revoked_at=None)
    only = list(replayed.filter(shop_id__in=_shops_of(association_id)))
    sign_trial_charter(association_id, _key("town"), datetime.now(UTC), only)


def _refuse_a_town_that_measures(association_id: int) -> None:
    """Keep recordings out of a town with sensors or a charter of its own: nothing is written."""
    town_key = fingerprint(bytes(_key("town").verify_key))
    measured = Measurement.objects.filter(association_id=association_id).exclude(town_key=town_key)
    real = Sensor.objects.filter(shop_id__in=_shops_of(association_id)).exclude(label=LABEL)
    if measured.exists() or real.exists():
        raise click.ClickException(
            "replayed captures don't belong into a town that measures: set CHALAND_STATE_DIR to "
            "another folder."
        )


def _shops_of(association_id: int) -> list[int]:
    return list(Shop.objects.filter(association=association_id).values_list("pk", flat=True))


def _forget(shop_id: int) -> None:
    sensors = Sensor.objects.filter(shop_id=shop_id, label=LABEL)
    with transaction.atomic(using="footfall"):
        for model in (Batch, Cell, DwellDay):
            model.objects.filter(sensor__in=sensors).delete()
        sensors.delete()
        DayFigure.objects.filter(shop_id=shop_id).delete()
        services.rebuild_figures([shop_id])  # of what the shop's real sensors sent
        account.rebuild([shop_id])
