"""How a member opens the own account: no password, a link that the till shows."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from chaland.hub.loyalty.models.members import Member


class AccountKey(models.Model):
    """What opens a member's account: the link of a quarter of an hour, once, or the session that
    it began. Only the SHA-256 of the token is kept."""

    class Kind(models.TextChoices):
        LINK = "link", _("link")
        SESSION = "session", _("session")

    member = models.ForeignKey(Member, models.CASCADE, related_name="account_keys")
    kind = models.CharField(max_length=8, choices=Kind)
    token_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=80)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    """Of a link: when it was opened. It opens once."""

    class Meta:
        verbose_name = _("key of an account")
        indexes = [models.Index(fields=["expires_at"], name="account_key_expiry")]

    def __str__(self) -> str:
        return f"{self.kind} of member {self.member_id}"


class Departure(models.Model):
    """A member has left: all rests, and is erased on a day; until then it can be undone."""

    member = models.OneToOneField(Member, models.CASCADE, related_name="departure")
    asked_at = models.DateTimeField()
    erases_at = models.DateTimeField()
    was_paused = models.BooleanField()

    class Meta:
        verbose_name = _("departure")
        indexes = [models.Index(fields=["erases_at"], name="departure_due")]

    def __str__(self) -> str:
        return f"member {self.member_id}"
