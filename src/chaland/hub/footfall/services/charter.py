"""The town's charter: what is missing for one, its draft, and the signed document.

The hub drafts, stores and relays it. It is signed with the town key, which the hub never sees: so
who breaks into the hub can stop the measurement, and can neither start nor widen it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from chaland.hub.association.models import Association, Shop
from chaland.hub.footfall import charters
from chaland.hub.footfall.models import Agreement, Charter, Measurement, Sensor
from chaland.hub.footfall.papers import notice
from chaland.wire import charter as wire
from chaland.wire.errors import WireErrorFinal
from chaland.wire.periods import local_day

_DATABASE = "footfall"


class CharterErrorFinal(ValueError):
    """A charter can't be drafted or taken. ``missing``: what is, in sentences, translated."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(" ".join(missing))
        self.missing = missing


@dataclass(frozen=True)
class ShopStatus:
    """What a shop's measurement rests on. ``missing``: sentences; empty if it may be listed.

    ``sensors`` are those that are enrolled and not revoked; ``listed`` says that the newest
    charter names one of them.
    """

    shop: Shop
    agreement: Agreement | None
    sensors: list[Sensor]
    missing: list[str]
    listed: bool


@dataclass(frozen=True)
class Status:
    """A town's standing. ``missing``: what a draft lacks; ``changed``: what one would change.

    ``days_left`` counts local days until the end of the measurement, today included; it is None
    without a charter and 0 after the end. ``outdated``: the charter describes another mechanism
    than this software's, so nothing is taken until a new one is signed.
    """

    charter: wire.Charter | None
    missing: list[str]
    changed: list[str]
    days_left: int | None
    outdated: bool
    ended: bool
    shops: list[ShopStatus]


def status(association_id: int, now: datetime) -> Status:
    """Say what a town's measurement rests on, and what is missing."""
    town = Association.objects.get(pk=association_id)
    today = local_day(now, ZoneInfo(town.timezone))
    charter = charters.current(association_id)
    shops = _shops(town, charter)
    missing, changed = [], []
    try:
        would = _draft(town, charter, shops, today)
        changed = _changes(charter, would) if charter else []
    except CharterErrorFinal as error:
        missing = error.missing
    left = max((charter.ends_on - today).days + 1, 0) if charter else None
    return Status(
        charter=charter,
        missing=missing,
        changed=changed,
        days_left=left,
        outdated=charter is not None and charters.is_outdated(charter),
        ended=left == 0,
        shops=shops,
    )


def draft(association_id: int, now: datetime) -> wire.Charter:
    """Return the town's next charter, unsigned: it lists each sensor that may be listed.

    Raises CharterErrorFinal, saying what is missing.
    """
    town = Association.objects.get(pk=association_id)
    charter = charters.current(association_id)
    today = local_day(now, ZoneInfo(town.timezone))
    return _draft(town, charter, _shops(town, charter), today)


def receive(association_id: int, body: bytes, now: datetime) -> Charter:
    """Store a signed charter: from now on it is in force.

    It must be signed by the key that the measurement names, be newer than the last, and say what a
    draft made now would say, of fewer sensors at most. Raises CharterErrorFinal.
    """
    try:
        charter = wire.decode(body.strip())
    except WireErrorFinal:
        problem = _(
            "This is no charter that can be read: give the file that “chaland charter sign” wrote."
        )
        raise CharterErrorFinal([problem]) from None
    _signed_by_the_town(association_id, charter)
    last = charters.current(association_id)
    if last is not None and charter.version <= last.version:
        numbers = {"version": charter.version, "last": last.version}
        raise CharterErrorFinal(
            [_("This is version %(version)d; version %(last)d is in force already.") % numbers]
        )
    _says_what_is_so(charter, draft(association_id, now))
    try:
        with transaction.atomic(using=_DATABASE):
            return Charter.objects.create(
                association_id=association_id,
                version=charter.version,
                document=wire.encode(charter).decode("ascii"),
                received_at=now,
            )
    except IntegrityError:
        raise CharterErrorFinal([_("Another charter came at this moment: look again.")]) from None


def _signed_by_the_town(association_id: int, charter: wire.Charter) -> None:
    if not charter.signature or not wire.is_signed(charter):
        raise CharterErrorFinal([_("The town key’s signature is missing, or wrong.")])
    measurement = Measurement.objects.filter(association_id=association_id).first()
    expected = measurement.town_key if measurement else ""
    if charter.fingerprint != expected:
        keys = {"found": charter.fingerprint, "expected": expected or "–"}
        raise CharterErrorFinal(
            [_("It is signed by the key %(found)s, not by the town’s, %(expected)s.") % keys]
        )


def _says_what_is_so(charter: wire.Charter, would: wire.Charter) -> None:
    wrong = [
        _("%(what)s changed after this charter was drafted.") % {"what": label}
        for name, label in _facts().items()
        if getattr(charter, name) != getattr(would, name)
    ]
    ready = {(each.sensor, each.agreed_on) for each in would.sensors}
    wrong += [
        _("It lists sensor %(sensor)s, which may not listen now.") % {"sensor": each.sensor}
        for each in charter.sensors
        if (each.sensor, each.agreed_on) not in ready
    ]
    if wrong:
        raise CharterErrorFinal([*wrong, _("Draft a new charter and sign that one.")])


