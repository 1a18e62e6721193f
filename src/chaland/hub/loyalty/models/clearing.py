"""Clearing: once a month, what each shop owes the coalition's purse or is owed by it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from chaland.hub.loyalty.fields import SealedTextField
from chaland.hub.loyalty.models.ledger import Asset, Transfer


class BankDetails(models.Model):
    """Where a shop is paid, or debited. The creditor's own lie with the association (shop null)."""

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField(null=True)
    holder = models.CharField(_("account holder"), max_length=70)
    iban = SealedTextField(_("IBAN"))
    bic = models.CharField(_("BIC"), max_length=11, blank=True)
    creditor_id = models.CharField(_("SEPA creditor identifier"), max_length=35, blank=True)
    mandate = models.CharField(_("direct debit mandate"), max_length=35, blank=True)
    mandate_signed_on = models.DateField(_("mandate signed on"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("bank details")
        constraints = [
            models.UniqueConstraint(
                fields=["association_id", "shop_id"], nulls_distinct=False, name="bank_once"
            )
        ]

    def __str__(self) -> str:
        return self.holder


class Clearing(models.Model):
    """One month of one asset, closed. What comes later belongs to the next month."""

    association_id = models.BigIntegerField()
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="clearings")
    month = models.DateField()
    """Its first day."""
    closed_at = models.DateTimeField()
    closed_by = models.CharField(max_length=80)
    first_entry_id = models.BigIntegerField()
    last_entry_id = models.BigIntegerField()
    float_cents = models.BigIntegerField()
    """What members hold, unspent, at the close."""
    digest = models.CharField(max_length=64)
    """Of the statements and of the previous clearing's digest."""

    class Meta:
        verbose_name = _("clearing")
        constraints = [models.UniqueConstraint(fields=["asset", "month"], name="clearing_once")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class Statement(models.Model):
    """A shop's part of a clearing, in cents. ``net_cents`` < 0: the shop pays."""

    class Way(models.TextChoices):
        NONE = "none", _("nothing to pay")
        CREDIT = "credit", _("credit transfer")
        DEBIT = "debit", _("direct debit")
        INVOICE = "invoice", _("invoice")

    clearing = models.ForeignKey(Clearing, models.CASCADE, related_name="statements")
    shop_id = models.BigIntegerField()
    earned_cents = models.BigIntegerField()
    spent_cents = models.BigIntegerField()
    reversed_cents = models.BigIntegerField()
    lapsed_cents = models.BigIntegerField()
    adjusted_cents = models.BigIntegerField()
    """What staff of the shop gave (below zero) or took."""
    net_cents = models.BigIntegerField()
    gained = models.JSONField(default=dict)
    """For each shop or other payer (its account): cents earned there and spent here; those with
    too few members behind them are left out (``clearing.rules``)."""
    way = models.CharField(max_length=8, choices=Way)
    settled_by = models.OneToOneField(Transfer, models.PROTECT, null=True)

    @property
    def given_cents(self) -> int:
        """What the shop gave its customers, as its account has it: below zero."""
        return -self.earned_cents

    @property
    def other_cents(self) -> int:
        """Returns, what lapsed, and corrections together: what is seldom."""
        return self.reversed_cents + self.lapsed_cents + self.adjusted_cents

    class Meta:
        verbose_name = _("statement")
        constraints = [
            models.UniqueConstraint(fields=["clearing", "shop_id"], name="statement_once")
        ]

    def __str__(self) -> str:
        return f"shop {self.shop_id}: {self.net_cents}"
