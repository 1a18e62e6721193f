"""Devices and machines that write: till pages, sellers, keys of other tills, connections."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from chaland.hub.loyalty.fields import SealedTextField
from chaland.hub.loyalty.models.members import Member
from chaland.hub.loyalty.models.receipts import Source


class Till(models.Model):
    """A tablet or phone that serves as a shop's till page. Its cookie is its identity."""

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    name = models.CharField(_("name"), max_length=40)
    token_hash = models.CharField(max_length=64, unique=True, null=True)
    pairing_hash = models.CharField(max_length=64, unique=True, null=True)
    """Of the one-time code that pairs a device; null once used."""
    pairing_expires_at = models.DateTimeField(null=True)
    paired_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    seller = models.ForeignKey("Seller", models.SET_NULL, null=True, related_name="+")
    """Who stands there now: the PIN was given. Null while the page is locked."""
    seller_since = models.DateTimeField(null=True)
    """When the PIN was given; a shift is over after some hours."""
    wrong_pins = models.JSONField(default=dict)
    """By seller: how many wrong PINs in a row, and until when this till takes none. Counted here,
    so that who tries PINs on one device keeps nobody from serving at another."""

    class Meta:
        verbose_name = _("till")
        indexes = [models.Index(fields=["shop_id"], name="till_shop")]

    def __str__(self) -> str:
        return self.name


class Seller(models.Model):
    """Who stands at the till: a name and a PIN, no account."""

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    name = models.CharField(_("name"), max_length=40)
    pin_hash = models.CharField(max_length=128)
    """Keyed with CHALAND_INDEX_KEY: four digits alone would be guessed from any hash."""
    own_member_id = models.BigIntegerField(null=True)
    """The seller's own membership, if told: awarding oneself is seen (``figures.fraud``)."""
    active = models.BooleanField(default=True)
    closed_at = models.DateTimeField(null=True)
    """When the seller ceased to serve: what waited on a device since before is still believed."""

    class Meta:
        verbose_name = _("seller")
        indexes = [models.Index(fields=["shop_id"], name="seller_shop")]

    def __str__(self) -> str:
        return self.name


class SavedAnswer(models.Model):
    """The answer to a write of a device or a key: the same key again gets it again, for good."""

    scope = models.CharField(max_length=40)
    """``till:3`` or ``shop:5``."""
    key = models.CharField(max_length=80)
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    answer = SealedTextField()
    """JSON, sealed: it may hold a voucher's code. Never a name, a contact or a member's number."""
    member = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="+")
    """Whom the answer is about, so that erasure finds it."""
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="answer_once")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class ApiKey(models.Model):
    """A shop's key for tills of others. Two may be valid while one replaces the other."""

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    name = models.CharField(_("name"), max_length=40)
    key_hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)
    """Its first signs, to tell keys apart."""
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("key")

    def __str__(self) -> str:
        return f"{self.name} {self.hint}…"


class Connection(models.Model):
    """A till of another maker that sends to us, or that we ask."""

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    source = models.CharField(max_length=12, choices=Source)
    address_hash = models.CharField(max_length=64, unique=True, null=True)
    """Of the secret part of the address that it posts to."""
    secret = SealedTextField(null=True)
    """Signs what it posts, or lets us ask."""
    settings = models.JSONField(default=dict)
    cursor = models.JSONField(default=dict)
    """How far we have asked."""
    active = models.BooleanField(default=True)
    last_heard_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)
    asked_next_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("connection")

    def __str__(self) -> str:
        return f"{self.source}, shop {self.shop_id}"


class ColumnMap(models.Model):
    """How a shop's files name the fields, saved for the next file."""

    shop_id = models.BigIntegerField()
    name = models.CharField(_("name"), max_length=60)
    columns = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("column map")
        constraints = [models.UniqueConstraint(fields=["shop_id", "name"], name="map_once")]

    def __str__(self) -> str:
        return self.name


class ReceiptFile(models.Model):
    """A file of receipts on its way in: kept sealed between preview and decision, a day."""

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    name = models.CharField(max_length=120)
    content = SealedTextField(null=True)
    columns = models.JSONField(default=dict)
    uploaded_by = models.CharField(max_length=80)
    uploaded_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    """When the shop said yes to the preview; the worker takes what the page hasn't by then."""
    finished_at = models.DateTimeField(null=True)
    report = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("file of receipts")

    def __str__(self) -> str:
        return f"{self.name}, shop {self.shop_id}"
