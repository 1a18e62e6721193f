"""Writes: associations, zones, shops, hours and staff. Each call does all of its work, or none."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from chaland.hub.association import selectors
from chaland.hub.association.models import (
    Association,
    Invitation,
    OpeningHours,
    Shop,
    StaffRole,
    User,
    Zone,
)
from chaland.hub.association.rules import Week, split_at_midnight
from chaland.hub.association.shop_csv import ShopRow, slug_of

INVITATION_LIFETIME = timedelta(days=14)


class AlreadySetUpFinal(Exception):
    """An association exists already; its director invites others."""


class AlreadyStaffFinal(Exception):
    """The person has this role already."""


class InvitationUsedFinal(Exception):
    """The invitation was accepted or withdrawn meanwhile, or its address has an account now."""


class LastDirectorFinal(Exception):
    """Without a director nobody could open the settings again."""


def setup_token() -> str:
    """Return the token that opens the first-run guide: known to who reads the server's console.

    Derived from the secret key (96 bits), so that every process knows it and nothing is stored.
    """
    digest = salted_hmac("chaland.setup", "first director", settings.SECRET_KEY).hexdigest()[:24]
    return "-".join(digest[at : at + 6] for at in range(0, 24, 6))


def is_setup_token(given: str) -> bool:
    """Compare a token as typed (case and spaces forgiven) without leaking where it differs."""
    return constant_time_compare("".join(given.lower().split()), setup_token())


@dataclass(frozen=True, slots=True)
class Founder:
    """The first director's account."""

    email: str
    name: str
    password: str
    language: str


def found_association(*, name: str, town: str, timezone: str, founder: Founder) -> User:
    """Make the association and its first director; AlreadySetUpFinal where one exists."""
    try:
        with transaction.atomic():
            if selectors.is_set_up():
                raise AlreadySetUpFinal
            user = User.objects.create_user(
                founder.email, founder.password, name=founder.name, language=founder.language
            )
            association = Association.objects.create(name=name, town=town, timezone=timezone)
            _give_role(user, association, StaffRole.Role.DIRECTOR, None)
    except IntegrityError as error:  # the form was sent twice at once
        raise AlreadySetUpFinal from error
    return user


def _give_role(user: User, association: Association, role: str, shop: Shop | None) -> StaffRole:
    given, made = StaffRole.objects.get_or_create(
        user=user, association=association, role=role, shop=shop
    )
    if not made:
        raise AlreadyStaffFinal
    return given


def save_zone(zone: Zone) -> Zone:
    """Store a zone; its slug follows its name."""
    zone.slug = slug_of(zone.name)
    zone.save()
    return zone


def save_shop(shop: Shop) -> Shop:
    """Store a shop; its slug follows its name."""
    shop.slug = slug_of(shop.name)
    shop.save()
    return shop


@transaction.atomic
def set_week(shops: Sequence[Shop], week: Week) -> None:
    """Give shops these opening hours in place of theirs."""
    OpeningHours.objects.filter(shop__in=shops).delete()
    OpeningHours.objects.bulk_create(
        OpeningHours(shop=shop, weekday=weekday, opens=opening.opens, closes=opening.closes)
        for shop in shops
        for weekday, opening in split_at_midnight(week)
    )


@dataclass(frozen=True, slots=True)
class ImportReceipt:
    """What an import did, and the invitations to hand out: pairs of invitation and token."""

    made: int
    changed: int
    zones_made: int
    invitations: list[tuple[Invitation, str]]


