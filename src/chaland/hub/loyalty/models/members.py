"""Members, and who looked them up. Contacts are sealed; a blind index finds them again."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from chaland.hub.loyalty.fields import KeyField, SealedTextField


class Member(models.Model):
    """A customer who joined. Erasure deletes this row; accounts and consents stay, nameless."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")  # by the member: nothing is earned, sent or shown
        MERGED = "merged", _("merged")

    association_id = models.BigIntegerField()
    first_name = models.CharField(_("first name"), max_length=60, blank=True)
    last_name = models.CharField(_("last name"), max_length=60, blank=True)
    name_key = KeyField(max_length=130, blank=True)
    """SURNAME FIRSTNAME without accents, in capitals (``members.rules.name_key``)."""
    given_key = KeyField(max_length=130, blank=True)
    """The same, FIRSTNAME SURNAME: a till is typed either. `set_name` keeps both."""
    phone = SealedTextField(_("mobile number"), null=True)
    """E.164. ``phone_index`` is its blind index, ``digits_index`` that of last four and month."""
    phone_index = models.BinaryField(max_length=16, null=True)
    digits_index = models.BinaryField(max_length=16, null=True)
    email = SealedTextField(_("e-mail address"), null=True)
    email_index = models.BinaryField(max_length=16, null=True)
    birth_day = models.PositiveSmallIntegerField(_("day of birth"), null=True, blank=True)
    birth_month = models.PositiveSmallIntegerField(_("month of birth"), null=True, blank=True)
    """Never a year (L17)."""
    over_15_on = models.DateField(null=True)
    """When it was declared that the member is 15 or older."""
    language = models.CharField(_("language"), max_length=2, default="fr")
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    merged_into = models.ForeignKey("self", models.SET_NULL, null=True, related_name="merged")
    card_version = models.PositiveSmallIntegerField(default=1)
    """Raised to make a lost card worthless (``members.cards``)."""
    chain = models.UUIDField(default=uuid.uuid4, unique=True)
    """Names the chain of consents; what is left of it after erasure names nobody."""
    chain_salt = models.BinaryField(max_length=32)
    """Goes with this row: without it a commitment in the chain says nothing."""
    chain_position = models.PositiveIntegerField(default=0)
    chain_digest = models.CharField(max_length=64, blank=True)
    """The chain's length and head, so that an end cut off is seen."""
    enrolled_at = models.DateTimeField()
    enrolled_shop_id = models.BigIntegerField(null=True)
    enrolled_by = models.CharField(max_length=80)
    last_active_on = models.DateField()
    """The last purchase or contact that the member began (L13): opening a mail is none."""

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(fields=["association_id", "phone_index"], name="member_phone"),
            models.UniqueConstraint(fields=["association_id", "email_index"], name="member_email"),
            models.CheckConstraint(
                condition=models.Q(birth_month__isnull=True)
                | models.Q(birth_month__range=(1, 12), birth_day__range=(1, 31)),
                name="member_birthday",
            ),
        ]
        indexes = [
            models.Index(fields=["association_id", "name_key"], name="member_name"),
            models.Index(fields=["association_id", "given_key"], name="member_given"),
            models.Index(fields=["association_id", "digits_index"], name="member_digits"),
            models.Index(fields=["association_id", "last_active_on"], name="member_active"),
        ]

    def __str__(self) -> str:
        return f"member {self.pk}"


class ShopCustomer(models.Model):
    """That a member is a shop's own customer: the shop may see the member's purchases there."""

    class How(models.TextChoices):
        ENROLLED = "enrolled", _("enrolled here")
        BOUGHT = "bought", _("bought here")
        IMPORTED = "imported", _("from the shop’s own file")

    member = models.ForeignKey(Member, models.CASCADE, related_name="shops")
    shop_id = models.BigIntegerField()
    since = models.DateTimeField()
    how = models.CharField(max_length=8, choices=How)

    class Meta:
        verbose_name = _("shop’s customer")
        constraints = [models.UniqueConstraint(fields=["member", "shop_id"], name="customer_once")]
        indexes = [models.Index(fields=["shop_id", "since"], name="customer_shop")]

    def __str__(self) -> str:
        return f"member {self.member_id} at shop {self.shop_id}"


class Surname(models.Model):
    """A surname in use: the dictionary for names with typing errors (``members.typos``)."""

    association_id = models.BigIntegerField()
    key = KeyField(max_length=65)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["association_id", "key"], name="surname_once")
        ]

    def __str__(self) -> str:
        return str(self.key)


class Lookup(models.Model):
    """One question to the register of members: who asked, how, and how many were shown (L22)."""

    class Kind(models.TextChoices):
        PHONE = "phone", _("by telephone number")
        EMAIL = "email", _("by e-mail address")
        NAME = "name", _("by name")
        TYPO = "typo", _("by a name with typing errors")
        DIGITS = "digits", _("by last digits and month of birth")
        CARD = "card", _("by card")
        FILE = "file", _("by the shop’s own customer file")
        OPENED = "opened", _("page opened")

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=80)
    """``till:3 seller:5``, ``user:7`` or ``key:2``: who asked."""
    device = models.CharField(max_length=40)
    """The first word of ``actor``: what the quota counts by, whoever stands at the till."""
    kind = models.CharField(max_length=8, choices=Kind)
    at = models.DateTimeField()
    shown = models.PositiveSmallIntegerField()
    missed = models.PositiveSmallIntegerField(default=0)
    """Of a file, which asks many at once: how many of its rows found nobody."""

    class Meta:
        verbose_name = _("look-up")
        indexes = [  # wide enough to count a day's look-ups without reading the table
            models.Index(fields=["device", "at", "kind", "shown"], name="lookup_device"),
            models.Index(fields=["shop_id", "at", "kind", "shown"], name="lookup_shop"),
            models.Index(fields=["at"], name="lookup_at"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.kind} {self.at:%Y-%m-%d %H:%M}"


class LookupHit(models.Model):
    """A member who was shown in the answer to a look-up; the member sees these."""

    lookup = models.ForeignKey(Lookup, models.CASCADE, related_name="hits")
    member = models.ForeignKey(Member, models.CASCADE, related_name="lookups")

    class Meta:
        verbose_name = _("look-up of a member")

    def __str__(self) -> str:
        return f"member {self.member_id} in look-up {self.lookup_id}"


class CustomerFile(models.Model):
    """A shop's customer file on its way in: kept sealed between preview and decision, a day."""

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    name = models.CharField(max_length=120)
    content = SealedTextField(null=True)
    columns = models.JSONField(default=dict)
    uploaded_by = models.CharField(max_length=80)
    uploaded_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    report = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("customer file")

    def __str__(self) -> str:
        return f"{self.name}, shop {self.shop_id}"


class DuplicateProposal(models.Model):
    """Two members who may be one person; somebody decides, nothing is merged by itself."""

    class State(models.TextChoices):
        OPEN = "open", _("to decide")
        MERGED = "merged", _("merged")
        REFUSED = "refused", _("two persons")

    member = models.ForeignKey(Member, models.CASCADE, related_name="duplicates")
    other = models.ForeignKey(Member, models.CASCADE, related_name="duplicates_of")
    shop_id = models.BigIntegerField()
    reason = models.CharField(max_length=120)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("possible duplicate")
        constraints = [models.UniqueConstraint(fields=["member", "other"], name="duplicate_once")]

    def __str__(self) -> str:
        return f"{self.member_id} and {self.other_id}"
