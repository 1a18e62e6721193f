"""A plan written as a sale, with its offers, slots and campaign; looked over before the button.

Looking is the same as doing, undone at the end of the transaction: what the page shows is what the
button would meet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, Offer, PrivateSale
from chaland.hub.loyalty.outreach import campaigns
from chaland.hub.loyalty.outreach.campaigns import CampaignErrorFinal
from chaland.hub.loyalty.sales import prices, selectors, services
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.sales.services import SaleIn
from chaland.hub.loyalty.web.outreach import checks, drafts
from chaland.hub.loyalty.web.outreach.checks import Checks
from chaland.hub.loyalty.web.outreach.scope import Scope
from chaland.hub.loyalty.web.sales import shown
from chaland.hub.loyalty.web.sales.plans import OfferRow, Plan

CHECK, SAVE, SEND, ANNOUNCE = "check", "save", "send", "announce"
"""What the page's buttons do: look, keep, announce and write, announce and write to nobody."""
_AROUND = timedelta(days=7)


@dataclass
class Looked:
    """What a plan comes to. ``faults``: can't be read or kept; ``stops``: keep it from being
    announced; ``warnings``: to think about."""

    sale: PrivateSale | None = None
    campaign: Campaign | None = None
    faults: list[str] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    offers: Sequence[shown.Reduced] = ()
    places: int | None = None
    others: Sequence[str] = ()
    checks: Checks | None = None

    @property
    def announceable(self) -> bool:
        return not self.faults and not self.stops

    @property
    def sendable(self) -> bool:
        return self.announceable and self.checks is not None and not self.checks.against


def do(scope: Scope, plan: Plan, sale: PrivateSale | None, what: str) -> Looked:
    """Write a plan over a sale in preparation (None: a new one), look it over, and do ``what``.
    With CHECK, with faults, or where it can't be done as asked, nothing is kept."""
    looked = Looked()
    with transaction.atomic(using="loyalty"):
        _written(scope, plan, sale, looked)
        _look(scope, plan, looked)
        able = {SAVE: not looked.faults, SEND: looked.sendable, ANNOUNCE: looked.announceable}
        if able.get(what):
            _done(scope, plan, looked, what)
        if looked.faults or not able.get(what):
            transaction.set_rollback(True, using="loyalty")
    return looked


def choices(scope: Scope) -> list[tuple[str, list[tuple[str, str]]]]:
    """List what an offer can be of, grouped: everything, the shop's groups, its articles."""
    if scope.shop_id is None:
        return []
    articles = [(f"item:{a.item_id}", a.name) for a in prices.articles(scope.shop_id)]
    groups = [(f"group:{name}", name) for name in prices.groups(scope.shop_id)]
    found = [(_("Groups"), groups), (_("Articles"), sorted(articles, key=lambda each: each[1]))]
    whole = [(_("All"), [("all", _("everything with a price"))])]
    return [each for each in found if each[1]] + (whole if articles else [])


def set_offers(
    scope: Scope, sale_id: int, rows: Sequence[OfferRow], faults: list[str]
) -> list[Offer]:
    """Add a shop's offers to a sale; what can't be is told in ``faults``."""
    names = {what: label for _group, each in choices(scope) for what, label in each}
    names["all"] = _("Everything")
    found = []
    for row in rows:
        if not row.what:
            continue
        try:
            told = row.told(names)
            found.append(services.set_offer(sale_id, scope.shop_id or 0, told))
        except (SaleErrorFinal, ValueError) as error:
            faults.append(f"{names.get(row.what, row.what)}: {error}")
    return found


def _written(scope: Scope, plan: Plan, sale: PrivateSale | None, looked: Looked) -> None:
    try:
        starts_at, ends_at = plan.times(scope.zone)
    except ValueError:
        looked.faults.append(_("Give the day, and from when to when."))
        return
    told = SaleIn(scope.association.pk, scope.shop_id, plan.name, starts_at, ends_at, plan.door)
    try:
        if sale is None:
            looked.sale = services.create(told, scope.actor)
        else:
            for slot in sale.slots.all():
                services.remove_slot(sale.pk, slot.pk)
            for offer in sale.offers.filter(shop_id=scope.shop_id or 0):
                services.remove_offer(sale.pk, offer.shop_id, offer.pk)
            looked.sale = services.edit(sale.pk, told)
        _slots(scope, plan, looked.sale)
        _shops(scope, plan, looked.sale)
    except SaleErrorFinal as error:
        looked.faults.append(str(error))
        return
    if scope.shop_id is not None:
        set_offers(scope, looked.sale.pk, plan.offers, looked.faults)
    looked.campaign = _campaign(scope, plan, looked.sale, looked.faults)


