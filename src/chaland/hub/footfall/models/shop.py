"""Plane A on the hub: what sensors released, and the figures made of it.

Nothing here stands for a person. ``shop_id`` is a plain number: this plane has a database of its
own, and no key crosses the wall. Counts are noised on the sensor, drawn once, stored as they came.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from chaland.hub.footfall import rules


class Sensor(models.Model):
    """A listening box in a shop; the hub knows its public key only."""

    identifier = models.CharField(max_length=16, unique=True)
    shop_id = models.BigIntegerField(db_index=True)
    public_key = models.BinaryField(max_length=32)
    label = models.CharField(_("label"), max_length=80, blank=True)
    enrolled_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_sequence = models.BigIntegerField(default=0)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    last_state = models.CharField(max_length=16, blank=True)
    last_exchange_at = models.DateTimeField(null=True, blank=True)
    """When, by the box's own clock, its newest exchange was signed: older ones are replays."""

    class Meta:
        verbose_name = _("sensor")

    def __str__(self) -> str:
        return self.identifier


class EnrolmentCode(models.Model):
    """A one-time code that lets one box become a shop's sensor; stored hashed."""

    shop_id = models.BigIntegerField()
    code_hash = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    sensor = models.OneToOneField(Sensor, models.SET_NULL, null=True, blank=True)

    class Meta:
        verbose_name = _("enrolment code")

    def __str__(self) -> str:
        return f"shop {self.shop_id}, until {self.expires_at}"


class Mechanism(models.Model):
    """How cells were noised: per count its row of the estimand table, bound and epsilon.

    ``counts`` maps a count's name to ``{"row": "E1", "bound": 3, "epsilon": "0.5"}``; the noise is
    discrete Laplace of scale bound / epsilon. One row per distinct mapping, shared by many cells.
    """

    digest = models.CharField(max_length=64, unique=True)
    mode = models.CharField(max_length=8)
    counts = models.JSONField()

    class Meta:
        verbose_name = _("mechanism")

    def __str__(self) -> str:
        return self.digest[:12]


class Batch(models.Model):
    """One accepted summary message; its hash makes intake idempotent."""

    sensor = models.ForeignKey(Sensor, models.PROTECT, related_name="batches")
    sequence = models.BigIntegerField()
    body_sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("batch")
        constraints = [models.UniqueConstraint(fields=["sensor", "sequence"], name="batch_once")]

    def __str__(self) -> str:
        return f"{self.sensor_id}/{self.sequence}"


class Cell(models.Model):
    """The released, noised counts of one sensor over 15 minutes; noise makes some negative."""

    sensor = models.ForeignKey(Sensor, models.PROTECT, related_name="cells")
    shop_id = models.BigIntegerField()
    start = models.DateTimeField()
    windows = models.PositiveSmallIntegerField(_("5-minute windows observed, of 3"))
    state = models.CharField(max_length=16)
    mechanism = models.ForeignKey(Mechanism, models.PROTECT, related_name="+")
    fingerprints = models.IntegerField(_("sum over windows of stable fingerprints"), null=True)
    scans = models.IntegerField(_("sum over windows of scans"), null=True)
    arrivals = models.IntegerField(_("followable arrivals"), null=True)
    passers_by = models.IntegerField(_("followable passers-by"), null=True)

    class Meta:
        verbose_name = _("cell")
        constraints = [models.UniqueConstraint(fields=["sensor", "start"], name="cell_once")]
        indexes = [models.Index(fields=["shop_id", "start"], name="cell_shop_start")]

    def __str__(self) -> str:
        return f"shop {self.shop_id} {self.start:%Y-%m-%d %H:%M}"


class DwellDay(models.Model):
    """The noised dwell histogram of followable devices, one sensor, one local day."""

    sensor = models.ForeignKey(Sensor, models.PROTECT, related_name="dwell_days")
    shop_id = models.BigIntegerField()
    day = models.DateField()
    edges_s = models.JSONField()
    counts = models.JSONField()
    bound = models.PositiveSmallIntegerField(default=1)
    epsilon = models.CharField(max_length=16)

    class Meta:
        verbose_name = _("dwell histogram")
        constraints = [models.UniqueConstraint(fields=["sensor", "day"], name="dwell_day_once")]
        indexes = [models.Index(fields=["shop_id", "day"], name="dwell_shop_day")]

    def __str__(self) -> str:
        return f"shop {self.shop_id} {self.day}"


