"""The ledger: double entry in integer units, append-only; balances are a cache of its entries.

Words are TigerBeetle's: account, transfer, pending (a hold), posted, voided. Triggers on both
engines (migration 0002) refuse any UPDATE or DELETE of transfers, entries and lot uses, any
transfer whose entries don't sum to zero in each asset, and any entry after its transfer: entries
are written first, and the transfer's row closes them.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from chaland.hub.loyalty.fields import uuid7
from chaland.hub.loyalty.models.members import Member


class Asset(models.Model):
    """What is counted: cents of the coalition's purse, a shop's points, a shop's stamps."""

    class Kind(models.TextChoices):
        PURSE = "purse", _("purse in euro")
        POINTS = "points", _("points")
        STAMPS = "stamps", _("stamps")

    association_id = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    shop_id = models.BigIntegerField(null=True)
    """Null: every shop of the coalition honours it, and it is cleared monthly."""
    name = models.CharField(max_length=80)

    class Meta:
        verbose_name = _("asset")

    def __str__(self) -> str:
        return self.name


class Sponsor(models.Model):
    """Who pays for a rule: the association, a brand, the town. Its budget is an account."""

    association_id = models.BigIntegerField()
    name = models.CharField(_("name"), max_length=80)

    class Meta:
        verbose_name = _("sponsor")

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """Holds one asset for one owner.

    A member's, a debt's and a sponsor's balance are kept here, changed in the transaction that
    writes the entries. A shop's, the outside's and the association's are the sum of their entries:
    as a counter each would be the row that every till waits for.
    """

    class Role(models.TextChoices):
        MEMBER = "member", _("member")
        DEBT = "debt", _("member’s debt")  # what a return took back beyond the balance; <= 0
        SHOP = "shop", _("shop")  # negative: the shop owes the pool; positive: it is owed
        SPONSOR = "sponsor", _("sponsor")
        OUTSIDE = "outside", _("outside")  # money that came in or went out by bank
        HOUSE = "house", _("association")  # what staff gave, debts of members who left

    asset = models.ForeignKey(Asset, models.PROTECT, related_name="accounts")
    role = models.CharField(max_length=8, choices=Role)
    member = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="accounts")
    shop_id = models.BigIntegerField(null=True)
    sponsor = models.ForeignKey(Sponsor, models.PROTECT, null=True, related_name="accounts")
    balance = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    chain_salt = models.BinaryField(max_length=32, null=True)
    """A member's accounts are chained; erasure takes the salt, and the chain still verifies."""
    chain_position = models.PositiveIntegerField(default=0)
    chain_digest = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("account")
        constraints = [
            models.UniqueConstraint(fields=["member", "asset", "role"], name="account_member"),
            models.UniqueConstraint(
                fields=["shop_id", "asset", "role"],
                condition=models.Q(shop_id__isnull=False),
                name="account_shop",
            ),
            models.UniqueConstraint(fields=["sponsor", "asset", "role"], name="account_sponsor"),
            models.UniqueConstraint(
                fields=["asset", "role"],
                condition=models.Q(role__in=("outside", "house")),
                name="account_one",
            ),
            models.CheckConstraint(condition=models.Q(held__gte=0), name="account_held"),
            models.CheckConstraint(
                condition=~models.Q(role__in=("member", "sponsor"))
                | models.Q(balance__gte=models.F("held")),
                name="account_floor",
            ),
            models.CheckConstraint(
                condition=~models.Q(role="debt") | models.Q(balance__lte=0), name="account_debt"
            ),
        ]

    def __str__(self) -> str:
        return f"account {self.pk}"


