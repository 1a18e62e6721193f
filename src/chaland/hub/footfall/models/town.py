"""Plane A's tables about the town as a whole: its charter, its flows, its privacy budget.

A town is an association, named by a plain number as shops are: no key crosses the wall.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Measurement(models.Model):
    """Why, by whom and until when a town is measured: the text of notice, charter, assessment."""

    association_id = models.BigIntegerField(unique=True)
    controller = models.CharField(_("who is responsible"), max_length=300)
    contact = models.CharField(_("contact for questions and rights"), max_length=300)
    purpose = models.CharField(_("purpose"), max_length=300)
    public_page = models.URLField(_("address of the public page"), max_length=200)
    objection_network = models.CharField(
        _("name of the objection network"), max_length=32, default="chaland-optout"
    )
    ends_on = models.DateField(_("last day of the measurement"))
    town_key = models.CharField(_("fingerprint of the town key"), max_length=19, blank=True)
    """Only a charter that this key signed is taken; it is printed on the poster."""

    class Meta:
        verbose_name = _("measurement")

    def __str__(self) -> str:
        return f"{self.controller}, until {self.ends_on}"


class Agreement(models.Model):
    """A shop's agreement to carry a sensor, and the day on which its notice was put up."""

    shop_id = models.BigIntegerField(unique=True)
    agreed_by = models.CharField(_("agreed by"), max_length=120)
    agreed_on = models.DateField(_("agreed on"))
    notice_shown_on = models.DateField(_("notice put up on"), null=True, blank=True)
    notice_sha256 = models.CharField(max_length=64, blank=True)
    """Digest of the notice's text that hangs there; another text must be printed anew."""
    withdrawn_on = models.DateField(_("withdrawn on"), null=True, blank=True)

    class Meta:
        verbose_name = _("agreement")

    def __str__(self) -> str:
        return f"shop {self.shop_id}, {self.agreed_on}"


class Charter(models.Model):
    """A signed charter as it came; the hub relays it and can't change it (``wire.charter``)."""

    association_id = models.BigIntegerField()
    version = models.PositiveIntegerField()
    document = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("charter")
        constraints = [
            models.UniqueConstraint(fields=["association_id", "version"], name="charter_once")
        ]
        get_latest_by = "version"

    def __str__(self) -> str:
        return f"town {self.association_id}, version {self.version}"


class TownKey(models.Model):
    """The name of a town's current key of a day; the key itself the hub never learns."""

    association_id = models.BigIntegerField()
    day = models.DateField()
    key = models.CharField(max_length=16)
    maker = models.ForeignKey("footfall.Sensor", models.CASCADE, related_name="+")
    offered_at = models.DateTimeField()
    passed_over = models.JSONField(default=list)
    """Sensors (primary keys) that held a key and let no other have it: that day they come last."""

    class Meta:
        verbose_name = _("key of the day")
        constraints = [
            models.UniqueConstraint(fields=["association_id", "day"], name="town_key_once")
        ]

    def __str__(self) -> str:
        return f"town {self.association_id}, {self.day}"


class DayKey(models.Model):
    """A sensor's public key of a day, and the name of the town's key that it says it holds."""

    sensor = models.ForeignKey("footfall.Sensor", models.CASCADE, related_name="day_keys")
    day = models.DateField()
    public_key = models.BinaryField(max_length=32)
    signature = models.CharField(max_length=88)
    holds = models.CharField(max_length=16, blank=True)
    heard_at = models.DateTimeField()
    wanting_since = models.DateTimeField(null=True)
    """Since when it asks for the town's current key without a pause; null if it has it."""

    class Meta:
        verbose_name = _("sensor’s key of the day")
        constraints = [models.UniqueConstraint(fields=["sensor", "day"], name="day_key_once")]

    def __str__(self) -> str:
        return f"{self.sensor_id} {self.day}"


class SealedCopy(models.Model):
    """The town's key, sealed for one sensor's key of the day; deleted when it is fetched.

    Those of several makers may wait for one recipient: a bad one keeps no good one away.
    """

    recipient = models.ForeignKey("footfall.Sensor", models.CASCADE, related_name="copies")
    day = models.DateField()
    recipient_key = models.BinaryField(max_length=32)
    maker = models.ForeignKey("footfall.Sensor", models.CASCADE, related_name="+")
    key = models.CharField(max_length=16)
    box = models.BinaryField(max_length=80)
    signature = models.CharField(max_length=88)

    class Meta:
        verbose_name = _("sealed copy")
        constraints = [
            models.UniqueConstraint(fields=["recipient", "maker", "day"], name="copy_once")
        ]

    def __str__(self) -> str:
        return f"{self.recipient_id} {self.day}"


