"""Why a receipt earned what it earned, in one line that fits a till roll, in French or English."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import translation
from django.utils.dates import WEEKDAYS
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chaland.hub.loyalty.models import Asset, Reward
from chaland.hub.loyalty.programmes.rules import (
    MULTIPLIER,
    PRODUCT,
    PURCHASE,
    SPEND,
    EarnedPart,
    EarningRule,
)


def snapshot(
    parts: Sequence[EarnedPart], kind: str, net_cents: int, rules: Sequence[EarningRule]
) -> dict[str, Any]:
    """Return what the ledger keeps of an award: plain data, from which any language's line and
    any later return can be made, whatever becomes of the rules."""
    rates = {rule.id: rule.parameters for rule in rules if rule.kind in (SPEND, PURCHASE)}
    plain = [_plain(part, rates.get(part.rule, {})) for part in parts]
    return {"asset": kind, "net_cents": net_cents, "parts": plain}


def _plain(part: EarnedPart, rate: Mapping[str, object]) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "rule": part.rule,
        "kind": part.kind,
        "amount": part.amount,
        "lines": {str(number): units for number, units in part.lines.items()},
    }
    for name in ("units", "per_cents"):
        if name in rate:
            plain[name] = rate[name]
    if part.name:
        plain["name"] = part.name
    if part.percent != 100:
        plain["percent"] = part.percent
    if part.keep_cents is not None:
        plain["keep_cents"] = part.keep_cents
    if part.sponsor_id is not None:
        plain["sponsor"] = part.sponsor_id
    return plain


def parts_of(why: Mapping[str, Any]) -> list[EarnedPart]:
    """Read a snapshot's parts again."""
    return [
        EarnedPart(
            rule=plain["rule"],
            kind=plain["kind"],
            amount=plain["amount"],
            lines={int(number): units for number, units in plain["lines"].items()},
            percent=plain.get("percent", 100),
            name=plain.get("name", ""),
            keep_cents=plain.get("keep_cents"),
            sponsor_id=plain.get("sponsor"),
        )
        for plain in why.get("parts", [])
    ]


def why_line(why: Mapping[str, Any], language: str) -> str:
    """Say in one line how a snapshot's amount came about.

    « 23,00 € × 2 (mardi double) = 46 points ». An empty text for a movement that no rule made.
    """
    plain = why.get("parts", [])
    if not plain:
        return ""
    with translation.override(language):
        kind = str(why.get("asset", ""))
        line = _sum(plain, int(why.get("net_cents", 0)), kind)
        for name, text in (("unfunded", _("not funded: %(units)s")),
                           ("repaid", _("of which repaid: %(units)s"))):  # fmt: skip
            if why.get(name):
                line += f" ({text % {'units': units(int(why[name]), kind)}})"
        return line


def _sum(plain: Sequence[Mapping[str, Any]], cents: int, kind: str) -> str:
    amount = sum(part["amount"] for part in plain)
    base, *others = plain
    if base["kind"] in (SPEND, PURCHASE) and _explains(base, others, cents, amount):
        factors = "".join(f" × {_factor(p['percent'])} ({_label(p)})" for p in others)
        line = f"{_base(base, cents, kind)}{factors} = {units(amount, kind)}"
        rounded = _("rounded")
        return line if _exact(base, others, cents) else f"{line} ({rounded})"
    steps = [
        f"{_base(p, cents, kind)} = {p['amount']}"
        if p["kind"] in (SPEND, PURCHASE)
        else f"{p['amount']} ({_label(p)})"
        for p in plain
    ]
    return f"{' + '.join(steps)}{f' = {units(amount, kind)}' if others else ''}"


def return_line(amount: int, kind: str, language: str, owed: int = 0) -> str:
    """Say in one line what a return moved: taken back (negative) or given back, and what of it the
    member owes now."""
    with translation.override(language):
        text = _("taken back: %(units)s") if amount < 0 else _("given back: %(units)s")
        line = text % {"units": units(abs(amount), kind)}
        still = _("owed: %(units)s") % {"units": units(owed, kind)}
        return f"{line} ({still})" if owed else line


def kept_line(kind: str, language: str) -> str:
    """Say in one line why what was spent on a returned purchase is not given back."""
    with translation.override(language):
        if kind == Reward.Kind.VOUCHER:
            return _("not given back: the voucher was used or is out of date")
        return _("not given back: the reward was handed out")


def _explains(
    base: Mapping[str, Any], others: Sequence[Mapping[str, Any]], cents: int, amount: int
) -> bool:
    """Say whether "base × factor" gives the amount: it doesn't for a part of the basket."""
    if len(others) > 1 or any(p["kind"] != MULTIPLIER for p in others):
        return False
    whole, _rest = _product(base, others, cents)
    return whole == amount