class Transfer(models.Model):
    """One movement. Its row is written after its entries, and closes them."""

    class Kind(models.TextChoices):
        EARN = "earn", _("earned")
        REDEEM = "redeem", _("spent")
        REVERSE_EARN = "reverse-earn", _("taken back with a return")
        REVERSE_REDEEM = "reverse-redeem", _("given back with a return")
        UNDO = "undo", _("undone")
        EXPIRE = "expire", _("lapsed")
        MERGE = "merge", _("taken over from a double")
        ADJUST = "adjust", _("corrected by staff")
        FUND = "fund", _("paid in by a sponsor")
        SETTLE = "settle", _("settled with the bank")

    id = models.UUIDField(primary_key=True, default=uuid7)
    association_id = models.BigIntegerField()
    kind = models.CharField(max_length=16, choices=Kind)
    idempotency_key = models.CharField(max_length=160, unique=True)
    """Kept for good. The same key with the same request answers the same transfer."""
    request_digest = models.CharField(max_length=64)
    shop_id = models.BigIntegerField(null=True)
    receipt = models.ForeignKey(
        "loyalty.Receipt", models.PROTECT, null=True, related_name="transfers"
    )
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="reversals")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    why = models.JSONField(default=dict)
    """The rules' snapshot: for each receipt line and rule, the amount, and the line of words."""

    class Meta:
        verbose_name = _("transfer")
        indexes = [
            models.Index(fields=["association_id", "recorded_at"], name="transfer_time"),
            models.Index(fields=["shop_id", "recorded_at"], name="transfer_shop"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Entry(models.Model):
    """One account's part of a transfer. ``line`` is the receipt line that it stands for."""

    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="entries")
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries")
    amount = models.BigIntegerField()
    line = models.PositiveSmallIntegerField(null=True)
    position = models.PositiveIntegerField(null=True)
    """In the chain of a member's account; null elsewhere."""
    commitment = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("entry")
        constraints = [
            models.CheckConstraint(condition=~models.Q(amount=0), name="entry_amount"),
            models.UniqueConstraint(fields=["account", "position"], name="entry_position"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} on account {self.account_id}"


class Lot(models.Model):
    """What came in together and lapses together; the oldest is spent first."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="lots")
    account = models.ForeignKey(Account, models.PROTECT, related_name="lots")
    amount = models.BigIntegerField()
    left = models.BigIntegerField()
    expires_on = models.DateField(null=True)
    """The first day on which it can't be spent any more."""
    origin = models.ForeignKey("self", models.PROTECT, null=True, related_name="renewed")
    """The lapsed lot that this one gives back for some days: who paid for it is paid back."""

    class Meta:
        verbose_name = _("lot")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(left__gte=0, left__lte=models.F("amount")), name="lot_left"
            )
        ]
        indexes = [
            models.Index(
                fields=["account", "expires_on"],
                condition=models.Q(left__gt=0),
                name="lot_open",
            ),
            models.Index(
                fields=["expires_on"], condition=models.Q(left__gt=0), name="lot_expiring"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.left} of {self.amount}"


class LotUse(models.Model):
    """From which lot an entry took (positive) or to which it gave back (negative)."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="lot_uses")
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="uses")
    amount = models.BigIntegerField()

    class Meta:
        verbose_name = _("use of a lot")

    def __str__(self) -> str:
        return f"{self.amount} of lot {self.lot_id}"


class Hold(models.Model):
    """A reservation: it posts once, is voided once, or lapses."""

    class State(models.TextChoices):
        PENDING = "pending", _("reserved")
        POSTED = "posted", _("spent")
        VOIDED = "voided", _("given up")
        LAPSED = "lapsed", _("out of time")

    id = models.UUIDField(primary_key=True, default=uuid7)
    account = models.ForeignKey(Account, models.PROTECT, related_name="holds")
    amount = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    idempotency_key = models.CharField(max_length=160, unique=True)
    request_digest = models.CharField(max_length=64)
    shop_id = models.BigIntegerField(null=True)
    reward_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=80)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    transfer = models.OneToOneField(Transfer, models.PROTECT, null=True, related_name="hold")

    class Meta:
        verbose_name = _("hold")
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="hold_amount")]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=models.Q(state="pending"),
                name="hold_pending",
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.state}"


class Proof(models.Model):
    """When a town's books were last proved, and what did not hold (``loyalty.proving``)."""

    association_id = models.BigIntegerField(unique=True)
    at = models.DateTimeField()
    accounts = models.PositiveIntegerField()
    faults = models.PositiveIntegerField()
    said = models.JSONField(default=list)
    """The first of the faults, a line each: numbers of accounts and entries, nobody's name."""

    class Meta:
        verbose_name = _("proof of the books")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d}: {self.faults}"