class DropCount(models.Model):
    """What intake refused, counted by sensor, local day and reason."""

    sensor = models.ForeignKey(Sensor, models.CASCADE, null=True, related_name="drops")
    day = models.DateField()
    reason = models.CharField(max_length=32)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("refused batches")
        constraints = [
            models.UniqueConstraint(
                fields=["sensor", "day", "reason"], nulls_distinct=False, name="drop_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.reason}: {self.count}"


class DoorCount(models.Model):
    """Ground truth for calibration: people in the room, or entering, over a time."""

    class Source(models.TextChoices):
        DOOR = "door", _("door counter")
        TALLY = "tally", _("tally by hand")

    shop_id = models.BigIntegerField()
    start = models.DateTimeField()
    end = models.DateTimeField()
    occupancy = models.FloatField(_("mean number of people present"), null=True)
    arrivals = models.PositiveIntegerField(_("people who came in"), null=True)
    source = models.CharField(max_length=8, choices=Source)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("door count")
        constraints = [
            models.UniqueConstraint(fields=["shop_id", "start", "source"], name="door_count_once"),
            models.CheckConstraint(
                condition=models.Q(start__lt=models.F("end")), name="door_order"
            ),
            models.CheckConstraint(
                condition=models.Q(occupancy__isnull=False) | models.Q(arrivals__isnull=False),
                name="door_counts_something",
            ),
        ]

    def __str__(self) -> str:
        return f"shop {self.shop_id} {self.start:%Y-%m-%d %H:%M}"


class DoorToken(models.Model):
    """Lets a door counter post one shop's counts; stored hashed, revoked in one click."""

    shop_id = models.BigIntegerField(db_index=True)
    token_hash = models.CharField(max_length=64, unique=True)
    label = models.CharField(_("label"), max_length=80, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("door counter token")

    def __str__(self) -> str:
        return f"shop {self.shop_id}: {self.label}"


class Calibration(models.Model):
    """A shop's people-per-feature model, with the error it made on days it had not seen.

    ``coefficients`` maps feature names (mean per window) and ``"intercept"`` to people. ``stay``
    holds the numbers of ``estimates.Stay``; it and ``visits_error``, by which visits are judged,
    are null where people who came in were not counted: then the shop shows an index.
    """

    shop_id = models.BigIntegerField(db_index=True)
    fitted_at = models.DateTimeField()
    mode = models.CharField(max_length=8)
    coefficients = models.JSONField()
    residual_sd = models.FloatField(_("residual standard deviation, people, one cell"))
    scale_error = models.FloatField(_("relative error that all figures share"), default=0.0)
    day_error = models.FloatField(_("relative error that a day's hours share"), default=0.0)
    held_out_error = models.FloatField(_("relative error on unseen days, share"))
    held_out_mae = models.FloatField(_("held-out mean absolute error, people"))
    held_out_mape = models.FloatField(_("held-out error at 5 people or more, share"), null=True)
    stay = models.JSONField(_("counted stay and the errors of visits"), null=True)
    visits_error = models.FloatField(_("relative error of visits on unseen days"), null=True)
    cells = models.PositiveIntegerField(_("cells used"))
    days = models.PositiveIntegerField(_("days used"))

    class Meta:
        verbose_name = _("calibration")
        get_latest_by = "fitted_at"

    def __str__(self) -> str:
        return f"shop {self.shop_id} {self.fitted_at:%Y-%m-%d}"

    @property
    def shows_visits(self) -> bool:
        """Whether visits are exact enough to be shown; else the shop shows an index."""
        shared = self.stay["error"] if self.stay else 1.0
        return rules.unit(True, self.visits_error, shared) is rules.Unit.VISITS


class DayFigure(models.Model):
    """A published local day (04:00 to 04:00) of one shop, and its hours. Derived, rebuildable.

    ``hours`` packs the day's 24 clock hours (layout: ``hours.FIELDS``), so that a page about
    a year of thirty shops reads 11,000 rows instead of 263,000. Nothing is extrapolated: hours not
    observed add nothing, and ``windows`` beside ``windows_expected`` says so.
    """

    shop_id = models.BigIntegerField()
    day = models.DateField()
    person_hours = models.FloatField(_("person-hours"))
    visits_variance = models.FloatField(_("variance of the day’s visits"))
    dwell_s = models.FloatField(_("mean stay, seconds; visits are person-hours over it"))
    scale_error = models.FloatField(_("relative error that all of the shop's figures share"))
    windows = models.PositiveSmallIntegerField(_("windows observed"))
    windows_expected = models.PositiveSmallIntegerField(_("windows in the local day"))
    hours = models.BinaryField()

    class Meta:
        verbose_name = _("day")
        constraints = [models.UniqueConstraint(fields=["day", "shop_id"], name="day_once")]

    def __str__(self) -> str:
        return f"shop {self.shop_id} {self.day}"
