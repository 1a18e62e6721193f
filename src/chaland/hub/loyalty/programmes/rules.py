"""How receipts earn: pure functions in whole numbers, the same in the browser.

``assets/src/loyalty/rules.js`` is this file's mirror; ``tests/golden/rules`` holds cases that both
must answer alike. Amounts are whole units of one asset: cents of a purse, points, stamps.

A *base* rule (``spend``, ``purchase``) says what a receipt earns; each ``multiplier`` adds its
percentage of that base (150 and 200 together make 250, never 300), and the sum is floored once.
``product`` adds units for named articles, which nothing multiplies. What is earned is shared over
the receipt's lines by the largest remainder, so that a return takes back by line.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SPEND, PURCHASE, MULTIPLIER, PRODUCT = KINDS = ("spend", "purchase", "multiplier", "product")
WHOLE = 1000
"""Thousandths in a piece."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a receipt. ``gross_cents`` < 0 is a reduction of other lines."""

    number: int
    gross_cents: int
    quantity_milli: int = WHOLE
    item_id: str = ""
    group: str = ""
    discount: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's tier: 150 earns half as much again."""

    name: str
    percent: int


@dataclass(frozen=True, slots=True)
class Basket:
    """A receipt and what the rules may ask of it. ``weekday`` 0 is Monday, ``minute`` counts from
    local midnight, ``first``: the member's first purchase at the programme's shops."""

    lines: Sequence[Line]
    weekday: int = 0
    minute: int = 720
    month: int = 1
    first: bool = False
    birth_month: int | None = None
    tier: Standing | None = None


@dataclass(frozen=True, slots=True)
class EarningRule:
    """A rule of the closed list, its parameters checked by ``parameters.checked``."""

    id: int
    kind: str
    parameters: Mapping[str, object]
    name: str = ""
    sponsor_id: int | None = None


@dataclass(frozen=True, slots=True)
class EarnedPart:
    """What one rule gave: by line, so that a return can take it back.

    ``rule`` 0 is the member's tier. ``keep_cents``, of a ``purchase`` part: it is kept while at
    least so much of the receipt is kept.
    """

    rule: int
    kind: str
    amount: int
    lines: Mapping[int, int]
    percent: int = 100
    name: str = ""
    keep_cents: int | None = None
    sponsor_id: int | None = None