def _facts() -> dict[str, str]:
    """Name what a charter says of the whole town, by its fields."""
    return {
        "town": _("The name of the town"),
        "controller": _("Who is responsible"),
        "contact": _("The contact"),
        "purpose": _("The purpose"),
        "public_page": _("The address of the public page"),
        "objection_network": _("The name of the objection network"),
        "ends_on": _("The last day of the measurement"),
        "annex_sha256": _("The mechanism"),
        "notice_sha256": _("The notice’s words"),
    }


def _changes(charter: wire.Charter, would: wire.Charter) -> list[str]:
    changed = [
        _("%(what)s changes.") % {"what": label}
        for name, label in _facts().items()
        if getattr(charter, name) != getattr(would, name)
    ]
    before = {each.sensor: each for each in charter.sensors}
    after = {each.sensor: each for each in would.sensors}
    for name, each in after.items():
        if name not in before:
            what = {"sensor": name, "shop": each.shop}
            changed.append(_("Sensor %(sensor)s (%(shop)s) is added.") % what)
        elif before[name] != each:
            what = {"shop": each.shop}
            changed.append(_("What it says of the shop %(shop)s changes.") % what)
    for name, each in before.items():
        if name not in after:
            what = {"sensor": name, "shop": each.shop}
            changed.append(_("Sensor %(sensor)s (%(shop)s) is taken off.") % what)
    return changed


def _draft(
    town: Association, last: wire.Charter | None, shops: list[ShopStatus], today: date
) -> wire.Charter:
    measurement = Measurement.objects.filter(association_id=town.pk).first()
    ready = [each for each in shops if not each.missing]
    missing = _town_misses(measurement, today)
    if not ready and last is None:
        missing.append(_("No shop is ready: sensor, agreement and notice belong together."))
    if missing or measurement is None:
        raise CharterErrorFinal(missing)
    charter = wire.Charter(
        version=last.version + 1 if last else 1,
        signed_on=today,
        town=town.town,
        controller=measurement.controller,
        contact=measurement.contact,
        purpose=measurement.purpose,
        public_page=measurement.public_page,
        objection_network=measurement.objection_network,
        ends_on=measurement.ends_on,
        annex_sha256=charters.software_annex(),
        notice_sha256=notice.digest(measurement),
        sensors=tuple(
            wire.CharterSensor(
                sensor.identifier, bytes(sensor.public_key), each.shop.name, agreement.agreed_on
            )
            for each in ready
            if (agreement := each.agreement) is not None
            for sensor in each.sensors
        ),
    )
    try:
        wire.encode(charter)
    except WireErrorFinal as error:
        problem = _("A charter can’t say this: %(error)s.") % {"error": error}
        raise CharterErrorFinal([problem]) from None
    return charter


def _town_misses(measurement: Measurement | None, today: date) -> list[str]:
    if measurement is None:
        return [_("What is measured, by whom and until when is not recorded yet.")]
    missing = []
    if not measurement.town_key:
        missing.append(_("The fingerprint of the town key is not recorded yet."))
    if measurement.ends_on < today:
        missing.append(_("The last day of the measurement is past."))
    return missing


def _shops(town: Association, charter: wire.Charter | None) -> list[ShopStatus]:
    shops = list(town.shops.order_by("name"))
    ids = [shop.pk for shop in shops]
    agreements = {row.shop_id: row for row in Agreement.objects.filter(shop_id__in=ids)}
    sensors: dict[int, list[Sensor]] = {shop.pk: [] for shop in shops}
    for sensor in Sensor.objects.filter(shop_id__in=ids, revoked_at=None).order_by("pk"):
        sensors[sensor.shop_id].append(sensor)
    measurement = Measurement.objects.filter(association_id=town.pk).first()
    words = notice.digest(measurement) if measurement else ""
    listed = {each.sensor for each in charter.sensors} if charter else set()
    return [
        ShopStatus(
            shop=shop,
            agreement=agreements.get(shop.pk),
            sensors=sensors[shop.pk],
            missing=_shop_misses(agreements.get(shop.pk), sensors[shop.pk], words),
            listed=any(sensor.identifier in listed for sensor in sensors[shop.pk]),
        )
        for shop in shops
    ]


def _shop_misses(agreement: Agreement | None, sensors: list[Sensor], words: str) -> list[str]:
    missing = [] if sensors else [_("No sensor is enrolled.")]
    if agreement is None:
        return [*missing, _("Its agreement is not recorded.")]
    if agreement.withdrawn_on is not None:
        return [*missing, _("Its agreement is withdrawn.")]
    if agreement.notice_shown_on is None:
        missing.append(_("Its notice is not put up yet."))
    elif agreement.notice_sha256 != words:
        missing.append(_("The notice has new words: print it and put it up anew."))
    return missing
