"""A plan written as a sale, with its offers, slots and campaign; looked over before the button.

Looking is the same as doing, undone at the end of the transaction: what the page shows is what the
button would meet. What takes longer is looked at before it (the prices of very many articles) or
after it (the audience, the town's calendar): on SQLite a transaction that writes keeps every till
waiting.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.models import Campaign, CampaignText, Channel, Offer, PrivateSale, Slot
from chaland.hub.loyalty.outreach import campaigns
from chaland.hub.loyalty.outreach.campaigns import CampaignErrorFinal
from chaland.hub.loyalty.sales import offers, prices, selectors, services
from chaland.hub.loyalty.sales.offers import OfferIn
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.sales.services import SaleIn
from chaland.hub.loyalty.web.outreach import checks, drafts, samples
from chaland.hub.loyalty.web.outreach.checks import Checks, Texts
from chaland.hub.loyalty.web.outreach.scope import Scope
from chaland.hub.loyalty.web.sales import plans, shown
from chaland.hub.loyalty.web.sales.offer_rows import OfferRow
from chaland.hub.loyalty.web.sales.plans import Plan

CHECK, SAVE, SEND, ANNOUNCE = "check", "save", "send", "announce"
"""What the page's buttons do: look, keep, announce and write, announce and write to nobody."""
_AROUND = timedelta(days=7)
_GROUPS_AT_MOST = 200


@dataclass
class Looked:
    """What a plan comes to. ``faults``: can't be read or kept; ``stops``: keep it from being
    announced; ``warnings``: to think about; ``kept``: it was done as asked."""

    sale: PrivateSale | None = None
    campaign: Campaign | None = None
    faults: list[str] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    offers: Sequence[shown.Reduced] = ()
    places: int | None = None
    others: Sequence[str] = ()
    texts: Texts | None = None
    checks: Checks | None = None
    kept: bool = False

    @property
    def announceable(self) -> bool:
        return not self.faults and not self.stops

    @property
    def sendable(self) -> bool:
        return self.announceable and self.texts is not None and not self.texts.against

    @property
    def crowded(self) -> bool:
        """Whether more are invited than there are places to book."""
        chosen = sum(n or 0 for _channel, n in self.checks.chosen) if self.checks else 0
        return self.places is not None and self.places < chosen

    def able(self, what: str) -> bool:
        """Say whether a button can do what it says."""
        able = {SAVE: not self.faults, SEND: self.sendable, ANNOUNCE: self.announceable}
        return able.get(what, False)


def do(scope: Scope, plan: Plan, sale: PrivateSale | None, what: str) -> Looked:
    """Write a plan over a sale in preparation (None: a new one), look it over, and do ``what``.
    With CHECK, with faults, or where it can't be done as asked, nothing is kept."""
    looked, now = Looked(), clock.now()
    told = read_offers(scope, plan.offers, looked.faults)
    with suppress(ValueError):  # `_written` says so
        _look_ahead(scope, plan, sale, told)
    with transaction.atomic(using="loyalty"):
        _written(scope, plan, sale, told, looked)
        _look(scope, plan, looked, now)
        able = looked.able(what)
        if able:
            _done(scope, plan, looked, what)
        looked.kept = able and not looked.faults
        if not looked.kept:
            transaction.set_rollback(True, using="loyalty")
    if not looked.kept:
        _look_around(scope, plan, looked, now)
    return looked


def mail(
    scope: Scope, plan: Plan, sale: PrivateSale | None, language: str, case: str
) -> str | None:
    """Return the invitation by e-mail as a reader gets it (`samples.cases`), HTML; None where the
    plan or its text can't be written. Nothing is kept."""
    looked, found = Looked(), None
    typed = plan.words.get((Channel.EMAIL, language))
    with transaction.atomic(using="loyalty"):
        _written(scope, replace(plan, slot=plans.NO_SLOTS), sale, (), looked)  # they aren't in it
        if looked.campaign is not None:
            texts = CampaignText.objects.filter(campaign=looked.campaign, channel=Channel.EMAIL)
            text = texts.filter(language=language).first()
            if text is not None and drafts.Words.of(text) == typed:
                found = samples.mail(text, looked.campaign, case).html
        transaction.set_rollback(True, using="loyalty")
    return found


def choices(scope: Scope) -> dict[str, list[str]]:
    """Return the ``groups`` that an offer can be of, beside everything and single articles, which
    are searched for; empty where no price is on record."""
    if scope.shop_id is None or not prices.numbers(scope.shop_id).exists():
        return {}
    return {"groups": prices.groups(scope.shop_id, _GROUPS_AT_MOST)}


def read_offers(scope: Scope, rows: Iterable[OfferRow], faults: list[str]) -> list[OfferIn]:
    """Return a shop's offers as typed; what can't be read is told in ``faults``."""
    found: list[OfferIn] = []
    if scope.shop_id is None:
        return found
    for row in rows:
        try:
            found += [offers.checked(row.told(scope.shop_id))] if row.what else []
        except (SaleErrorFinal, ValueError) as error:
            faults.append(_("%(name)s: %(why)s") % {"name": row.name, "why": error})
    return found


