"""Whose campaigns a page is about: the association's for a director, one shop's for its keeper."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from chaland.hub.association.access import is_director, required_role
from chaland.hub.association.models import Association, Shop
from chaland.hub.loyalty.models import THE_ASSOCIATION, Campaign


@dataclass(frozen=True)
class Scope:
    """The association, the shop (None: the association itself), and who acts."""

    association: Association
    shop: Shop | None
    actor: str

    @property
    def shop_id(self) -> int | None:
        return self.shop.pk if self.shop else None

    @property
    def controller(self) -> int:
        """Whose consent its campaigns rest on."""
        return self.shop.pk if self.shop else THE_ASSOCIATION

    @property
    def name(self) -> str:
        """Who writes, as members read it."""
        return self.shop.name if self.shop else self.association.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.association.timezone)


def scope_of(request: HttpRequest) -> Scope:
    """Return whose campaigns the role may see and change; PermissionDenied where nobody's."""
    role = required_role(request)
    if not is_director(role) and role.shop is None:
        raise PermissionDenied
    shop = None if is_director(role) else role.shop
    return Scope(role.association, shop, f"user:{request.user.pk}")


def campaigns_of(scope: Scope) -> QuerySet[Campaign]:
    """Return the scope's own campaigns: a director sees no shop's texts or people, either."""
    return Campaign.objects.filter(
        association_id=scope.association.pk, controller=scope.controller
    ).select_related("sale")


def tells_of_people(scope: Scope, campaign: Campaign) -> bool:
    """Say whether who got a campaign's message tells the association something of a person: what
    they bought, when they were born. It then sees no name and no exact number (L19), but of what
    went wrong; a shop knows its own customers."""
    return scope.shop is None and bool(campaign.criteria or campaign.automatic)


def campaign_of(scope: Scope, campaign_id: int) -> Campaign:
    """Return a campaign of the scope; 404 for another's."""
    return get_object_or_404(campaigns_of(scope), pk=campaign_id)
