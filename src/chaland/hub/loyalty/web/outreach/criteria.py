"""The closed list of criteria as a form: what is asked in words, and read from what was ticked."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from chaland.hub.association.models import Shop, Zone
from chaland.hub.loyalty.models import Tier
from chaland.hub.loyalty.outreach.audience import segments
from chaland.hub.loyalty.outreach.audience.segments import Ids, Whole, Word
from chaland.hub.loyalty.web.outreach.scope import Scope

_EURO = re.compile(r"\d{1,9}(\.\d{1,2})?", re.ASCII)
Criteria = list[dict[str, Any]]
_USUAL = {"days": 90, "cents": 5_000, "receipts": 3, "shops": 2, "stamps": 2}
_WORDS: Mapping[str, Callable[[], str]] = {
    "bought_within": lambda: _("has bought lately"),
    "not_bought_within": lambda: _("has not bought for a while"),
    "spent_at_least": lambda: _("has spent much"),
    "receipts_at_least": lambda: _("has come to buy several times"),
    "group_bought": lambda: _("has bought from a group of articles"),
    "tier": lambda: _("has reached a tier"),
    "shops_at_least": lambda: _("has bought in several shops"),
    "shops_bought": lambda: _("has bought in certain shops"),
    "zones_bought": lambda: _("has bought in certain streets"),
    "stamps_left": lambda: _("has a stamp card nearly full"),
    "points_lapse": lambda: _("has points or a purse about to lapse"),
    "enrolled_within": lambda: _("has joined lately"),
    "birthday_month": lambda: _("has a birthday this month"),
    "language": lambda: _("reads a language"),
}
_ASKED: Mapping[tuple[str, str], Callable[[], str]] = {
    ("not_bought_within", "days"): lambda: _("not for days"),
    ("points_lapse", "days"): lambda: _("in the next days"),
    ("spent_at_least", "cents"): lambda: _("at least, €"),
    ("receipts_at_least", "receipts"): lambda: _("times at least"),
    ("group_bought", "group"): lambda: _("group, as your till names it"),
    ("tier", "tier"): lambda: _("tier"),
    ("shops_at_least", "shops"): lambda: _("shops at least"),
    ("shops_bought", "shops"): lambda: _("shops"),
    ("zones_bought", "zones"): lambda: _("streets"),
    ("stamps_left", "stamps"): lambda: _("stamps missing at most"),
    ("language", "language"): lambda: _("language"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One parameter as a field: ``kind`` is ``number``, ``text``, ``select`` or ``checks``."""

    field: str
    label: str
    kind: str
    value: str
    least: str = ""
    most: str = ""
    options: Sequence[tuple[str, str, bool]] = ()
    """Value, label, whether it is chosen."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One criterion as a box to tick, with its fields."""

    name: str
    label: str
    picked: bool
    asked: Sequence[Asked]


def read(data: QueryDict) -> Criteria:
    """Read what was ticked. What isn't a number stays a text: `segments.parse` then complains."""
    return [
        {"name": name, **{key: _given(data, name, key, kind) for key, kind in kinds.items()}}
        for name in dict.fromkeys(data.getlist("criteria"))
        if name in segments.KINDS
        for kinds in [segments.KINDS[name].parameters]
    ]


def _given(data: QueryDict, name: str, key: str, kind: Whole | Word | Ids) -> Any:
    field = f"{name}.{key}"
    if isinstance(kind, Ids):
        return [_number(text) for text in data.getlist(field)]
    text = data.get(field, "").strip()
    if isinstance(kind, Word):
        return text
    return _cents(text) if kind.unit == "cents" else _number(text)


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else text


def _cents(text: str) -> int | str:
    euro = text.replace(",", ".")
    return int(Decimal(euro) * 100) if _EURO.fullmatch(euro) else text


def choices(scope: Scope, criteria: Criteria) -> Iterator[Choice]:
    """Yield each criterion that the scope may use, ticked or not; those that lack what they choose
    among (a tier, a zone) are left out, but not where they are ticked: saving the page again would
    choose more people than before."""
    picked = {each["name"]: each for each in criteria}
    for name, kind in segments.KINDS.items():
        if kind.association_only and scope.shop is not None and name not in picked:
            continue
        told = picked.get(name, {})
        asked = [_asked(scope, name, key, want, told) for key, want in kind.parameters.items()]
        lacking = any(each.kind in ("select", "checks") and not each.options for each in asked)
        if name in picked or not lacking:
            yield Choice(name, _WORDS[name](), name in picked, asked)


def _asked(
    scope: Scope, name: str, key: str, kind: Whole | Word | Ids, told: Mapping[str, Any]
) -> Asked:
    say = _ASKED.get((name, key))
    label = say() if say else _("within days")
    field, value = f"{name}.{key}", told.get(key, _USUAL.get(key, ""))
    if isinstance(kind, Ids):
        chosen = told.get(key, [])
        listed = [(str(pk), text, pk in chosen) for pk, text in _listed(scope, key)]
        return Asked(field, label, "checks", "", options=listed)
    if key == "tier" or (isinstance(kind, Word) and kind.among):
        among = _tiers(scope) if key == "tier" else _languages()
        options = [(str(own), text, own == value) for own, text in among]
        if told and not any(chosen for _value, _text, chosen in options):
            options.append((str(value), _("no longer there"), True))
        return Asked(field, label, "select", str(value), options=options)
    if isinstance(kind, Word):
        return Asked(field, label, "text", str(value))
    scale = 100 if kind.unit == "cents" else 1
    shown = f"{value / scale:g}" if isinstance(value, int) else str(value)
    least, most = -(-kind.least // scale), kind.most // scale
    return Asked(field, label, "number", shown, str(least), str(most))


def _listed(scope: Scope, key: str) -> list[tuple[int, str]]:
    model = Shop if key == "shops" else Zone
    rows = model._default_manager.filter(association=scope.association).order_by("name")
    return list(rows.values_list("pk", "name"))


def _tiers(scope: Scope) -> list[tuple[int, str]]:
    rows = Tier.objects.filter(
        programme__association_id=scope.association.pk, programme__shop_id=scope.shop_id
    )
    return list(rows.order_by("threshold").values_list("pk", "name"))


def _languages() -> list[tuple[str, str]]:
    return [("fr", _("French")), ("en", _("English"))]
