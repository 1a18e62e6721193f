"""Whose programmes a page is about: the coalition's for a director, one shop's for its keeper."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from chaland.hub.association.access import is_director, required_role
from chaland.hub.association.models import Association, Shop
from chaland.hub.loyalty.models import Programme
from chaland.hub.loyalty.programmes.selectors import programmes_of


@dataclass(frozen=True)
class Scope:
    """The association, the shop (None: the coalition), and who acts."""

    association: Association
    shop: Shop | None
    actor: str

    @property
    def shop_id(self) -> int | None:
        return self.shop.pk if self.shop else None


def scope_of(request: HttpRequest) -> Scope:
    """Return whose programmes the role may see and change; PermissionDenied where nobody's."""
    role = required_role(request)
    if not is_director(role) and role.shop is None:
        raise PermissionDenied
    shop = None if is_director(role) else role.shop
    return Scope(role.association, shop, f"user:{request.user.pk}")


def programme_of(scope: Scope, programme_id: int) -> Programme:
    """Return a programme of the scope; 404 for another's."""
    return get_object_or_404(programmes_of(scope.association.pk, scope.shop_id), pk=programme_id)