def _slots(scope: Scope, plan: Plan, sale: PrivateSale) -> None:
    if plan.slot == "none":
        return
    try:
        slots, capacity = plan.slots(scope.zone), int(plan.capacity)
    except ValueError:
        raise SaleErrorFinal("capacity") from None
    for starts_at, ends_at in slots:
        services.set_slot(sale.pk, starts_at, ends_at, capacity)


def _shops(scope: Scope, plan: Plan, sale: PrivateSale) -> None:
    if scope.shop_id is not None:
        return
    known = Shop.objects.filter(association=scope.association).values_list("pk", flat=True)
    asked = {pk for pk in known if str(pk) in plan.shops}
    there = set(sale.shops.values_list("shop_id", flat=True))
    for shop_id in sorted(asked - there):
        services.add_shop(sale.pk, shop_id)
    for shop_id in sorted(there - asked):
        services.remove_shop(sale.pk, shop_id)


def _campaign(scope: Scope, plan: Plan, sale: PrivateSale, faults: list[str]) -> Campaign | None:
    found = sale.campaigns.filter(state=Campaign.State.DRAFT, controller=scope.controller).first()
    try:
        campaign = found or campaigns.create(
            scope.association.pk, scope.controller, name=sale.name, created_by=scope.actor,
            now=clock.now(), sale_id=sale.pk,
        )  # fmt: skip
    except CampaignErrorFinal as error:
        faults += error.reasons
        return None
    faults += drafts.save(campaign, plan.draft())
    return campaign


def _look(scope: Scope, plan: Plan, looked: Looked) -> None:
    sale, campaign, now = looked.sale, looked.campaign, clock.now()
    if sale is None:
        return
    looked.offers = shown.reduced(sale.offers.order_by("shop_id", "pk"))
    looked.stops = [str(each) for each in services.stops(sale)]
    looked.warnings = [shown.rule(rule) for rule in selectors.warnings(sale)]
    if any(each.deep for each in looked.offers):
        looked.warnings.append(
            _("More than half comes off: outside soldes nothing may be sold below its cost.")
        )
    slots = list(sale.slots.values_list("capacity", flat=True))
    looked.places = sum(slots) if slots else None
    looked.others = _others(scope, sale)
    if campaign is None:
        return
    # As it will stand once the sale is announced, in the same transaction.
    campaign.sale = sale
    sale.state = PrivateSale.State.OPEN
    send_at = plan.draft().looked_at(scope.zone, now)
    looked.checks = checks.look(scope, campaign, send_at, now)
    sale.state = PrivateSale.State.DRAFT


def _others(scope: Scope, sale: PrivateSale) -> list[str]:
    """Say which other sales the town has in these days."""
    around = selectors.calendar(
        scope.association.pk, sale.starts_at - _AROUND, sale.ends_at + _AROUND, scope.shop_id
    )
    names = dict(Shop.objects.filter(association=scope.association).values_list("pk", "name"))
    return [
        f"{shown.day(each.starts_at)}: "
        + (", ".join(names.get(pk, "–") for pk in each.shop_ids) or scope.association.name)
        for each in around
        if each.sale_id != sale.pk
    ]


def _done(scope: Scope, plan: Plan, looked: Looked, what: str) -> None:
    sale, campaign, now = looked.sale, looked.campaign, clock.now()
    if sale is None or what == SAVE:
        return
    try:
        services.open_sale(sale.pk)
        if what == SEND and campaign is not None:
            campaigns.schedule(campaign.pk, plan.draft().send_at(scope.zone, now), now)
    except SaleErrorFinal as error:
        looked.faults.append(str(error))
    except CampaignErrorFinal as error:
        looked.faults += error.reasons
