"""The way into a member’s account: a link for a quarter of an hour, then a cookie for a month."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import models, transaction
from django.urls import reverse

from chaland.hub.common import clock
from chaland.hub.loyalty.members import services as members
from chaland.hub.loyalty.models import AccountKey, Member

LINK_LIVES = timedelta(minutes=15)
SESSION_LIVES = timedelta(days=30)
_Kind = AccountKey.Kind


def account_link(member_id: int, actor: str) -> str:
    """Make a link that opens a member's account once, and return its path, to be shown as QR to
    the member who is present. Its token names nobody, and is stored as a hash only."""
    return reverse("account_open", args=[_make(member_id, _Kind.LINK, LINK_LIVES, actor)])


def open_link(token: str) -> str | None:
    """Use a link once; return the token of the session that it begins, or None (used, too old)."""
    with transaction.atomic(using="loyalty"):
        unused = _valid(token, _Kind.LINK).filter(used_at__isnull=True)
        if not unused.update(used_at=clock.real_now()):
            return None
        member_id = AccountKey.objects.get(token_hash=_hash(token)).member_id
        members.note_contact(member_id)
        return _make(member_id, _Kind.SESSION, SESSION_LIVES, "member")


def member_of(token: str) -> Member | None:
    """Return the member of a session, or None (unknown, over, or merged into another)."""
    key = _valid(token, _Kind.SESSION).select_related("member").first()
    if key is None or key.member.state == Member.State.MERGED:
        return None
    return key.member


def close(member_id: int) -> None:
    """End all of a member's sessions and links, on whatever device."""
    AccountKey.objects.filter(member=member_id).delete()


def prune(_now: datetime) -> int:
    """Delete what is over; return how many."""
    return AccountKey.objects.filter(expires_at__lte=clock.real_now()).delete()[0]


def _valid(token: str, kind: AccountKey.Kind) -> models.QuerySet[AccountKey]:
    return AccountKey.objects.filter(
        token_hash=_hash(token), kind=kind, expires_at__gt=clock.real_now()
    )


def _make(member_id: int, kind: AccountKey.Kind, lives: timedelta, actor: str) -> str:
    token, now = secrets.token_urlsafe(24), clock.real_now()
    AccountKey.objects.create(
        member_id=member_id,
        kind=kind,
        token_hash=_hash(token),
        made_at=now,
        made_by=actor,
        expires_at=now + lives,
    )
    return token


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
