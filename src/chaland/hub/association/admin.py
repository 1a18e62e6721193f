"""The stock administration, for whoever looks after the server.

Superusers see everything. Other staff see the things of the associations that they direct, and
nothing else; accounts and roles are the superuser's.
"""
# ruff: noqa: ARG002  # Django asks for permissions with more than each of them needs

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Field, Model, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chaland.hub.association.models import (
    Association,
    Invitation,
    OpeningHours,
    Shop,
    StaffRole,
    User,
    Zone,
)

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _StockUserAdmin = StockUserAdmin[User]
    _Inline = admin.TabularInline[OpeningHours, Shop]
else:  # Django's classes are generic to the type checker only
    _ModelAdmin, _StockUserAdmin, _Inline = admin.ModelAdmin, StockUserAdmin, admin.TabularInline

admin.site.site_header = admin.site.site_title = "Chaland"
admin.site.unregister(Group)


def _directed(request: HttpRequest) -> QuerySet[Association]:
    """The associations that a user directs."""
    if not request.user.is_authenticated:
        return Association.objects.none()
    return Association.objects.filter(
        staff__user_id=request.user.pk, staff__role=StaffRole.Role.DIRECTOR
    )


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))


class TenantAdmin(_ModelAdmin):
    """Shows and changes an association's things to its directors only."""

    association_path = "association"
    """Field path from the model to its association; empty for the association itself."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if _is_superuser(request):
            return rows
        lookup = f"{self.association_path}__in" if self.association_path else "pk__in"
        return rows.filter(**{lookup: _directed(request)})

    def _may(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if _is_superuser(request):
            return True
        if not request.user.is_active or not getattr(request.user, "is_staff", False):
            return False
        if obj is None:
            return _directed(request).exists()
        return self.get_queryset(request).filter(pk=obj.pk).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, obj)

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> "ModelChoiceField[Any] | None":
        """Offer the directed associations' things only."""
        if not _is_superuser(request):
            related = db_field.remote_field.model
            names = {field.name for field in related._meta.get_fields() if isinstance(field, Field)}
            if related is Association:
                kwargs["queryset"] = _directed(request)
            elif "association" in names:
                kwargs["queryset"] = related.objects.filter(association__in=_directed(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class SuperuserAdmin(_ModelAdmin):
    """Accounts and roles decide who sees what: the superuser's alone."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_superuser(request)

    has_change_permission = has_delete_permission = has_view_permission
    has_add_permission = has_module_permission


@admin.register(Association)
class AssociationAdmin(TenantAdmin):
    association_path = ""
    list_display = ["name", "town", "timezone", "simulated"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_superuser(request)


@admin.register(Zone)
class ZoneAdmin(TenantAdmin):
    list_display = ["name", "association"]
    prepopulated_fields = {"slug": ["name"]}


class OpeningHoursInline(_Inline):
    """A shop's hours; who may change the shop may change them."""

    model = OpeningHours
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    has_change_permission = has_delete_permission = has_add_permission = has_view_permission


@admin.register(Shop)
class ShopAdmin(TenantAdmin):
    list_display = ["name", "zone", "trade", "association"]
    list_filter = ["association"]
    search_fields = ["name", "trade"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [OpeningHoursInline]


@admin.register(StaffRole)
class StaffRoleAdmin(SuperuserAdmin):
    list_display = ["user", "role", "shop", "association"]
    list_filter = ["association", "role"]


@admin.register(Invitation)
class InvitationAdmin(SuperuserAdmin):
    list_display = ["email", "role", "shop", "expires_at", "accepted_at"]
    exclude = ["token_hash"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(SuperuserAdmin, _StockUserAdmin):
    ordering = ["email"]
    list_display = ["email", "name", "is_active", "is_staff"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    search_fields = ["email", "name"]
    filter_horizontal = []
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("person"), {"fields": ("name", "language")}),
        (_("access"), {"fields": ("is_active", "is_staff", "is_superuser")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "password1", "password2")}),)