def share(amount: int, weights: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Share a whole amount over lines (number, weight) by the largest remainder.

    Ties go to the lower number. Nothing is lost: the shares sum to ``amount``; no share passes its
    weight while ``amount`` is at most the weights' sum.
    """
    total = sum(weight for _, weight in weights)
    if amount <= 0 or total <= 0:
        return {}
    if len(weights) == 1:
        return {weights[0][0]: amount}
    shares, remainders = {}, []
    for number, weight in weights:
        shares[number], remainder = divmod(amount * weight, total)
        remainders.append((-remainder, number))
    left = amount - sum(shares.values())
    if left:
        for _, number in sorted(remainders)[:left]:
            shares[number] += 1
    return {number: units for number, units in shares.items() if units}


def net_lines(lines: Iterable[Line]) -> dict[int, int]:
    """Return what each article cost after reductions, in cents, by line number.

    A reduction falls on the lines of its own article, else of its own group, else on all, in
    proportion to what they still cost; what is too much for them falls on the others.
    """
    articles, reductions = [], []
    for line in lines:
        if not line.discount and line.gross_cents > 0:
            articles.append(line)
        elif line.gross_cents < 0:
            reductions.append(line)
    net = {line.number: line.gross_cents for line in articles}
    for reduction in reductions:
        left = -reduction.gross_cents
        own = _reduced(reduction, articles)
        for targets in (own, articles) if len(own) < len(articles) else (articles,):
            weights = [(line.number, net[line.number]) for line in targets]
            taken = min(left, sum(weight for _, weight in weights))
            for number, cents in share(taken, weights).items():
                net[number] -= cents
            left -= taken
    return net


def _reduced(reduction: Line, articles: list[Line]) -> list[Line]:
    if reduction.item_id:
        same = [line for line in articles if line.item_id == reduction.item_id]
        if same:
            return same
    if reduction.group:
        same = [line for line in articles if line.group.lower() == reduction.group.lower()]
        if same:
            return same
    return articles


def earn(basket: Basket, rules: Sequence[EarningRule]) -> list[EarnedPart]:
    """Say what a receipt earns under each rule, in the order of the rules; nothing is rounded up.

    Discounts earn nothing and reduce the lines that they belong to.
    """
    net = net_lines(basket.lines)
    total = sum(net.values())
    if total <= 0:
        return []
    bonuses = _bonuses(basket, rules, net)
    parts: list[EarnedPart] = []
    for rule in rules:
        if rule.kind == SPEND:
            parts += _base(rule, net, _number(rule, "per_cents"), None, bonuses)
        elif rule.kind == PURCHASE and total >= (least := _number(rule, "min_cents")):
            parts += _base(rule, net, total, least, bonuses)
        elif rule.kind == PRODUCT:
            parts += _product(rule, basket.lines, net)
    return parts


@dataclass(frozen=True, slots=True)
class _Bonus:
    rule: int
    percent: int
    name: str
    sponsor_id: int | None
    lines: frozenset[int]


def _bonuses(basket: Basket, rules: Sequence[EarningRule], net: Mapping[int, int]) -> list[_Bonus]:
    found = []
    for rule in rules:
        if rule.kind == MULTIPLIER and _applies(rule.parameters, basket):
            groups = _names(rule.parameters, "groups")
            lines = frozenset(
                line.number
                for line in basket.lines
                if net.get(line.number) and (not groups or line.group.lower() in groups)
            )
            if lines:
                percent = _number(rule, "percent")
                found.append(_Bonus(rule.id, percent, rule.name, rule.sponsor_id, lines))
    if basket.tier and basket.tier.percent > 100:
        all_lines = frozenset(number for number, cents in net.items() if cents)
        found.append(_Bonus(0, basket.tier.percent, basket.tier.name, None, all_lines))
    return found


def _applies(when: Mapping[str, object], basket: Basket) -> bool:
    weekdays = when.get("weekdays")
    if isinstance(weekdays, list) and weekdays and basket.weekday not in weekdays:
        return False
    start, end = when.get("from_minute", 0), when.get("to_minute", 1440)
    if not (isinstance(start, int) and isinstance(end, int) and start <= basket.minute < end):
        return False
    if when.get("first_purchase") and not basket.first:
        return False
    return not when.get("birthday_month") or basket.birth_month == basket.month


def _base(
    rule: EarningRule,
    net: Mapping[int, int],
    per: int,
    keep_cents: int | None,
    bonuses: Sequence[_Bonus],
) -> list[EarnedPart]:
    """Earn ``units`` for each ``per`` cents, and each bonus on top, floored once over their sum."""
    units = _number(rule, "units")
    weights = [(number, cents) for number, cents in net.items() if cents]
    exact = sum(cents for _, cents in weights) * units * 100
    given = exact // (per * 100)
    parts = []
    if given:
        lines = share(given, weights)
        parts.append(
            EarnedPart(
                rule.id, rule.kind, given, lines, 100, rule.name, keep_cents, rule.sponsor_id
            )
        )
    for bonus in bonuses:
        reached = [weight for weight in weights if weight[0] in bonus.lines]
        exact += sum(cents for _, cents in reached) * units * (bonus.percent - 100)
        more = exact // (per * 100) - given
        if more:
            given += more
            lines = share(more, reached)
            parts.append(
                EarnedPart(
                    bonus.rule, MULTIPLIER, more, lines, bonus.percent, bonus.name, keep_cents,
                    bonus.sponsor_id,
                )
            )  # fmt: skip
    return parts


def _product(rule: EarningRule, lines: Iterable[Line], net: Mapping[int, int]) -> list[EarnedPart]:
    items, groups = _names(rule.parameters, "items"), _names(rule.parameters, "groups")
    weights = [
        (line.number, line.quantity_milli)
        for line in lines
        if net.get(line.number) and (line.item_id.lower() in items or line.group.lower() in groups)
    ]
    amount = sum(milli for _, milli in weights) * _number(rule, "units") // WHOLE
    if amount <= 0:
        return []
    shares = share(amount, weights)
    return [EarnedPart(rule.id, PRODUCT, amount, shares, 100, rule.name, None, rule.sponsor_id)]


def _number(rule: EarningRule, name: str) -> int:
    value = rule.parameters[name]
    if not isinstance(value, int):
        raise TypeError(f"rule {rule.id}: {name} is no whole number")
    return value


def _names(parameters: Mapping[str, object], name: str) -> list[str]:
    names = parameters.get(name)
    return names if isinstance(names, list) else []


def take_back(
    lines: Sequence[Line], parts: Iterable[EarnedPart], returned: Mapping[int, int]
) -> dict[int, int]:
    """Say how much is to be taken back of each line in all, once ``returned`` (thousandths by
    line, all returns of the receipt together) has come back.

    What was earned line by line goes by the quantity that came back, floored over all returns
    together, so that two halves are the whole. What was earned for the purchase as such (a stamp)
    goes once less than its minimum is kept.
    """
    net = net_lines(lines)
    bought = {line.number: line.quantity_milli for line in lines}
    kept = sum(
        cents - _part_of(cents, returned.get(number, 0), bought[number])
        for number, cents in net.items()
    )
    back: dict[int, int] = {}
    for part in parts:
        for number, units in part.lines.items():
            if part.keep_cents is not None:
                gone = units if kept < max(1, part.keep_cents) else 0
            else:
                gone = _part_of(units, returned.get(number, 0), bought.get(number, 0))
            if gone:
                back[number] = back.get(number, 0) + gone
    return back


def returned_share(lines: Sequence[Line], returned: Mapping[int, int]) -> tuple[int, int]:
    """Return (cents of articles that came back, cents of all articles), after reductions."""
    net = net_lines(lines)
    bought = {line.number: line.quantity_milli for line in lines}
    gone = sum(_part_of(c, returned.get(n, 0), bought[n]) for n, c in net.items())
    return gone, sum(net.values())


def _part_of(amount: int, returned: int, bought: int) -> int:
    if bought <= 0 or returned >= bought:
        return amount if returned > 0 else 0
    return amount * max(0, returned) // bought
