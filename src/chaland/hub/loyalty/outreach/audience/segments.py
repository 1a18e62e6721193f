"""The closed list of criteria by which members may be chosen (L16), as data, checked and in SQL.

A campaign's criteria are a list of ``{"name": "bought_within", "days": 90}``; all must hold. A shop
chooses among its own customers by its own receipts only (L19). Criteria that look at purchases
choose only members who allow that (``Purpose.PORTRAIT``) to the campaign's controller: nobody
else's purchases are looked at. What is not listed here is refused. Words: ``segment_words``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from chaland.hub.association.models import Association, Shop
from chaland.hub.loyalty.consent.wordings import LANGUAGES
from chaland.hub.loyalty.models import (
    THE_ASSOCIATION,
    Account,
    Asset,
    Campaign,
    Channel,
    Lot,
    Member,
    Permission,
    Programme,
    Purpose,
    Receipt,
    Reward,
    ShopCustomer,
    Tier,
)
from chaland.hub.loyalty.programmes.facts import TIER_WINDOW

DAYS_MAX = 3 * 365
CENTS_MAX = 10_000_000
_IDS_MAX, _WORD_MAX, _CRITERIA_MAX = 100, 64, 8


class SegmentErrorFinal(ValueError):
    """Criteria can't be used. ``code``: ``unlisted``, ``parameter``, ``controller``, ``too-many``,
    ``too-few``; ``field`` names the criterion or its parameter."""

    def __init__(self, code: str, field: str, text: str) -> None:
        super().__init__(text)
        self.code, self.field = code, field


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``least`` to ``most``; ``unit``: ``days``, ``cents`` or empty."""

    least: int
    most: int
    unit: str = ""

    def holds(self, value: object) -> bool:
        return type(value) is int and self.least <= value <= self.most


@dataclass(frozen=True, slots=True)
class Word:
    """A text; one of ``among``, if that is given."""

    among: tuple[str, ...] = ()

    def holds(self, value: object) -> bool:
        if not isinstance(value, str) or not 0 < len(value) <= _WORD_MAX:
            return False
        return not self.among or value in self.among


@dataclass(frozen=True, slots=True)
class Ids:
    """Some numbers of ``what``: shops or zones."""

    what: str

    def holds(self, value: object) -> bool:
        if not isinstance(value, list) or not 0 < len(value) <= _IDS_MAX:
            return False
        return all(type(number) is int and number > 0 for number in value)


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom it is chosen, and when. ``timezone``: the town's."""

    association_id: int
    controller: int
    now: datetime
    timezone: ZoneInfo

    @property
    def shop_id(self) -> int | None:
        return None if self.controller == THE_ASSOCIATION else self.controller

    def bought(self, days: int) -> QuerySet[Receipt]:
        """Return the receipts that may be looked at, of the last days."""
        since = self.now - timedelta(days=days)
        rows = Receipt.objects.filter(
            association_id=self.association_id, issued_at__gte=since, issued_at__lte=self.now
        )
        return rows if self.shop_id is None else rows.filter(shop_id=self.shop_id)


Parameters = Mapping[str, Any]
Condition = Callable[[Scope, Parameters], Q]