@transaction.atomic
def import_shops(
    association: Association, rows: Sequence[ShopRow], by: User, now: datetime
) -> ImportReceipt:
    """Make or change the shops of a file: all of them, or none where anything fails.

    A shop is the one of the same name. Hours are replaced only where the file has columns of days;
    an empty trade or place leaves what is known.
    """
    zones = {zone.slug: zone for zone in association.zones.all()}
    shops = {shop.slug: shop for shop in association.shops.all()}
    known, known_zones = len(shops), len(zones)
    invitations = []
    for row in rows:
        zone_slug = slug_of(row.zone)
        if zone_slug not in zones:
            zones[zone_slug] = save_zone(Zone(association=association, name=row.zone))
        shop = shops.setdefault(row.slug, Shop(association=association))
        shop.name, shop.zone = row.name, zones[zone_slug]
        shop.trade = row.trade or shop.trade
        if row.latitude is not None:
            shop.latitude, shop.longitude = row.latitude, row.longitude
        save_shop(shop)
        if row.week is not None:
            set_week([shop], row.week)
        if row.email and not _is_expected(shop, row.email):
            invitations.append(invite(association, row.email, shop, by, now))
    made = len(shops) - known
    return ImportReceipt(made, len(rows) - made, len(zones) - known_zones, invitations)


def _is_expected(shop: Shop, email: str) -> bool:
    """Say whether a shopkeeper is on the staff or invited already."""
    return (
        shop.staff.filter(user__email=email).exists()
        or shop.invitations.filter(email=email, accepted_at__isnull=True).exists()
    )


@transaction.atomic
def invite(
    association: Association, email: str, shop: Shop | None, by: User, now: datetime
) -> tuple[Invitation, str]:
    """Invite a shopkeeper (with a shop) or a director; an older open invitation is replaced.

    Returns the invitation and its token, which can't be read again: only its hash is stored.
    """
    role = StaffRole.Role.SHOPKEEPER if shop else StaffRole.Role.DIRECTOR
    email = email.lower()
    if association.staff.filter(user__email=email, role=role, shop=shop).exists():
        raise AlreadyStaffFinal
    association.invitations.filter(
        email=email, role=role, shop=shop, accepted_at__isnull=True
    ).delete()
    token = secrets.token_urlsafe(24)
    invitation = Invitation.objects.create(
        association=association,
        email=email,
        role=role,
        shop=shop,
        token_hash=selectors.token_hash(token),
        invited_by=by,
        expires_at=now + INVITATION_LIFETIME,
    )
    return invitation, token


@transaction.atomic
def renew_invitation(invitation: Invitation, now: datetime) -> str:
    """Give an open invitation a new link, valid from now; the old link stops working."""
    token = secrets.token_urlsafe(24)
    invitation.token_hash = selectors.token_hash(token)
    invitation.expires_at = now + INVITATION_LIFETIME
    invitation.save(update_fields=["token_hash", "expires_at"])
    return token


@transaction.atomic
def accept_invitation(invitation: Invitation, user: User, now: datetime) -> StaffRole:
    """Let a user in by an invitation, once; the caller has checked that it is theirs.

    Raises InvitationUsedFinal when it is open no more: a form may be sent twice at once.
    """
    still_open = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, expires_at__gt=now)
    if user.email != invitation.email or not still_open.update(accepted_at=now):
        raise InvitationUsedFinal
    role, _made = StaffRole.objects.get_or_create(
        user=user,
        association=invitation.association,
        role=invitation.role,
        shop=invitation.shop,
    )
    return role


def join_by_invitation(
    invitation: Invitation, name: str, password: str, language: str, now: datetime
) -> User:
    """Make the invited person's account and let them in; InvitationUsedFinal where one exists."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                invitation.email, password, name=name, language=language
            )
            accept_invitation(invitation, user, now)
    except IntegrityError as error:  # the form was sent twice at once
        raise InvitationUsedFinal from error
    return user


@transaction.atomic
def remove_role(role: StaffRole) -> None:
    """Take a role away; LastDirectorFinal for the last director. The account itself stays."""
    if role.role == StaffRole.Role.DIRECTOR and selectors.directors(role.association) <= 1:
        raise LastDirectorFinal
    role.delete()


def finish_guide(association: Association, now: datetime) -> None:
    """Note that the set-up is done: from now on its pages are the settings."""
    if association.guide_finished_at is None:
        association.guide_finished_at = now
        association.save(update_fields=["guide_finished_at"])
