"""Programmes: what is earned, what it buys, and the advantages that members have all year."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from chaland.hub.loyalty.models.ledger import Asset, Sponsor
from chaland.hub.loyalty.models.members import Member


class Programme(models.Model):
    """One asset and the rules by which it is earned: the coalition's, or one shop's."""

    class Returns(models.TextChoices):
        DEBT = "debt", _("what is missing is owed, and repaid by what is earned next")
        BALANCE = "balance", _("only what is still there is taken back; the shop bears the rest")

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField(null=True)
    """Null: the coalition's."""
    asset = models.OneToOneField(Asset, models.PROTECT, related_name="programme")
    name = models.CharField(_("name"), max_length=80)
    active = models.BooleanField(_("active"), default=True)
    expires_after_months = models.PositiveSmallIntegerField(_("lapses after months"), null=True)
    returns = models.CharField(
        _("on a return"), max_length=8, choices=Returns, default=Returns.DEBT
    )
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"), null=True, blank=True)

    class Meta:
        verbose_name = _("programme")
        verbose_name_plural = _("programmes")

    def __str__(self) -> str:
        return self.name


class Rule(models.Model):
    """One way to earn. Never changed once it has earned: a change ends it and begins another.

    ``kind`` and ``parameters`` are one of ``programmes.rules``' closed list, checked there.
    """

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="rules")
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(max_length=16)
    parameters = models.JSONField(default=dict)
    sponsor = models.ForeignKey(Sponsor, models.PROTECT, null=True, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    replaces = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")

    def __str__(self) -> str:
        return self.name


class Tier(models.Model):
    """A standing that a member reaches within twelve months: by spending, or by several shops."""

    class Measure(models.TextChoices):
        SPENT = "spent", _("cents spent")
        SHOPS = "shops", _("different shops")

    programme = models.ForeignKey(Programme, models.CASCADE, related_name="tiers")
    name = models.CharField(_("name"), max_length=40)
    measure = models.CharField(max_length=8, choices=Measure)
    threshold = models.PositiveIntegerField(_("from"))
    multiplier_percent = models.PositiveSmallIntegerField(default=100)
    """150 earns half as much again."""

    class Meta:
        verbose_name = _("tier")
        ordering = ["threshold"]
        constraints = [
            models.UniqueConstraint(fields=["programme", "threshold"], name="tier_threshold")
        ]

    def __str__(self) -> str:
        return self.name


class Advantage(models.Model):
    """What members get all year at a shop: a member price for an article, or a percentage."""

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    name = models.CharField(_("name"), max_length=80)
    percent = models.PositiveSmallIntegerField(_("percent off"), null=True, blank=True)
    price_cents = models.PositiveIntegerField(_("member price"), null=True, blank=True)
    item_id = models.CharField(_("article"), max_length=64, blank=True)
    group = models.CharField(_("product group"), max_length=64, blank=True)
    tier = models.ForeignKey(Tier, models.SET_NULL, null=True, blank=True)
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"), null=True, blank=True)

    class Meta:
        verbose_name = _("member’s advantage")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(percent__isnull=True) ^ models.Q(price_cents__isnull=True),
                name="advantage_one",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Reward(models.Model):
    """What a balance buys."""

    class Kind(models.TextChoices):
        AMOUNT = "amount", _("amount off, any part")  # cost units give value_cents; partial
        VOUCHER = "voucher", _("voucher for another day")
        GIFT = "gift", _("gift")
        STAMP = "stamp", _("free article of a full stamp card")

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="rewards")
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(_("name"), max_length=80)
    cost = models.PositiveIntegerField(_("costs"))
    value_cents = models.PositiveIntegerField(_("worth"), default=0)
    valid_days = models.PositiveSmallIntegerField(_("voucher valid for days"), null=True)
    active = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("reward")
        constraints = [models.CheckConstraint(condition=models.Q(cost__gt=0), name="reward_cost")]

    def __str__(self) -> str:
        return self.name


class Voucher(models.Model):
    """A voucher that was bought with points; used once, at its programme's shops."""

    class State(models.TextChoices):
        OPEN = "open", _("to use")
        USED = "used", _("used")
        LAPSED = "lapsed", _("out of date")
        VOIDED = "voided", _("taken back")

    reward = models.ForeignKey(Reward, models.PROTECT, related_name="vouchers")
    member = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="vouchers")
    code_index = models.BinaryField(max_length=16, unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    issued_by = models.OneToOneField(
        "loyalty.Transfer", models.PROTECT, null=True, related_name="voucher"
    )
    issued_at = models.DateTimeField()
    expires_on = models.DateField()
    used_at = models.DateTimeField(null=True)
    used_shop_id = models.BigIntegerField(null=True)
    used_key = models.CharField(max_length=160, null=True, unique=True)
    """The idempotency key of its use."""

    class Meta:
        verbose_name = _("voucher")
        indexes = [models.Index(fields=["state", "expires_on"], name="voucher_due")]

    def __str__(self) -> str:
        return f"voucher {self.pk}"
