"""A charter for towns without real people in them, or with recordings only: the demo's, replays',
tests'. Whoever asks holds the town key, which a real hub never does.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from django.db import transaction
from nacl.signing import SigningKey

from chaland.hub.association.models import Association, Shop
from chaland.hub.footfall.models import Agreement, Charter, Measurement, Sensor
from chaland.hub.footfall.papers import notice
from chaland.hub.footfall.services import charter
from chaland.wire import charter as wire

AGREED_ON = date(2000, 1, 1)
"""Before whatever was recorded: replayed captures are old."""
ENDS_ON = date(2099, 12, 31)


@transaction.atomic(using="footfall")
def sign_trial_charter(
    association_id: int, town_key: SigningKey, now: datetime, only: Sequence[Sensor] | None = None
) -> Charter:
    """Record measurement, agreements and notices of all shops with a sensor; sign the next charter.

    ``only`` these sensors are listed, by default all. Raises CharterErrorFinal, and leaves nothing
    behind, where the town has another key: nobody's agreement may be invented there.
    """
    town = Association.objects.get(pk=association_id)
    measurement, _made = Measurement.objects.get_or_create(
        association_id=association_id,
        defaults={
            "controller": town.name,
            "contact": town.name,
            "purpose": "trial",
            "public_page": f"http://localhost:8000/privacy/{association_id}/",
            "ends_on": ENDS_ON,
            "town_key": wire.fingerprint(bytes(town_key.verify_key)),
        },
    )
    shops = Shop.objects.filter(association=town).values_list("pk", flat=True)
    listening = Sensor.objects.filter(shop_id__in=list(shops), revoked_at=None)
    listed = list(listening) if only is None else list(only)
    for shop_id in sorted({sensor.shop_id for sensor in listed}):
        Agreement.objects.get_or_create(
            shop_id=shop_id,
            defaults={
                "agreed_by": town.name,
                "agreed_on": AGREED_ON,
                "notice_shown_on": AGREED_ON,
                "notice_sha256": notice.digest(measurement),
            },
        )
    draft = charter.draft(association_id, now)
    names = {sensor.identifier for sensor in listed}
    sensors = tuple(each for each in draft.sensors if each.sensor in names)
    signed = wire.sign(replace(draft, sensors=sensors), town_key)
    return charter.receive(association_id, wire.encode(signed), now)
