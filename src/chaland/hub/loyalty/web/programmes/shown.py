"""Programmes as their pages say them: rules, rewards and tiers in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chaland.hub.common import clock
from chaland.hub.loyalty.models import Advantage, Programme, Reward, Rule, Tier
from chaland.hub.loyalty.programmes.services.setting_up import local_today
from chaland.hub.loyalty.programmes.words import money, rule_line, units


@dataclass(frozen=True)
class Said:
    """A rule, reward, tier or advantage in one line."""

    id: int
    name: str
    text: str
    note: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Card:
    """A programme with all that is in force."""

    programme: Programme
    rules: Sequence[Said]
    rewards: Sequence[Said]
    tiers: Sequence[Said]


def card(programme: Programme) -> Card:
    """Say what a programme gives and takes now."""
    kind = programme.asset.kind
    now = clock.now()
    rules = programme.rules.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now))
    return Card(
        programme,
        [_rule(rule, kind, now) for rule in rules.select_related("sponsor").order_by("id")],
        [_reward(r, kind) for r in programme.rewards.filter(active=True).order_by("cost", "id")],
        [_tier(tier) for tier in programme.tiers.all()],
    )


def past_rules(programme: Programme) -> list[Said]:
    """Say which rules are over, the latest first."""
    now = clock.now()
    over = programme.rules.filter(ends_at__lte=now).order_by("-ends_at", "-id")
    return [_rule(rule, programme.asset.kind, now) for rule in over]


def _rule(rule: Rule, asset_kind: str, now: datetime) -> Said:
    notes = []
    if rule.starts_at > now:
        notes.append(_("from %(day)s") % {"day": _day(rule.starts_at)})
    if rule.ends_at is not None:
        notes.append(_("until %(day)s") % {"day": _day(rule.ends_at)})
    if rule.sponsor is not None:
        notes.append(_("paid by %(sponsor)s") % {"sponsor": rule.sponsor.name})
    text = rule_line(rule.kind, rule.parameters, asset_kind)
    return Said(rule.pk, rule.name, text, ", ".join(notes), rule.kind)


def _day(instant: datetime) -> str:
    return date_format(timezone.localtime(instant), "SHORT_DATE_FORMAT")


def _reward(reward: Reward, asset_kind: str) -> Said:
    cost = units(reward.cost, asset_kind)
    text = cost
    if reward.kind == Reward.Kind.AMOUNT and reward.cost == reward.value_cents:
        text = _("any part of it")
    elif reward.kind == Reward.Kind.AMOUNT:
        text = _("any part: %(units)s take %(money)s off") % {
            "units": cost,
            "money": money(reward.value_cents),
        }
    elif reward.value_cents:
        text = _("%(units)s for %(money)s") % {"units": cost, "money": money(reward.value_cents)}
    return Said(reward.pk, reward.name, text, str(reward.get_kind_display()), reward.kind)


def _tier(tier: Tier) -> Said:
    if tier.measure == Tier.Measure.SHOPS:
        reached = _("from %(n)s different shops in twelve months") % {"n": tier.threshold}
    else:
        reached = _("from %(money)s spent in twelve months") % {"money": money(tier.threshold)}
    line = rule_line("multiplier", {"percent": tier.multiplier_percent}, "")
    text = _("%(reached)s: %(line)s") % {"reached": reached, "line": line}
    return Said(tier.pk, tier.name, text)


def advantages(association_id: int, shop_id: int) -> list[Said]:
    """Say what members get at a shop all year."""
    today = local_today(association_id)
    found = Advantage.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gte=today),
        association_id=association_id,
        shop_id=shop_id,
    ).select_related("tier")
    return [_advantage(a) for a in found.order_by("id")]


def _advantage(advantage: Advantage) -> Said:
    if advantage.percent is not None:
        text = _("%(percent)s%% off") % {"percent": advantage.percent}
    else:
        text = _("member price %(money)s") % {"money": money(advantage.price_cents or 0)}
    where = " ".join(filter(None, (advantage.item_id, advantage.group)))
    notes = [where, advantage.tier.name if advantage.tier else ""]
    if advantage.ends_on:
        notes.append(
            _("until %(day)s") % {"day": date_format(advantage.ends_on, "SHORT_DATE_FORMAT")}
        )
    return Said(advantage.pk, advantage.name, text, ", ".join(filter(None, notes)))