@dataclass(frozen=True, slots=True)
class Kind:
    """A criterion: its parameters, whether it looks at purchases, whose it is, and its SQL."""

    parameters: Mapping[str, Whole | Word | Ids]
    condition: Condition
    purchases: bool = True
    association_only: bool = False


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion of the list with its parameters, checked."""

    name: str
    parameters: Parameters

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]


def _bought_within(scope: Scope, p: Parameters) -> Q:
    return _any_of(scope.bought(p["days"]).filter(gross_cents__gt=0))


def _not_bought_within(scope: Scope, p: Parameters) -> Q:
    return ~_bought_within(scope, p)


def _spent_at_least(scope: Scope, p: Parameters) -> Q:
    rows = scope.bought(p["days"]).values("member").annotate(found=Sum("gross_cents"))
    return _members_of(rows, p["cents"])


def _receipts_at_least(scope: Scope, p: Parameters) -> Q:
    rows = scope.bought(p["days"]).filter(gross_cents__gt=0).values("member")
    return _members_of(rows.annotate(found=Count("pk")), p["receipts"])


def _shops_at_least(scope: Scope, p: Parameters) -> Q:
    rows = scope.bought(p["days"]).filter(gross_cents__gt=0).values("member")
    return _members_of(rows.annotate(found=Count("shop_id", distinct=True)), p["shops"])


def _group_bought(scope: Scope, p: Parameters) -> Q:
    return _any_of(
        scope.bought(p["days"]).filter(
            lines__group=p["group"], lines__gross_cents__gt=0, lines__discount=False
        )
    )


def _shops_bought(scope: Scope, p: Parameters) -> Q:
    return _any_of(scope.bought(p["days"]).filter(shop_id__in=p["shops"], gross_cents__gt=0))


def _zones_bought(scope: Scope, p: Parameters) -> Q:
    shops = Shop.objects.filter(association=scope.association_id, zone__in=p["zones"])
    ids = list(shops.values_list("pk", flat=True))  # another database: no join
    return _shops_bought(scope, {**p, "shops": ids})


def _tier(scope: Scope, p: Parameters) -> Q:
    tier = (
        Tier.objects.select_related("programme")
        .filter(
            pk=p["tier"],
            programme__association_id=scope.association_id,
            programme__shop_id=scope.shop_id,
        )
        .first()
    )
    if tier is None:
        text = _("This tier isn’t one of your own programmes’: choose another.")
        raise SegmentErrorFinal("controller", "tier", text)
    same = {"days": TIER_WINDOW.days}
    if tier.measure == Tier.Measure.SPENT:
        return _spent_at_least(scope, {**same, "cents": tier.threshold})
    return _shops_at_least(scope, {**same, "shops": tier.threshold})


def stamps_left(scope: Scope, stamps: int) -> Q:
    """Return whose stamp card lacks at most so many, and isn't full."""
    cards = Programme.objects.filter(
        association_id=scope.association_id,
        shop_id=scope.shop_id,
        active=True,
        asset__kind=Asset.Kind.STAMPS,
        rewards__active=True,
        rewards__kind=Reward.Kind.STAMP,
    ).annotate(full=Min("rewards__cost"))
    found = Q(pk__in=[])
    for asset, full in cards.values_list("asset", "full"):
        near = Account.objects.filter(asset=asset, role=Account.Role.MEMBER).filter(
            balance__gte=F("held") + full - stamps, balance__lt=F("held") + full
        )
        found |= _any_of(near)
    return found


def _points_lapse(scope: Scope, p: Parameters) -> Q:
    tomorrow = scope.now.astimezone(scope.timezone).date() + timedelta(days=1)
    return lapsing(scope, tomorrow, tomorrow + timedelta(days=p["days"]))


def lapsing(scope: Scope, first: date, before: date) -> Q:
    """Return whose points or cents lapse on ``first`` or later, and before ``before``."""
    lots = Lot.objects.filter(
        left__gt=0,
        expires_on__gte=first,
        expires_on__lt=before,
        account__role=Account.Role.MEMBER,
        account__asset__association_id=scope.association_id,
        account__asset__shop_id=scope.shop_id,
        account__asset__kind__in=(Asset.Kind.POINTS, Asset.Kind.PURSE),
    )
    return Q(Exists(lots.filter(account__member=OuterRef("pk"))))


def _enrolled_within(scope: Scope, p: Parameters) -> Q:
    since = scope.now - timedelta(days=p["days"])
    if scope.shop_id is None:
        return Q(enrolled_at__gte=since)
    return _any_of(ShopCustomer.objects.filter(shop_id=scope.shop_id, since__gte=since))


def _birthday_month(scope: Scope, _p: Parameters) -> Q:
    return Q(birth_month=scope.now.astimezone(scope.timezone).month)


def _language(_scope: Scope, p: Parameters) -> Q:
    return Q(language=p["language"])


def _any_of(rows: QuerySet[Any]) -> Q:
    return Q(Exists(rows.filter(member=OuterRef("pk"))))


def _members_of(rows: QuerySet[Any, Any], least: int) -> Q:
    """Return the members whose ``found`` is as much; grouped once, not for each member."""
    return Q(pk__in=rows.filter(found__gte=least, member__isnull=False).values("member"))


_DAYS = Whole(1, DAYS_MAX, "days")
KINDS: Mapping[str, Kind] = {
    "bought_within": Kind({"days": _DAYS}, _bought_within),
    "not_bought_within": Kind({"days": _DAYS}, _not_bought_within),
    "spent_at_least": Kind(
        {"cents": Whole(100, CENTS_MAX, "cents"), "days": _DAYS}, _spent_at_least
    ),
    "receipts_at_least": Kind({"receipts": Whole(1, 1_000), "days": _DAYS}, _receipts_at_least),
    "group_bought": Kind({"group": Word(), "days": _DAYS}, _group_bought),
    "tier": Kind({"tier": Whole(1, 2**62)}, _tier),
    "shops_at_least": Kind(
        {"shops": Whole(2, 100), "days": _DAYS}, _shops_at_least, association_only=True
    ),
    "shops_bought": Kind(
        {"shops": Ids("shops"), "days": _DAYS}, _shops_bought, association_only=True
    ),
    "zones_bought": Kind(
        {"zones": Ids("zones"), "days": _DAYS}, _zones_bought, association_only=True
    ),
    "stamps_left": Kind(
        {"stamps": Whole(1, 20)}, lambda scope, p: stamps_left(scope, p["stamps"]), purchases=False
    ),
    "points_lapse": Kind({"days": Whole(1, 90, "days")}, _points_lapse, purchases=False),
    "enrolled_within": Kind({"days": _DAYS}, _enrolled_within, purchases=False),
    "birthday_month": Kind({}, _birthday_month, purchases=False),
    "language": Kind({"language": Word(LANGUAGES)}, _language, purchases=False),
}
"""All there is. Nothing here says where a member lives, how old, or what anybody else sold."""


