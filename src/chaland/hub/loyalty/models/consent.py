"""Consents: a chain of events per member, and the permissions that follow from it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from chaland.hub.loyalty.models.members import Member

THE_ASSOCIATION = 0
"""As ``controller``: the association itself; any other number is a shop's id."""


class Purpose(models.TextChoices):
    """What a contact or a purchase may be used for, beyond running the membership itself."""

    OFFERS = "offers", _("offers and private sales")
    REMINDERS = "reminders", _("reminders of points, stamps and birthday")
    PORTRAIT = "portrait", _("offers chosen from purchases")


class Channel(models.TextChoices):
    """By which way; a purpose that reaches nobody (the portrait) has none."""

    SMS = "sms", _("SMS")
    EMAIL = "email", _("e-mail")
    NONE = "none", _("no message")


class Wording(models.Model):
    """The text that was agreed to. Never changed (triggers): a new text is a new version.

    ``{controller}`` in it stands for the association's or the shop's name.
    """

    association_id = models.BigIntegerField()
    purpose = models.CharField(max_length=12, choices=Purpose)
    channel = models.CharField(max_length=8, choices=Channel)
    language = models.CharField(max_length=2)
    version = models.PositiveIntegerField()
    text = models.TextField()
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    imported_shop_id = models.BigIntegerField(null=True)
    """The shop whose own form said this, where a consent came with its customer file."""

    class Meta:
        verbose_name = _("wording")
        constraints = [
            models.UniqueConstraint(
                fields=["association_id", "purpose", "channel", "language", "version"],
                name="wording_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.channel} {self.language} v{self.version}"


class ConsentEvent(models.Model):
    """A consent given or withdrawn. Append-only (triggers); it names a chain, never a member.

    ``digest`` is SHA-256 of the previous digest and ``commitment``; ``commitment`` is HMAC-SHA-256
    of the event under the member's salt, so that erasing the member leaves a chain that verifies
    and says nothing of whom.
    """

    chain = models.UUIDField()
    position = models.PositiveIntegerField()
    controller = models.BigIntegerField()
    purpose = models.CharField(max_length=12, choices=Purpose)
    channel = models.CharField(max_length=8, choices=Channel)
    given = models.BooleanField()
    wording = models.ForeignKey(Wording, models.PROTECT, null=True)
    """Null for a withdrawal; the text that was shown for a consent."""
    place = models.CharField(max_length=16)
    """``till``, ``member``, ``import``, ``staff``, ``stop``: where it happened."""
    evidence = models.JSONField(default=dict)
    """Closed keys (``consent.rules.EVIDENCE``), never a name or a contact."""
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    commitment = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("consent event")
        constraints = [
            models.UniqueConstraint(fields=["chain", "position"], name="consent_position"),
        ]

    def __str__(self) -> str:
        return f"{self.chain} {self.position}"


class Permission(models.Model):
    """The state that a member's events lead to; rebuilt from them at any time."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="permissions")
    controller = models.BigIntegerField()
    purpose = models.CharField(max_length=12, choices=Purpose)
    channel = models.CharField(max_length=8, choices=Channel)
    given = models.BooleanField()
    since = models.DateTimeField()

    class Meta:
        verbose_name = _("permission")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "controller", "purpose", "channel"], name="permission_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["controller", "purpose", "channel", "given"], name="permission_audience"
            )
        ]

    def __str__(self) -> str:
        return f"member {self.member_id}: {self.purpose} {self.channel} {self.given}"
