"""Programmes are begun, and their rules added, replaced and ended; none is ever rewritten."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from chaland.hub.association.models import Association
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Asset, Programme, Reward, Rule, Sponsor
from chaland.hub.loyalty.programmes.parameters import checked
from chaland.hub.loyalty.programmes.rules import PURCHASE, SPEND

PURSE_MONTHS, SHOP_MONTHS = 24, 12
STAMPS, STAMP_MIN_CENTS = 10, 500
POINTS, POINTS_CENTS = 200, 500


@dataclass(frozen=True)
class _Beginning:
    """What a new programme begins with."""

    kind: str
    name: str
    months: int
    rule: tuple[str, Mapping[str, object], str]
    reward: Mapping[str, object]


def start_purse(association_id: int, actor: str) -> Programme:
    """Begin the coalition's purse: 1 % of each purchase in all shops, to spend in any part.

    Where there is one already, return it; so for the others.
    """
    rate = {"units": 1, "per_cents": 100}
    reward = {
        "kind": Reward.Kind.AMOUNT, "name": _("Off the purchase"), "cost": 1, "value_cents": 1
    }  # fmt: skip
    first = (SPEND, rate, _("1% of each purchase"))
    begun = _Beginning(Asset.Kind.PURSE, _("Purse"), PURSE_MONTHS, first, reward)
    return _started(association_id, None, begun, actor)


def start_points(association_id: int, shop_id: int, actor: str) -> Programme:
    """Begin a shop's points: one for each euro, 200 of them a voucher of 5 euro."""
    rate = {"units": 1, "per_cents": 100}
    reward = {
        "kind": Reward.Kind.VOUCHER, "name": _("Voucher of €5"), "cost": POINTS,
        "value_cents": POINTS_CENTS, "valid_days": 60,
    }  # fmt: skip
    first = (SPEND, rate, _("1 point for each euro"))
    begun = _Beginning(Asset.Kind.POINTS, _("Points"), SHOP_MONTHS, first, reward)
    return _started(association_id, shop_id, begun, actor)


def start_stamps(association_id: int, shop_id: int, actor: str) -> Programme:
    """Begin a shop's stamp card: a stamp for each purchase from 5 euro, the tenth fills it."""
    rate = {"units": 1, "min_cents": STAMP_MIN_CENTS}
    reward = {"kind": Reward.Kind.STAMP, "name": _("The free article"), "cost": STAMPS}
    first = (PURCHASE, rate, _("1 stamp for each purchase"))
    begun = _Beginning(Asset.Kind.STAMPS, _("Stamp card"), SHOP_MONTHS, first, reward)
    return _started(association_id, shop_id, begun, actor)


def _started(association_id: int, shop_id: int | None, begun: _Beginning, actor: str) -> Programme:
    with transaction.atomic(using="loyalty"):
        known = Programme.objects.filter(
            association_id=association_id, shop_id=shop_id, asset__kind=begun.kind
        ).first()
        if known is not None:
            return known
        asset = Asset.objects.create(
            association_id=association_id, kind=begun.kind, shop_id=shop_id, name=begun.name
        )
        programme = Programme.objects.create(
            association_id=association_id,
            shop_id=shop_id,
            asset=asset,
            name=begun.name,
            expires_after_months=begun.months,
            starts_on=local_today(association_id),
        )
        kind, parameters, name = begun.rule
        add_rule(programme, kind, parameters, name, actor)
        Reward.objects.create(programme=programme, **begun.reward)
        return programme


def add_rule(
    programme: Programme,
    kind: str,
    parameters: Mapping[str, object],
    name: str,
    actor: str,
    *,
    sponsor: Sponsor | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    replaces: Rule | None = None,
) -> Rule:
    """Add a rule from ``starts_at`` (now, never earlier) on; the one that it replaces ends then.

    What receipts earned before stays as it was. ParameterErrorFinal names a wrong parameter.
    """
    now = clock.now()
    start = max(now, starts_at or now)
    with transaction.atomic(using="loyalty"):
        rule = Rule.objects.create(
            programme=programme,
            name=name,
            kind=kind,
            parameters=checked(kind, parameters),
            sponsor=sponsor,
            starts_at=start,
            ends_at=ends_at,
            replaces=replaces,
            created_at=now,
            created_by=actor,
        )
        if replaces is not None:
            _end(replaces, start)
    return rule


def end_rule(rule: Rule) -> None:
    """End a rule now; one that hasn't begun earns nothing ever. Ended already: nothing changes."""
    _end(rule, clock.now())


def _end(rule: Rule, at: datetime) -> None:
    if rule.ends_at is None or rule.ends_at > at:
        rule.ends_at = max(at, rule.starts_at)
        rule.save(update_fields=["ends_at"])


def local_today(association_id: int) -> date:
    """Return the association's day, whose night ends at midnight."""
    zone = Association.objects.only("timezone").get(pk=association_id).timezone
    return clock.today(zone)