class Sketch(models.Model):
    """A sensor's co-visit sketch of a day: kept until the town's day is estimated, 24 h at most."""

    sensor = models.ForeignKey("footfall.Sensor", models.CASCADE, related_name="sketches")
    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    day = models.DateField()
    since = models.DateTimeField()
    key = models.CharField(max_length=16)
    epsilon = models.CharField(max_length=16)
    bits = models.BinaryField()
    symbols = models.BinaryField()
    received_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    """Whatever runs on the hub by then deletes it, estimated or not."""

    class Meta:
        verbose_name = _("sketch")
        constraints = [models.UniqueConstraint(fields=["sensor", "day"], name="sketch_once")]

    def __str__(self) -> str:
        return f"shop {self.shop_id} {self.day}"


class FlowDay(models.Model):
    """What was estimated from a town's sketches of one day; all that is kept of them.

    ``estimates`` packs arrays over ``shop_ids`` (layout: ``estimates`` package). ``sensors`` of
    ``sensors_expected`` had a sketch.
    """

    association_id = models.BigIntegerField()
    day = models.DateField()
    shop_ids = models.JSONField()
    estimates = models.BinaryField()
    sensors = models.PositiveSmallIntegerField()
    sensors_expected = models.PositiveSmallIntegerField()
    simulated = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("flows of a day")
        constraints = [
            models.UniqueConstraint(fields=["association_id", "day"], name="flow_day_once")
        ]

    def __str__(self) -> str:
        return f"town {self.association_id} {self.day}"


class ObjectionBit(models.Model):
    """One set bit of a town's objection filter: it stands for 2^32 addresses, not for a phone."""

    association_id = models.BigIntegerField()
    bit = models.PositiveIntegerField()
    sensor = models.ForeignKey("footfall.Sensor", models.CASCADE, related_name="+")
    """Whose limit it counts under: the first that asked."""
    first_asked_on = models.DateField()
    """Never renewed, so that a bit does not tell on which days a phone came back."""

    class Meta:
        verbose_name = _("objection")
        constraints = [
            models.UniqueConstraint(fields=["association_id", "bit"], name="objection_bit_once")
        ]

    def __str__(self) -> str:
        return f"town {self.association_id} bit {self.bit}"


class ObjectionFilter(models.Model):
    """A town's objections as sensors get them. The version grows with each change, and only so."""

    association_id = models.BigIntegerField(unique=True)
    version = models.BigIntegerField(default=0)
    bits = models.BinaryField()

    class Meta:
        verbose_name = _("objection filter")

    def __str__(self) -> str:
        return f"town {self.association_id}, version {self.version}"


class ObjectionDay(models.Model):
    """How full a town's filter was at most on a day: figures are corrected by it."""

    association_id = models.BigIntegerField()
    day = models.DateField()
    bits = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("objections of a day")
        constraints = [
            models.UniqueConstraint(fields=["association_id", "day"], name="objection_day_once")
        ]

    def __str__(self) -> str:
        return f"town {self.association_id} {self.day}: {self.bits}"


class BudgetEntry(models.Model):
    """The privacy account: what one shop's sensors spent on one row of one local day.

    What counts in which row: ``services.budget``.
    """

    shop_id = models.BigIntegerField()
    day = models.DateField()
    row = models.CharField(max_length=2)
    releases = models.PositiveIntegerField(default=0)
    epsilon = models.DecimalField(max_digits=9, decimal_places=4, default=0)
    limit = models.DecimalField(max_digits=9, decimal_places=4)

    class Meta:
        verbose_name = _("privacy account")
        constraints = [
            models.UniqueConstraint(fields=["shop_id", "day", "row"], name="budget_once"),
            models.CheckConstraint(
                condition=models.Q(epsilon__lte=models.F("limit")), name="budget_kept"
            ),
        ]
        indexes = [models.Index(fields=["day"], name="budget_day")]

    def __str__(self) -> str:
        return f"shop {self.shop_id} {self.day} {self.row}: {self.epsilon}"


class AuditReport(models.Model):
    """A report of ``chaland audit`` that the association publishes."""

    made_at = models.DateTimeField(unique=True)
    passed = models.BooleanField()
    report = models.JSONField()

    class Meta:
        verbose_name = _("audit report")
        get_latest_by = "made_at"

    def __str__(self) -> str:
        return f"{self.made_at:%Y-%m-%d %H:%M}"
