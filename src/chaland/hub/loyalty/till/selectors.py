"""What a till page reads: the shop's own state, and a member's card as that shop may see it."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _

from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.consent import selectors as consents
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.ledger import selectors as ledger
from chaland.hub.loyalty.ledger.postings import Balance
from chaland.hub.loyalty.models import (
    THE_ASSOCIATION,
    Asset,
    Channel,
    Member,
    Reward,
    Till,
    Wording,
)
from chaland.hub.loyalty.programmes import selectors as programmes
from chaland.hub.loyalty.programmes.costs import MemberPrice
from chaland.hub.loyalty.programmes.selectors import Offer
from chaland.hub.loyalty.till import private_sales, sales, sellers

Json = dict[str, Any]


def state_of(till: Till, shop: Shop, language: str) -> Json:
    """Return what the page keeps to work without a network: shop, sellers, rules, texts.

    Nothing of a member is in it.
    """
    return {
        "till": till.name,
        "shop": {
            "id": shop.pk,
            "name": shop.name,
            "timezone": shop.association.timezone,
            "simulated": shop.association.simulated,
        },
        "connected": sales.is_connected(shop.pk),
        "sellers": [{"id": s.pk, "name": s.name} for s in sellers.sellers_of(shop.pk)],
        "notice": wordings.contact_notice(language),
        "over_15": wordings.over_15_text(language),
        "controllers": controllers(shop, language),
        "sales": private_sales.coming(shop.pk, clock.now()),
        "programmes": programmes.for_till(shop.association_id, shop.pk, clock.now())["programmes"],
    }


def controllers(shop: Shop, language: str) -> list[Json]:
    """Return who may be consented to here, the shop first, each with the boxes it asks by."""
    texts = wordings.current(shop.association_id, language)
    return [
        {
            "id": controller,
            "name": name,
            "asked": [_asked(text, name) for text in texts],
        }
        for controller, name in ((shop.pk, shop.name), (THE_ASSOCIATION, shop.association.name))
    ]


def _asked(text: Wording, name: str) -> Json:
    return {
        "purpose": text.purpose,
        "channel": text.channel,
        "wording": text.pk,
        "text": wordings.text_for(text, name),
    }


def card_of(member: Member, shop: Shop, *, codes: bool) -> Json:
    """Return what a member has at this shop: balances, tier, advantages, rewards, vouchers (with
    ``codes``, which spend them)."""
    found = programmes.standing(shop.association_id, shop.pk, member.pk, clock.now())
    goals = _goals(found.offers)
    return {
        "balances": [_balance(of, goals.get(of.asset_id)) for of in found.balances],
        "tier": next((tier.name for tier in found.tiers if tier.name), ""),
        "advantages": [_advantage(one) for one in found.advantages],
        "rewards": [
            {
                "id": offer.reward_id,
                "kind": offer.kind,
                "name": offer.name,
                "asset_kind": offer.asset_kind,
                "cost": offer.units,
                "most": offer.cents if offer.kind == Reward.Kind.AMOUNT else 1,
            }
            for offer in found.offers
            if not offer.missing
        ],
        "vouchers": [
            {
                "code": v.code if codes else "",
                "name": v.name,
                "expires_on": v.expires_on.isoformat(),
            }
            for v in found.vouchers
        ],
    }


def balances_of(member_id: int, shop: Shop) -> list[Balance]:
    """Return the balances that count at this shop: the coalition's and its own, no other's."""
    return [of for of in ledger.balances(member_id) if of.shop_id in (None, shop.pk)]


def shown_balances(mine: Sequence[Balance], shop: Shop) -> list[Json]:
    """Return balances for the screen, a card of stamps with what fills it."""
    goals: dict[int, int] = {}
    if any(of.kind == Asset.Kind.STAMPS for of in mine):
        goals = _goals(programmes.offers(programmes.rewards_at(shop.association_id, shop.pk), []))
    return [_balance(of, goals.get(of.asset_id)) for of in mine]


def _goals(offers: Iterable[Offer]) -> dict[int, int]:
    """Return how many stamps fill a card, by asset: what its cheapest reward costs."""
    goals: dict[int, int] = {}
    for offer in offers:
        if offer.asset_kind == Asset.Kind.STAMPS and offer.kind != Reward.Kind.AMOUNT:
            goals[offer.asset_id] = min(offer.units, goals.get(offer.asset_id, offer.units))
    return goals


def _advantage(one: MemberPrice) -> str:
    if one.percent is not None:
        return _("%(name)s: −%(percent)d %%") % {"name": one.name, "percent": one.percent}
    euros = f"{(one.price_cents or 0) / 100:.2f}"
    return _("%(name)s: €%(price)s") % {"name": one.name, "price": euros}


def _balance(of: Balance, goal: int | None) -> Json:
    lapse = of.next_lapse
    return {
        "kind": of.kind,
        "name": of.name,
        "balance": of.balance,
        "held": of.held,
        "debt": of.debt,
        "goal": goal,
        "next_lapse": [lapse[0].isoformat(), lapse[1]] if lapse else None,
    }


def consents_of(member: Member, shop: Shop, language: str) -> list[Json]:
    """Return each box that this shop or the association asks, and whether the member said yes."""
    given = {
        (p.controller, p.purpose, p.channel)
        for p in consents.permissions_of(member, [shop.pk, THE_ASSOCIATION])
        if p.given
    }
    reachable = {Channel.NONE}
    reachable |= {Channel.SMS} if member.phone else set()
    reachable |= {Channel.EMAIL} if member.email else set()
    return [
        {
            **asked,
            "controller": controller["id"],
            "given": (controller["id"], asked["purpose"], asked["channel"]) in given,
        }
        for controller in controllers(shop, language)
        for asked in controller["asked"]
        if asked["channel"] in reachable
    ]
