"""Which programmes count for a receipt, read once for a whole batch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from chaland.hub.association.models import Association
from chaland.hub.loyalty.models import Programme, Receipt, ReceiptLine, Rule
from chaland.hub.loyalty.programmes import costs
from chaland.hub.loyalty.programmes.rules import EarningRule, Line


@dataclass(frozen=True, slots=True)
class DatedRule:
    """A rule and the time in which it earns; ``ends_at`` is the first instant without it."""

    rule: EarningRule
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Terms:
    """One programme as it earns."""

    programme_id: int
    association_id: int
    shop_id: int | None
    asset_id: int
    asset_kind: str
    name: str
    starts_on: date
    ends_on: date | None
    lapses_after_months: int | None
    rules: Sequence[DatedRule]
    tiers: Sequence[costs.TierStep]

    def rules_at(self, instant: datetime) -> list[EarningRule]:
        """List the rules that earn at an instant."""
        return [
            dated.rule
            for dated in self.rules
            if dated.starts_at <= instant and (dated.ends_at is None or instant < dated.ends_at)
        ]

    def lapses_on(self, day: date) -> date | None:
        """Return the first day on which what is earned on ``day`` can't be spent any more."""
        if self.lapses_after_months is None:
            return None
        month = day.month - 1 + self.lapses_after_months
        year, month = day.year + month // 12, month % 12 + 1
        # The 31st falls on the last day of a shorter month.
        for last in (day.day, 30, 29, 28):
            try:
                return date(year, month, last)
            except ValueError:
                continue
        raise AssertionError("every month has 28 days")


class InForce:
    """The programmes of some associations, and their time zones: the state of one moment."""

    def __init__(self, association_ids: Iterable[int], shop_ids: Iterable[int]) -> None:
        associations = set(association_ids)
        zones = Association.objects.filter(pk__in=associations).values_list("pk", "timezone")
        self._zones = {pk: ZoneInfo(name) for pk, name in zones}
        self._terms = _terms(
            Programme.objects.filter(
                Q(shop_id__isnull=True) | Q(shop_id__in=set(shop_ids)),
                association_id__in=associations,
                active=True,
            )
        )

    def local(self, association_id: int, instant: datetime) -> datetime:
        """Return an instant in the association's own time."""
        return instant.astimezone(self._zones[association_id])

    def zone(self, association_id: int) -> str:
        """Return the name of the association's time zone."""
        return self._zones[association_id].key

    def at(self, association_id: int, shop_id: int, day: date) -> list[Terms]:
        """List the programmes in which a purchase at a shop counts on a local day."""
        return [
            terms
            for terms in self._terms
            if terms.association_id == association_id
            and terms.shop_id in (None, shop_id)
            and terms.starts_on <= day
            and (terms.ends_on is None or day <= terms.ends_on)
        ]


def terms_of(programme: Programme) -> Terms:
    """Read one programme as it earns."""
    (terms,) = _terms(Programme.objects.filter(pk=programme.pk))
    return terms


_PROGRAMME = (
    *("id", "association_id", "shop_id", "asset_id", "asset__kind", "name"),
    *("starts_on", "ends_on", "expires_after_months"),
)
_RULE = ("id", "kind", "parameters", "name", "sponsor_id", "starts_at", "ends_at")
_TIER = ("id", "name", "measure", "threshold", "multiplier_percent")


def _terms(programmes: QuerySet[Programme]) -> list[Terms]:
    """Read programmes with their rules, in the order in which they were made, and their tiers,
    the lowest first; in one read, for every receipt at the till waits for it."""
    rows = programmes.order_by("id", "rules__id", "tiers__threshold").values_list(
        *_PROGRAMME, *(f"rules__{name}" for name in _RULE), *(f"tiers__{name}" for name in _TIER)
    )
    tiers_at = len(_PROGRAMME) + len(_RULE)
    found = []
    for programme, group in groupby(rows, key=lambda row: row[: len(_PROGRAMME)]):
        rules: dict[int, DatedRule] = {}
        tiers: dict[int, costs.TierStep] = {}
        for row in group:  # each rule with each tier; an id is None where there is none
            *rule, starts_at, ends_at = row[len(_PROGRAMME) : tiers_at]
            if rule[0] is not None and rule[0] not in rules:
                rules[rule[0]] = DatedRule(EarningRule(*rule), starts_at, ends_at)
            tier = row[tiers_at:]
            if tier[0] is not None and tier[0] not in tiers:
                tiers[tier[0]] = costs.TierStep(*tier)
        fields: list[Any] = [*programme, list(rules.values()), list(tiers.values())]
        found.append(Terms(*fields))
    return found


def earning_rule(rule: Rule) -> EarningRule:
    """Return a stored rule as the engine takes it."""
    return EarningRule(rule.pk or 0, rule.kind, rule.parameters, rule.name, rule.sponsor_id)


def lines_of(receipt: Receipt) -> list[Line]:
    """Return a receipt's lines as the engine takes them, by number."""
    return [line_of(line) for line in sorted(receipt.lines.all(), key=lambda line: line.number)]


def line_of(line: ReceiptLine) -> Line:
    """Return one stored line as the engine takes it."""
    return Line(
        line.number, line.gross_cents, line.quantity_milli, line.item_id, line.group, line.discount
    )
