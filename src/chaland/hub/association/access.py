"""Who may see what: the role of the signed-in user, and the decorators that every page carries.

A director sees the whole town of one association. A shopkeeper sees one shop, against the town.
Pages take the association and the shop from `current_role`, never from the address alone, so that
nobody reaches a neighbour's figures by changing a number in a link.
"""

from collections.abc import Callable
from functools import wraps
from typing import cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from chaland.hub.association.models import Shop, StaffRole, User

ROLE_SESSION_KEY = "role_id"
_CACHE = "_chaland_role"

View = Callable[..., HttpResponseBase]


def roles_of(user: User) -> list[StaffRole]:
    """List a user's roles, directors' first; none for a closed account."""
    if not user.is_active:
        return []
    roles = user.roles.select_related("association", "shop", "shop__zone").order_by("role", "id")
    return list(roles)


def current_role(request: HttpRequest) -> StaffRole | None:
    """Return the role under which the signed-in user works now, or None (anonymous, or no role).

    Someone with several roles works under one at a time: the one chosen, else the first.
    """
    if not hasattr(request, _CACHE):
        role = None
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            roles = roles_of(user)
            chosen = request.session.get(ROLE_SESSION_KEY)
            role = next((r for r in roles if r.pk == chosen), roles[0] if roles else None)
        setattr(request, _CACHE, role)
    return cast("StaffRole | None", getattr(request, _CACHE))


def required_role(request: HttpRequest) -> StaffRole:
    """Return the current role; PermissionDenied where there is none."""
    role = current_role(request)
    if role is None:
        raise PermissionDenied
    return role


def is_director(role: StaffRole | None) -> bool:
    """Say whether a role sees the whole town."""
    return role is not None and role.role == StaffRole.Role.DIRECTOR


def staff_required(view: View) -> View:
    """Let in any role; anonymous visitors go to sign-in, users without a role get 403."""
    return _guarded(view, director_only=False)


def director_required(view: View) -> View:
    """Let in directors only."""
    return _guarded(view, director_only=True)


def _guarded(view: View, *, director_only: bool) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        role = current_role(request)
        if role is None or (director_only and not is_director(role)):
            raise PermissionDenied
        timezone.activate(role.association.timezone)
        return view(request, *args, **kwargs)

    return guarded


def visible_shops(role: StaffRole) -> list[Shop]:
    """List the shops whose own figures a role may see: the town's for a director, else its one."""
    if is_director(role):
        return list(role.association.shops.select_related("zone"))
    return [role.shop] if role.shop else []
