"""Receipts. Field names follow CEN/TS 16931-8, the European semantic model of an e-receipt.

No payment is ever recorded here (else this would be certified cash-register software).
"""

import re

from django.db import models
from django.utils.translation import gettext_lazy as _

from chaland.hub.loyalty.fields import SealedTextField
from chaland.hub.loyalty.models.members import Member


class Source(models.TextChoices):
    """Where receipts come from; with the shop and the source's own number it names a receipt."""

    TILL = "till", _("till page")
    API = "api", _("programming interface")
    CSV = "csv", _("file")
    HIBOUTIK = "hiboutik", "Hiboutik"
    ODOO = "odoo", "Odoo"
    SUMUP = "sumup", "SumUp"
    SQUARE = "square", "Square"
    SIMULATED = "simulated", _("simulated")


class RawReceipt(models.Model):
    """What came in, as it came, stored before it is read; kept as long as its receipt."""

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        READ = "read", _("read")
        PARTLY = "partly", _("read in part")  # the rest was refused, or here already
        REFUSED = "refused", _("refused")

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    source = models.CharField(max_length=12, choices=Source)
    body = SealedTextField()
    """Sealed: a till of others may send a name or a number in it."""
    digest = models.CharField(max_length=64)
    received_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State, default=State.RECEIVED)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("raw receipt")
        indexes = [
            models.Index(
                fields=["received_at"],
                condition=~models.Q(state="read"),
                name="raw_unread",
            )
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.digest[:8]}"


class Receipt(models.Model):
    """One purchase, or one return (``gross_cents`` negative), at one shop.

    The key (shop, source, external id) makes a second delivery the same receipt.
    """

    class How(models.TextChoices):
        """How a receipt found its member."""

        TILL = "till", _("at the till")
        LATE = "late", _("later, by its code")
        QUEUE = "queue", _("from the matching queue")
        KEY = "key", _("by the till’s own customer number")

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    source = models.CharField(max_length=12, choices=Source)
    external_id = models.CharField(max_length=80)
    raw = models.ForeignKey(RawReceipt, models.PROTECT, null=True, related_name="receipts")
    content_digest = models.CharField(max_length=64)
    """Of what was said; the same key with other content is a conflict, told to the sender."""
    code = models.CharField(max_length=12)
    """Printed on the receipt, or made here: who holds it may attach the receipt later."""
    issued_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    currency = models.CharField(max_length=3, default="EUR")
    gross_cents = models.BigIntegerField()
    net_cents = models.BigIntegerField(null=True)
    """Null where the source told no tax."""
    till_label = models.CharField(max_length=40, blank=True)
    seller_label = models.CharField(max_length=40, blank=True)
    member = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="receipts")
    attached_at = models.DateTimeField(null=True)
    """Null: unattached. It stays when the member is erased, so that nobody can claim it again."""
    attached_times = models.PositiveSmallIntegerField(default=0)
    """Each attaching earns under keys of its own; an undone one can be done again."""
    attached_how = models.CharField(max_length=8, choices=How, blank=True)
    attached_by = models.CharField(max_length=80, blank=True)
    returns = models.ForeignKey("self", models.PROTECT, null=True, related_name="returned_by")
    """For a return: the receipt of the purchase, perhaps another shop's."""
    returns_reference = models.CharField(max_length=80, blank=True)
    """The source's number of a purchase that isn't here yet; the return waits for it."""

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [
            models.UniqueConstraint(
                fields=["shop_id", "source", "external_id"], name="receipt_once"
            ),
            models.UniqueConstraint(fields=["association_id", "code"], name="receipt_code"),
        ]
        indexes = [
            models.Index(fields=["shop_id", "issued_at"], name="receipt_shop_time"),
            models.Index(fields=["member", "issued_at"], name="receipt_member_time"),
            models.Index(
                fields=["association_id", "issued_at"],
                condition=models.Q(attached_at__isnull=True),
                name="receipt_unattached",
            ),
            models.Index(
                fields=["shop_id", "source", "returns_reference"],
                condition=~models.Q(returns_reference=""),
                name="receipt_awaited",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.external_id}"

    @property
    def number(self) -> str:
        """The number that people know it by: the source's, as typed at the till page, or the code.

        The till page's own keys (``till.sales``) are ``<uuid>`` or ``<day> <typed number>``.
        """
        if self.source != Source.TILL:
            return self.external_id
        typed = re.fullmatch(r"\d{4}-\d\d-\d\d (.+)", self.external_id)
        return typed[1] if typed else self.code


class ReceiptLine(models.Model):
    """A line: an article, or a discount (``gross_cents`` negative), which earns nothing itself
    and takes its part from the lines it reduces (``programmes.rules``)."""

    receipt = models.ForeignKey(Receipt, models.PROTECT, related_name="lines")
    number = models.PositiveSmallIntegerField()
    item_id = models.CharField(max_length=64, blank=True)
    item_name = models.CharField(max_length=120, blank=True)
    group = models.CharField(max_length=64, blank=True)
    quantity_milli = models.BigIntegerField(default=1000)
    """Thousandths, so that weights are whole numbers."""
    gross_cents = models.BigIntegerField()
    vat_permyriad = models.PositiveSmallIntegerField(null=True)
    """Hundredths of a percent: 550 is 5.5 %."""
    discount = models.BooleanField(default=False)
    returns_number = models.PositiveSmallIntegerField(null=True)
    """In a return: the number of the purchase's line that comes back."""

    class Meta:
        verbose_name = _("receipt line")
        constraints = [models.UniqueConstraint(fields=["receipt", "number"], name="line_number")]

    def __str__(self) -> str:
        return f"{self.receipt_id} line {self.number}"


class VatBreakdown(models.Model):
    """Tax of a receipt at one rate."""

    receipt = models.ForeignKey(Receipt, models.PROTECT, related_name="vat")
    rate_permyriad = models.PositiveSmallIntegerField()
    taxable_cents = models.BigIntegerField()
    tax_cents = models.BigIntegerField()

    class Meta:
        verbose_name = _("VAT breakdown")
        constraints = [
            models.UniqueConstraint(fields=["receipt", "rate_permyriad"], name="vat_rate_once")
        ]

    def __str__(self) -> str:
        return f"{self.receipt_id} {self.rate_permyriad}"


class Claim(models.Model):
    """A member was at a till and the receipt isn't here yet: it waits to be matched to one."""

    class State(models.TextChoices):
        OPEN = "open", _("waiting")
        MATCHED = "matched", _("matched")
        DROPPED = "dropped", _("given up")

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    member = models.ForeignKey(Member, models.CASCADE, related_name="claims")
    at = models.DateTimeField()
    amount_cents = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=80)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    receipt = models.OneToOneField(Receipt, models.PROTECT, null=True, related_name="claim")

    class Meta:
        verbose_name = _("claim")
        indexes = [
            models.Index(
                fields=["shop_id", "at"], condition=models.Q(state="open"), name="claim_open"
            )
        ]

    def __str__(self) -> str:
        return f"member {self.member_id}, shop {self.shop_id}"


class ReceiptLink(models.Model):
    """The address under which a customer reads a receipt; a contact given for it serves nothing
    else (L5), is sealed, and goes once the link is sent or after a week."""

    receipt = models.ForeignKey(Receipt, models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)
    contact = SealedTextField(null=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("receipt link")
        indexes = [
            models.Index(fields=["expires_at"], name="link_over"),
            models.Index(
                fields=["made_at"],
                condition=models.Q(contact__isnull=False),
                name="link_contact",
            ),
        ]

    def __str__(self) -> str:
        return f"receipt {self.receipt_id}"
