"""What the account's pages show, in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from chaland.hub.association.models import Association
from chaland.hub.common import clock
from chaland.hub.loyalty.account.portable import shop_names
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.selectors import permissions_of
from chaland.hub.loyalty.ledger.postings import Balance
from chaland.hub.loyalty.ledger.selectors import balances, statement
from chaland.hub.loyalty.members.selectors import lookups_of
from chaland.hub.loyalty.models import (
    THE_ASSOCIATION,
    Channel,
    Invitation,
    Member,
    Receipt,
    Reward,
    Transfer,
)
from chaland.hub.loyalty.programmes.selectors import offers
from chaland.hub.loyalty.programmes.words import money, units, why_line
from chaland.hub.loyalty.receipts.selectors import earned_of
from chaland.hub.loyalty.sales import codes, selectors

MOVEMENTS, PURCHASES, LOOKUPS = 8, 5, 5


@dataclass(frozen=True)
class Step:
    """One movement of a balance, and why."""

    at: datetime
    amount: str
    kind: str
    shop: str
    why: str


@dataclass(frozen=True)
class Holding:
    """A balance, what it buys, when it lapses, what is owed, and how it came about."""

    name: str
    shop: str
    amount: str
    owed: str
    lapses: str
    lapses_on: date | None
    goal: int
    reached: int
    rewards: Sequence[str]
    steps: Sequence[Step]


def places(member: Member) -> list[tuple[Invitation, str]]:
    """Return the places in private sales that the queue gave, each with its page."""
    found = selectors.moved_up(member.pk, clock.now())
    return [(invitation, codes.path_of(invitation)) for invitation in found]


def holdings(member: Member, names: Mapping[int, str]) -> list[Holding]:
    """Return all that a member has, the coalition's first."""
    mine = balances(member.pk)
    rewards = Reward.objects.filter(
        programme__asset__in=[b.asset_id for b in mine], active=True, programme__active=True
    ).select_related("programme__asset")
    return [_holding(member, b, list(rewards), names) for b in mine]


def _holding(
    member: Member, balance: Balance, rewards: list[Reward], names: Mapping[int, str]
) -> Holding:
    mine = [r for r in rewards if r.programme.asset_id == balance.asset_id]
    fixed = [r.cost for r in mine if r.kind != Reward.Kind.AMOUNT]
    lapse = balance.next_lapse
    return Holding(
        name=balance.name,
        shop=names.get(balance.shop_id or 0, _("in all shops")),
        amount=units(balance.balance, balance.kind),
        owed=units(balance.debt, balance.kind) if balance.debt else "",
        lapses=units(lapse[1], balance.kind) if lapse else "",
        lapses_on=lapse[0] if lapse else None,
        goal=min((cost for cost in fixed if cost >= balance.balance), default=0),
        reached=balance.balance,
        rewards=[_offer(o.name, o.missing, balance.kind) for o in offers(mine, [balance])],
        steps=[
            Step(
                m.occurred_at,
                units(m.amount - m.owed, balance.kind),
                str(Transfer.Kind(m.kind).label),
                names.get(m.shop_id or 0, ""),
                why_line(m.why, get_language() or "fr"),
            )
            for m in statement(member.pk, balance.asset_id)[:MOVEMENTS]
        ],
    )


def _offer(name: str, missing: int, kind: str) -> str:
    if not missing:
        return _("%(reward)s: now") % {"reward": name}
    return _("%(reward)s: %(units)s to go") % {"reward": name, "units": units(missing, kind)}


@dataclass(frozen=True)
class Bought:
    """A receipt, and what it moved, each in one line."""

    at: datetime
    shop: str
    amount: str
    back: bool
    code: str
    lines: Sequence[str]