def parse(criteria: object, controller: int) -> list[Criterion]:
    """Read criteria; SegmentErrorFinal where one isn't of the list, has a parameter too many, too
    few or out of bounds, or isn't for this controller (0: the association)."""
    if not isinstance(criteria, list) or len(criteria) > _CRITERIA_MAX:
        text = _("At most %(n)d criteria at once.") % {"n": _CRITERIA_MAX}
        raise SegmentErrorFinal("too-many", "criteria", text)
    return [_parsed(each, controller) for each in criteria]


def _parsed(told: object, controller: int) -> Criterion:
    name = told.get("name") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(name, str) or name not in KINDS:
        text = _("Members can’t be chosen by this: choose from the list.")
        raise SegmentErrorFinal("unlisted", str(name)[:_WORD_MAX], text)
    kind, parameters = KINDS[name], {key: told[key] for key in told if key != "name"}
    if kind.association_only and controller != THE_ASSOCIATION:
        text = _("A shop chooses by its own receipts only.")
        raise SegmentErrorFinal("controller", name, text)
    for key in {*kind.parameters, *parameters}:
        wanted = kind.parameters.get(key)
        if wanted is None or not wanted.holds(parameters.get(key)):
            raise SegmentErrorFinal("parameter", str(key)[:_WORD_MAX], _bounds(key, wanted))
    return Criterion(name, parameters)


def _bounds(key: object, wanted: Whole | Word | Ids | None) -> str:
    if isinstance(wanted, Whole) and wanted.unit == "cents":
        euro = {"least": -(-wanted.least // 100), "most": wanted.most // 100}
        return _("Amount: give euro from %(least)d to %(most)d.") % euro
    if isinstance(wanted, Whole) and key != "tier":
        told = {"name": _said(key), "least": wanted.least, "most": wanted.most}
        return _("%(name)s: give a whole number from %(least)d to %(most)d.") % told
    if isinstance(wanted, Word) and not wanted.among:
        return _("%(field)s: fill it in.") % {"field": _said(key)}
    return _("%(name)s: choose from the list.") % {"name": _said(key)}


def _said(key: object) -> str:
    words = {
        "days": _("Days"), "receipts": _("Receipts"), "shops": _("Shops"), "zones": _("Streets"),
        "stamps": _("Stamps"), "tier": _("Tier"), "language": _("Language"),
        "group": _("Group of articles"),
    }  # fmt: skip
    return words.get(str(key), str(key))


def uses_purchases(criteria: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether stored criteria look at purchases: then the portrait's consent is needed."""
    return any(KINDS[each["name"]].purchases for each in criteria)


def members(campaign: Campaign, now: datetime) -> QuerySet[Member]:
    """Return the active members that a campaign's criteria choose, before consent to a channel is
    looked at: of a shop its own customers, of the association all.

    SegmentErrorFinal where the criteria are none.
    """
    criteria = parse(campaign.criteria, campaign.controller)
    scope = scope_of(campaign, now)
    chosen = Member.objects.filter(
        association_id=campaign.association_id, state=Member.State.ACTIVE
    )
    if scope.shop_id is not None:
        chosen = chosen.filter(_any_of(ShopCustomer.objects.filter(shop_id=scope.shop_id)))
    if any(each.kind.purchases for each in criteria):
        chosen = _allowing(chosen, campaign.controller)
    for each in criteria:
        chosen = chosen.filter(each.kind.condition(scope, each.parameters))
    return chosen


def allowing(campaign: Campaign, now: datetime) -> tuple[int, int]:
    """Return how many members let the campaign's controller look at their purchases, and of how
    many: a shop's customers, or all members."""
    everybody = Campaign(association_id=campaign.association_id, controller=campaign.controller)
    chosen = members(everybody, now)
    return _allowing(chosen, campaign.controller).count(), chosen.count()


def _allowing(chosen: QuerySet[Member], controller: int) -> QuerySet[Member]:
    allowed = Permission.objects.filter(
        controller=controller, purpose=Purpose.PORTRAIT, channel=Channel.NONE, given=True
    )
    return chosen.filter(_any_of(allowed))


def scope_of(campaign: Campaign, now: datetime) -> Scope:
    """Return for whom a campaign chooses, with the town's time zone."""
    zone = Association.objects.values_list("timezone", flat=True).get(pk=campaign.association_id)
    return Scope(campaign.association_id, campaign.controller, now, ZoneInfo(zone))