def look_ahead(found: Iterable[Offer], day: date) -> None:
    """Look at offers' prices before a sale is locked (`offers.look`)."""
    for offer in found:
        offers.look(offer, day)


def set_offers(scope: Scope, sale: PrivateSale, told: Iterable[OfferIn]) -> None:
    """Add a shop's offers to a sale. SaleErrorFinal where one can't be."""
    for each in told:
        services.set_offer(sale.pk, scope.shop_id or 0, each)


def _look_ahead(
    scope: Scope, plan: Plan, sale: PrivateSale | None, told: Iterable[OfferIn]
) -> None:
    day = plan.times(scope.zone)[0].date()
    look_ahead((offers.made(each, scope.shop_id or 0) for each in told), day)
    if sale is not None:
        look_ahead(sale.offers.exclude(shop_id=scope.shop_id or 0), day)


def _written(
    scope: Scope, plan: Plan, sale: PrivateSale | None, told: Sequence[OfferIn], looked: Looked
) -> None:
    try:
        starts_at, ends_at = plan.times(scope.zone)
    except ValueError:
        looked.faults.append(_("Give the day, and from when to when."))
        return
    days = SaleIn(scope.association.pk, scope.shop_id, plan.name, starts_at, ends_at, plan.door)
    try:
        were = [] if sale is None else list(sale.slots.all())
        moved = timedelta(0)
        if sale is None:
            looked.sale = services.create(days, scope.actor)
        else:
            moved = starts_at.date() - sale.starts_at.astimezone(scope.zone).date()
            for slot in were:
                services.remove_slot(sale.pk, slot.pk)
            for offer in sale.offers.filter(shop_id=scope.shop_id or 0):
                services.remove_offer(sale.pk, offer.shop_id, offer.pk)
            looked.sale = services.edit(sale.pk, days)
        _slots(scope, plan, looked.sale, were, moved)
        _shops(scope, plan, looked.sale)
        set_offers(scope, looked.sale, told)
    except (SaleErrorFinal, ValueError) as error:
        looked.faults.append(str(error))
        return
    looked.campaign = _campaign(scope, plan, looked.sale, looked.faults)


def _slots(
    scope: Scope, plan: Plan, sale: PrivateSale, were: Sequence[Slot], moved: timedelta
) -> None:
    """Make the slots; those that were changed one by one stay, and move with the sale's day."""
    if plan.slot == plans.NO_SLOTS:
        return
    if plan.slot == plans.KEPT:
        for slot in were:
            begins, ends = (at.astimezone(scope.zone) for at in (slot.starts_at, slot.ends_at))
            services.set_slot(sale.pk, begins + moved, ends + moved, slot.capacity)
        return
    slots = plan.slots(scope.zone)
    if not (plan.capacity.isascii() and plan.capacity.isdecimal() and len(plan.capacity) < 9):
        raise SaleErrorFinal("capacity")
    for starts_at, ends_at in slots:
        services.set_slot(sale.pk, starts_at, ends_at, int(plan.capacity))


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
    if plan.who not in plans.AUDIENCES and (found is None or plan.who != plans.KEPT):
        faults.append(_("Choose who is invited."))  # and nobody by mistake
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


def _look(scope: Scope, plan: Plan, looked: Looked, now: datetime) -> None:
    sale, campaign = looked.sale, looked.campaign
    if sale is None:
        return
    looked.offers = shown.reduced(sale.offers.order_by("shop_id", "pk"))
    looked.stops = [str(each) for each in services.stops(sale)]
    looked.warnings = [shown.rule(rule) for rule in selectors.warnings(sale)]
    if any(each.deep for each in looked.offers):
        looked.warnings.append(
            _("More than half comes off: outside soldes nothing may be sold below its cost.")
        )
    silent = list(sale.shops.filter(agreed_at=None).values_list("shop_id", flat=True))
    if silent:
        names = Shop.objects.filter(pk__in=silent).order_by("name").values_list("name", flat=True)
        told = {"shops": ", ".join(names)}
        looked.warnings.append(
            _("Not answered yet, and not announced unless they agree: %(shops)s.") % told
        )
    slots = list(sale.slots.values_list("capacity", flat=True))
    looked.places = sum(slots) if slots else None
    if campaign is None:
        return
    # As it will stand once the sale is announced, in the same transaction.
    campaign.sale = sale
    sale.state = PrivateSale.State.OPEN
    looked.texts = checks.texts(campaign, plan.draft().looked_at(scope.zone, now), now)
    sale.state = PrivateSale.State.DRAFT


def _look_around(scope: Scope, plan: Plan, looked: Looked, now: datetime) -> None:
    """Look at what a sale's own rows don't decide: they may be gone by now."""
    if looked.sale is None:
        return
    looked.others = _others(scope, looked.sale)
    if looked.campaign is not None and looked.texts is not None:
        send_at = plan.draft().looked_at(scope.zone, now)
        looked.checks = checks.look(scope, looked.campaign, send_at, now, looked.texts)


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