def bought(
    member: Member, names: Mapping[int, str], at_most: int | None = PURCHASES
) -> list[Bought]:
    """List a member's receipts, the newest first."""
    receipts = list(Receipt.objects.filter(member=member).order_by("-issued_at", "-pk")[:at_most])
    earned = earned_of([r.pk for r in receipts])
    return [
        Bought(
            r.issued_at,
            names.get(r.shop_id, ""),
            money(r.gross_cents),
            r.returns_id is not None,
            r.code,
            [e.why for e in earned.get(r.pk, ())],
        )
        for r in receipts
    ]


@dataclass(frozen=True)
class Switch:
    """One consent: to whom, for what, by which way, the text, and whether it is given."""

    controller: int
    purpose: str
    channel: str
    wording_id: int
    title: str
    text: str
    given: bool
    since: datetime | None
    possible: bool


@dataclass(frozen=True)
class Group:
    """The consents towards one controller."""

    name: str
    given: int
    switches: Sequence[Switch]


def consents(member: Member, association: Association, names: Mapping[int, str]) -> list[Group]:
    """Return a switch for each consent towards the association, and towards each shop that knows
    the member or was ever allowed or refused something."""
    decided = {(p.controller, p.purpose, p.channel): p for p in permissions_of(member)}
    shops = {shop_id for shop_id in member.shops.values_list("shop_id", flat=True)}
    shops |= {controller for controller, _p, _c in decided if controller != THE_ASSOCIATION}
    texts = wordings.current(association.pk, get_language() or "fr")
    contact = {Channel.SMS: bool(member.phone), Channel.EMAIL: bool(member.email)}
    groups = []
    for controller in (THE_ASSOCIATION, *sorted(shops, key=lambda pk: names.get(pk, ""))):
        name = association.name if controller == THE_ASSOCIATION else names.get(controller, "")
        if not name:
            continue
        switches = []
        for text in texts:
            now = decided.get((controller, text.purpose, text.channel))
            title = str(text.get_purpose_display())
            if text.channel != Channel.NONE:
                title = _("%(purpose)s by %(channel)s") % {
                    "purpose": title,
                    "channel": text.get_channel_display(),
                }
            switches.append(
                Switch(
                    controller, text.purpose, text.channel, text.pk, title[:1].upper() + title[1:],
                    wordings.text_for(text, name), bool(now and now.given),
                    now.since if now else None, contact.get(Channel(text.channel), True),
                )
            )  # fmt: skip
        groups.append(Group(name, sum(s.given for s in switches), switches))
    return groups


@dataclass(frozen=True)
class Look:
    """A look-up in which the member was shown."""

    at: datetime
    how: str
    who: str


def looks(member: Member, names: Mapping[int, str], at_most: int = LOOKUPS) -> list[Look]:
    """List who looked the member up, the newest first."""
    return [
        Look(seen.at, seen.kind, names.get(seen.shop_id or 0, _("the association")))
        for seen in lookups_of(member, at_most)
    ]


@dataclass(frozen=True)
class Fact:
    """One thing that is known."""

    label: str
    value: str


def known(member: Member, names: Mapping[int, str]) -> list[Fact]:
    """List what is known of a member beside purchases, consents and look-ups: all of it."""
    born = f"{member.birth_day:02d}/{member.birth_month:02d}" if member.birth_month else ""
    facts = [
        (_("Name"), f"{member.first_name} {member.last_name}".strip()),
        (_("Mobile number"), member.phone or ""),
        (_("E-mail address"), member.email or ""),
        (_("Birthday (never the year)"), born),
        (_("Joined at"), names.get(member.enrolled_shop_id or 0, "")),
        (_("Customer of"), ", ".join(_shops(member, names))),
    ]
    return [Fact(label, value or "–") for label, value in facts]


def _shops(member: Member, names: Mapping[int, str]) -> Iterable[str]:
    for shop_id in member.shops.order_by("since").values_list("shop_id", flat=True):
        if shop_id in names:
            yield names[shop_id]


__all__ = [
    "bought",
    "consents",
    "holdings",
    "known",
    "looks",
    "shop_names",
]
