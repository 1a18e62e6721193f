"""Founds the demo's association in the hub, and enrols a simulated box in each shop."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nacl.signing import SigningKey

from chaland.demo import cast
from chaland.hub.association.models import Association, OpeningHours, Shop, StaffRole, User, Zone
from chaland.hub.association.shop_csv import slug_of
from chaland.hub.footfall.models import Measurement, Sensor
from chaland.hub.footfall.services import agreements, enrolment
from chaland.hub.footfall.services.trial import sign_trial_charter
from chaland.simulate.air import TIMEZONE
from chaland.simulate.town import Town
from chaland.wire import enrolment as wire
from chaland.wire.charter import fingerprint

_MEASURED_SINCE = timedelta(days=400)
_MEASURED_FOR = timedelta(days=300)


@dataclass(frozen=True)
class Place:
    """A shop of the drawn town as the hub knows it."""

    slug: str
    shop_id: int
    sensor_id: int


def found(town: Town, now: datetime) -> dict[str, int]:
    """Make association, zones, shops, hours and staff; return shop ids by slug."""
    association = Association.objects.create(
        name=town.association,
        town=town.name,
        timezone=TIMEZONE.key,
        simulated=True,
        guide_finished_at=now,
    )
    zones = {
        name: Zone.objects.create(association=association, name=name, slug=slug_of(name))
        for name in town.zones
    }
    shops = {
        drawn.slug: Shop.objects.create(
            association=association,
            zone=zones[drawn.zone],
            name=drawn.name,
            slug=drawn.slug,
            trade=drawn.trade,
            latitude=drawn.latitude,
            longitude=drawn.longitude,
        )
        for drawn in town.shops
    }
    _open(town, shops)
    for member in cast.staff(len(town.shops)):
        user = User.objects.create_user(member.email, cast.PASSWORD, name=member.name)
        StaffRole.objects.create(
            user=user,
            association=association,
            role=StaffRole.Role.SHOPKEEPER if member.shop else StaffRole.Role.DIRECTOR,
            shop=shops[member.shop] if member.shop else None,
        )
    return {slug: shop.pk for slug, shop in shops.items()}


def _open(town: Town, shops: Mapping[str, Shop]) -> None:
    OpeningHours.objects.bulk_create(
        OpeningHours(shop=shops[drawn.slug], weekday=opening.weekday, opens=opens, closes=closes)
        for drawn in town.shops
        for opening in drawn.openings
        for opens, closes in [opening.times()]
    )


def enrol(shops: Mapping[str, int], now: datetime) -> dict[str, SigningKey]:
    """Make each shop's box a sensor as a technician would: code, key, proof. Return the keys."""
    keys = {}
    for slug, shop_id in shops.items():
        key = SigningKey(secrets.token_bytes(32))
        code = enrolment.create_enrolment_code(shop_id, "simulé", now)
        enrolment.redeem(wire.request(key, code), now)
        keys[slug] = key
    return keys


def sign_charter(now: datetime, url: str) -> None:
    """Sign the invented town's charter with a key that is thrown away: it never changes."""
    association = Association.objects.get()
    key = SigningKey(secrets.token_bytes(32))
    Measurement.objects.create(
        association_id=association.pk,
        controller=association.name,
        contact="vie-privee@bellerive.example",
        purpose="Connaître les heures et les lieux de passage du centre-ville",
        public_page=f"{url}/privacy/{association.pk}/",
        ends_on=now.date() + _MEASURED_FOR,
        town_key=fingerprint(bytes(key.verify_key)),
    )
    agreed_on = now.date() - _MEASURED_SINCE
    for shop in Shop.objects.all():
        agreements.agree(shop.pk, shop.name, agreed_on)
        agreements.notice_shown(shop.pk, agreed_on)
    sign_trial_charter(association.pk, key, now)


def places() -> list[Place]:
    """Return the demo's shops that have a sensor, in the order of their ids."""
    slugs = dict(Shop.objects.values_list("pk", "slug"))
    rows = Sensor.objects.order_by("shop_id").values_list("shop_id", "pk")
    return [Place(slugs[shop_id], shop_id, sensor_id) for shop_id, sensor_id in rows]
