"""Towns, shops and staff. No customer data: this plane knows businesses, not people's lives."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone as django_timezone
from django.utils.translation import gettext_lazy as _

DEPARTMENT = r"0[1-9]|[1-8]\d|9[0-5]|2[AB]|97[1-8]"
"""INSEE codes of departments, and of the overseas collectivities whose sale periods are French."""


class UserManager(BaseUserManager["User"]):
    """Creates staff accounts; the e-mail address is the name."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """Someone who works for the association or a shop. Never a customer."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    language = models.CharField(_("language"), max_length=5, default="fr")
    is_staff = models.BooleanField(_("may open the administration"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(default=django_timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.name or self.email


class Association(models.Model):
    """A town's merchants' association."""

    name = models.CharField(_("name of the association"), max_length=120)
    town = models.CharField(_("town"), max_length=120)
    timezone = models.CharField(_("time zone"), max_length=64, default="Europe/Paris")
    department = models.CharField(
        _("French department"),
        max_length=3,
        blank=True,
        validators=[RegexValidator(rf"^(?:{DEPARTMENT})\Z", _("Its number: 17, 2A or 974."))],
        help_text=_("Its number: 17, 2A or 974. Sale periods and public holidays depend on it."),
    )
    simulated = models.BooleanField(_("simulated"), default=False)
    guide_finished_at = models.DateTimeField(_("set-up finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("association")
        verbose_name_plural = _("associations")

    def __str__(self) -> str:
        return self.name


class Zone(models.Model):
    """A part of the town with several shops, the smallest place whose flows are shown daily."""

    association = models.ForeignKey(Association, models.CASCADE, related_name="zones")
    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(max_length=80)

    class Meta:
        verbose_name = _("zone")
        verbose_name_plural = _("zones")
        constraints = [models.UniqueConstraint(fields=["association", "slug"], name="zone_slug")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Shop(models.Model):
    """A member shop. Its id is the only thing that the planes share, with time."""

    association = models.ForeignKey(Association, models.CASCADE, related_name="shops")
    zone = models.ForeignKey(Zone, models.PROTECT, related_name="shops", verbose_name=_("zone"))
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(max_length=120)
    trade = models.CharField(_("trade"), max_length=80, blank=True)
    latitude = models.FloatField(_("latitude"), null=True, blank=True)
    longitude = models.FloatField(_("longitude"), null=True, blank=True)

    class Meta:
        verbose_name = _("shop")
        verbose_name_plural = _("shops")
        constraints = [models.UniqueConstraint(fields=["association", "slug"], name="shop_slug")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class OpeningHours(models.Model):
    """One opening of a shop on a weekday (0 is Monday); a lunch break makes two of them."""

    shop = models.ForeignKey(Shop, models.CASCADE, related_name="opening_hours")
    weekday = models.PositiveSmallIntegerField(_("weekday"))
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        verbose_name = verbose_name_plural = _("opening hours")
        ordering = ["weekday", "opens"]
        constraints = [
            models.CheckConstraint(condition=models.Q(weekday__lte=6), name="opening_weekday"),
            models.CheckConstraint(
                condition=models.Q(opens__lt=models.F("closes")), name="opening_before_closing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.opens:%H:%M}-{self.closes:%H:%M}"


class StaffRole(models.Model):
    """What a user may do: a director sees the town, a shopkeeper one shop against the town."""

    class Role(models.TextChoices):
        DIRECTOR = "director", _("director")
        SHOPKEEPER = "shopkeeper", _("shopkeeper")

    user = models.ForeignKey(User, models.CASCADE, related_name="roles")
    association = models.ForeignKey(Association, models.CASCADE, related_name="staff")
    role = models.CharField(_("role"), max_length=16, choices=Role)
    shop = models.ForeignKey(Shop, models.CASCADE, related_name="staff", null=True, blank=True)

    class Meta:
        verbose_name = _("staff role")
        verbose_name_plural = _("staff roles")
        constraints = [
            models.CheckConstraint(
                condition=(
                    models.Q(role="director", shop__isnull=True)
                    | models.Q(role="shopkeeper", shop__isnull=False)
                ),
                name="shopkeeper_has_a_shop",
            ),
            models.UniqueConstraint(
                fields=["user", "association", "role", "shop"],
                nulls_distinct=False,
                name="role_once",
            ),
        ]

    def clean(self) -> None:
        """Refuse a shop of another association."""
        if self.shop is not None and self.shop.association_id != self.association_id:
            raise ValidationError({"shop": _("This shop belongs to another association.")})

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"


class Invitation(models.Model):
    """A link that lets its holder join the staff, once; only the hash of its token is stored."""

    association = models.ForeignKey(Association, models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail address"))
    role = models.CharField(_("role"), max_length=16, choices=StaffRole.Role)
    shop = models.ForeignKey(
        Shop, models.CASCADE, related_name="invitations", null=True, blank=True
    )
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["email"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    models.Q(role="director", shop__isnull=True)
                    | models.Q(role="shopkeeper", shop__isnull=False)
                ),
                name="invited_shopkeeper_has_a_shop",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.get_role_display()}"
