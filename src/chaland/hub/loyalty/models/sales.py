"""Private sales: what is reduced and by what proof, when, for whom, and who came."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from chaland.hub.loyalty.models.members import Member


class ArticlePrice(models.Model):
    """What a shop asked for an article from a day on, until the next row: the proof of a reduction
    (L20, Code de la consommation L112-1-1). Never changed: of two rows for one day the one
    recorded last holds, and both stay to be seen."""

    class Source(models.TextChoices):
        ENTERED = "entered", _("entered")
        IMPORTED = "imported", _("from a file")

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    item_id = models.CharField(_("article"), max_length=64)
    item_name = models.CharField(_("name"), max_length=120)
    group = models.CharField(_("product group"), max_length=64, blank=True)
    cents = models.PositiveIntegerField(_("price"))
    since = models.DateField(_("since"))
    source = models.CharField(max_length=8, choices=Source, default=Source.ENTERED)
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=80)

    class Meta:
        verbose_name = _("article’s price")
        indexes = [
            models.Index(
                fields=["shop_id", "item_id", "since", "recorded_at"], name="price_history"
            ),
            models.Index(fields=["shop_id", "group"], name="price_group"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} since {self.since}"


class PrivateSale(models.Model):
    """Some hours or days on which members get prices that others don't; of one shop, or (no
    ``shop_id``) of the association with the shops that agreed."""

    class State(models.TextChoices):
        DRAFT = "draft", _("in preparation")
        OPEN = "open", _("announced")
        OVER = "over", _("over")
        CANCELLED = "cancelled", _("cancelled")

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField(null=True)
    name = models.CharField(_("name"), max_length=80)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    door_open = models.BooleanField(_("newcomers may join at the door"), default=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    closed_at = models.DateTimeField(null=True)
    debrief = models.JSONField(default=dict)
    """``results.debrief``'s figures as closing released them; empty before."""
    cost_cents = models.PositiveIntegerField(_("what the goods had cost"), null=True)
    """Of all that guests bought, with VAT, as the shop says it; None: it didn't."""

    class Meta:
        verbose_name = _("private sale")
        verbose_name_plural = _("private sales")
        indexes = [
            models.Index(fields=["association_id", "starts_at"], name="sale_calendar"),
            models.Index(fields=["state", "ends_at"], name="sale_due"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="sale_has_length"
            )
        ]

    def __str__(self) -> str:
        return self.name


class SaleShop(models.Model):
    """A shop that takes part; in an association's sale once its keeper agreed."""

    sale = models.ForeignKey(PrivateSale, models.CASCADE, related_name="shops")
    shop_id = models.BigIntegerField()
    agreed_at = models.DateTimeField(null=True)
    agreed_by = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name = _("shop of a private sale")
        constraints = [models.UniqueConstraint(fields=["sale", "shop_id"], name="sale_shop_once")]

    def __str__(self) -> str:
        return f"shop {self.shop_id} in sale {self.sale_id}"


class Offer(models.Model):
    """One reduction of a private sale: of an article, of a product group, or of all (both empty).

    Exactly one of ``percent``, ``price_cents`` and ``ladder`` (``[[articles, percent], …]``, the
    more the better, at most 50). Its conditions: ``least_cents`` (of the purchase, before the
    reduction), ``once``, ``while_stock`` (which is only said). ``proof`` is what ``sales.offers``
    found: per article the lowest price of the thirty days before, since when, and who recorded it;
    of very many ``articles`` the first, and of those ``at_fault`` the first. ``blocked`` says why
    it can't be announced (empty: it can).
    """

    class Excepted(models.TextChoices):
        NONE = "", _("none")
        PERISHABLE = "perishable", _("goods that spoil soon")
        PROGRESSIVE = "progressive", _("a reduction that grows, without a break")

    sale = models.ForeignKey(PrivateSale, models.CASCADE, related_name="offers")
    shop_id = models.BigIntegerField()
    name = models.CharField(_("name"), max_length=80)
    item_id = models.CharField(_("article"), max_length=64, blank=True)
    group = models.CharField(_("product group"), max_length=64, blank=True)
    percent = models.PositiveSmallIntegerField(_("percent off"), null=True, blank=True)
    price_cents = models.PositiveIntegerField(_("member price"), null=True, blank=True)
    ladder = models.JSONField(null=True, blank=True)
    least_cents = models.PositiveIntegerField(_("from a purchase of"), null=True, blank=True)
    once = models.BooleanField(_("with the first purchase in the sale"), default=False)
    """For a member's first purchase at this shop in the sale."""
    while_stock = models.BooleanField(_("while stock lasts"), default=False)
    exception = models.CharField(max_length=12, choices=Excepted, blank=True)
    proof = models.JSONField(default=list)
    articles = models.PositiveIntegerField(default=0)
    at_fault = models.PositiveIntegerField(default=0)
    blocked = models.CharField(max_length=200, blank=True)
    checked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("offer")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(percent__isnull=False, price_cents__isnull=True, ladder=None)
                | models.Q(percent__isnull=True, price_cents__isnull=False, ladder=None)
                | models.Q(percent__isnull=True, price_cents__isnull=True, ladder__isnull=False),
                name="offer_one",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Slot(models.Model):
    """A stretch of a private sale that takes so many invited members; others queue for it."""

    sale = models.ForeignKey(PrivateSale, models.CASCADE, related_name="slots")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    capacity = models.PositiveIntegerField(_("places"))
    taken = models.PositiveIntegerField(default=0)
    """How many invitations are booked on it; raised only while it is below ``capacity``."""

    class Meta:
        verbose_name = _("slot")
        ordering = ["starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(taken__lte=models.F("capacity")), name="slot_capacity"
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="slot_has_length"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M}"


class Invitation(models.Model):
    """That a member may come to a private sale. Its code (``sales.codes``) is made of its number
    and a keyed hash of sale and member: nothing is stored that opens a door."""

    class How(models.TextChoices):
        INVITED = "invited", _("invited")
        DOOR = "door", _("joined at the door")

    class State(models.TextChoices):
        OPEN = "open", _("invited")
        QUEUED = "queued", _("waits for a place")
        BOOKED = "booked", _("has a place")
        DECLINED = "declined", _("does not come")
        ARRIVED = "arrived", _("came")

    sale = models.ForeignKey(PrivateSale, models.CASCADE, related_name="invitations")
    member = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="invitations")
    coded_for = models.BigIntegerField(null=True)
    """For whom its code was made, where that was a double, merged since: the code still opens."""
    how = models.CharField(max_length=8, choices=How)
    recruited = models.BooleanField(default=False)
    """Enrolled at a shop of this sale, from half an hour before it on; of one sale only."""
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    slot = models.ForeignKey(Slot, models.SET_NULL, null=True, related_name="invitations")
    asked_at = models.DateTimeField(null=True)
    """When a place was asked for: the queue's order."""
    moved_up_at = models.DateTimeField(null=True)
    """When the queue gave the place that this member has; the invitation says so."""
    arrived_at = models.DateTimeField(null=True)
    arrived_shop_id = models.BigIntegerField(null=True)
    checked_in_by = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("invitation")
        constraints = [models.UniqueConstraint(fields=["sale", "member"], name="invitation_once")]
        indexes = [models.Index(fields=["sale", "state", "asked_at"], name="invitation_queue")]

    def __str__(self) -> str:
        return f"invitation {self.pk}"