def _exact(base: Mapping[str, Any], others: Sequence[Mapping[str, Any]], cents: int) -> bool:
    """Say whether "base × factor" comes out whole; else it was rounded down."""
    _whole, rest = _product(base, others, cents)
    return rest == 0


def _product(
    base: Mapping[str, Any], others: Sequence[Mapping[str, Any]], cents: int
) -> tuple[int, int]:
    """Return "base × factor" in whole units, and what is left of it."""
    percent = others[0]["percent"] if others else 100
    value, per = (cents, int(base["per_cents"])) if base["kind"] == SPEND else (1, 1)
    return divmod(value * int(base["units"]) * percent, per * 100)


def _base(part: Mapping[str, Any], cents: int, kind: str) -> str:
    count, per = int(part.get("units", 1)), int(part.get("per_cents", 100))
    if part["kind"] == PURCHASE:
        purchase = _("1 purchase")
        return purchase if count == 1 else f"{purchase} × {count}"
    if kind == Asset.Kind.PURSE:
        return f"{money(cents)} × {_number(count * 10_000 // per, 100)}\u00a0%"
    if (count, per) == (1, 100):
        return money(cents)
    rate = _("%(units)s for %(money)s") % {"units": count, "money": money(per)}
    return f"{money(cents)} ({rate})"


def _factor(percent: int) -> str:
    return _number(percent, 100)


def _number(value: int, scale: int) -> str:
    """Write value / scale without needless zeros: 250 / 100 is 2,5."""
    text = f"{value / scale:.2f}".rstrip("0").rstrip(".")
    return number_format(text)


def _label(part: Mapping[str, Any]) -> str:
    return part.get("name") or (_("article") if part["kind"] == PRODUCT else _("bonus"))


MINUS = "\u2212"
"""Of sums that people read; files for programs keep their hyphen."""


def money(cents: int) -> str:
    """Write an amount of euro in the language of the moment."""
    sign, cents = (MINUS if cents < 0 else ""), abs(cents)
    amount = number_format(f"{cents // 100}.{cents % 100:02d}", use_l10n=True)
    return f"{sign}{amount}\u00a0€" if _french() else f"{sign}€{amount}"


def _french() -> bool:
    return (translation.get_language() or "fr").startswith("fr")


def units(amount: int, kind: str) -> str:
    """Write an amount of an asset in the language of the moment: money, points or stamps."""
    if kind == Asset.Kind.PURSE:
        return money(amount)
    if kind == Asset.Kind.STAMPS:
        return ngettext("%(n)s stamp", "%(n)s stamps", abs(amount)) % {"n": amount}
    return ngettext("%(n)s point", "%(n)s points", abs(amount)) % {"n": amount}


def rule_line(kind: str, parameters: Mapping[str, Any], asset_kind: str) -> str:
    """Say what a rule gives, in plain words and in the language of the moment."""
    if kind == SPEND and asset_kind == Asset.Kind.PURSE:
        hundredths = int(parameters["units"]) * 10_000 // int(parameters["per_cents"])
        return _("%(percent)s%% of each purchase") % {"percent": _number(hundredths, 100)}
    if kind == SPEND:
        given = units(int(parameters["units"]), asset_kind)
        return _("%(units)s for each %(money)s spent") % {
            "units": given,
            "money": money(int(parameters["per_cents"])),
        }
    if kind == PURCHASE:
        given, least = units(int(parameters["units"]), asset_kind), int(parameters["min_cents"])
        if not least:
            return _("%(units)s for each purchase") % {"units": given}
        return _("%(units)s for each purchase from %(money)s") % {
            "units": given,
            "money": money(least),
        }
    if kind == PRODUCT:
        names = [*parameters.get("items", []), *parameters.get("groups", [])]
        return _("%(units)s more for each: %(names)s") % {
            "units": units(int(parameters["units"]), asset_kind),
            "names": ", ".join(names),
        }
    when = _when(parameters)
    factor = _factor(int(parameters["percent"]))
    return f"× {factor}{' ' if when else ''}{', '.join(when)}"


def _when(parameters: Mapping[str, Any]) -> list[str]:
    found = []
    if days := parameters.get("weekdays"):
        found.append(_("on %(days)s") % {"days": ", ".join(str(WEEKDAYS[day]) for day in days)})
    if "from_minute" in parameters or "to_minute" in parameters:
        start, end = parameters.get("from_minute", 0), parameters.get("to_minute", 1440)
        found.append(_("from %(start)s to %(end)s") % {"start": _hour(start), "end": _hour(end)})
    if groups := parameters.get("groups"):
        found.append(_("on %(groups)s") % {"groups": ", ".join(groups)})
    if parameters.get("first_purchase"):
        found.append(_("on the first purchase"))
    if parameters.get("birthday_month"):
        found.append(_("in the month of the birthday"))
    return found


def _hour(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02d}"
