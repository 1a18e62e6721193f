"""Forms of the guide. They check; services write."""

from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import (
    password_validators_help_text_html,
    validate_password,
)
from django.core.exceptions import ValidationError
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from chaland.hub.association.models import Association, Shop, StaffRole, User, Zone
from chaland.hub.association.services import is_setup_token
from chaland.hub.association.shop_csv import slug_of
from chaland.hub.common.signs import unseen

if TYPE_CHECKING:
    _AssociationModelForm = forms.ModelForm[Association]
    _ModelForm = forms.ModelForm[Any]
else:  # Django's forms are generic to the type checker only
    _AssociationModelForm = _ModelForm = forms.ModelForm

# The time zones of France first; a town elsewhere still finds its own.
_FRENCH = (
    "Europe/Paris",
    "America/Guadeloupe",
    "America/Martinique",
    "America/Cayenne",
    "Indian/Reunion",
    "Indian/Mayotte",
    "Pacific/Noumea",
    "Pacific/Tahiti",
    "America/Miquelon",
)


def _timezones() -> list[tuple[str, Any]]:
    others = sorted(zone for zone in available_timezones() if "/" in zone and zone not in _FRENCH)
    return [
        (str(_("France")), [(zone, zone.replace("_", " ")) for zone in _FRENCH]),
        (
            str(_("Elsewhere")),
            [
                (z, z.replace("_", " "))
                for z in others
                if not z.startswith(("Etc/", "posix", "right"))
            ],
        ),
    ]


class _NewPassword(forms.CharField):
    """A password that meets the rules, which stand beside it."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Password"),
            widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            strip=False,
            help_text=lazy(password_validators_help_text_html, str)(),
        )


class AssociationForm(_AssociationModelForm):
    """Name, town, time zone and department."""

    timezone = forms.ChoiceField(label=_("Time zone"), choices=_timezones, initial="Europe/Paris")

    class Meta:
        model = Association
        fields = ["name", "town", "timezone", "department"]
        labels = {"name": _("Name of the association"), "town": _("Town")}


class FirstRunForm(AssociationForm):
    """The association and its first director, guarded by the token of the server's console."""

    token = forms.CharField(
        label=_("Set-up code"),
        max_length=40,
        help_text=_("The server shows it in its console when it starts (chaland hub serve)."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    user_name = forms.CharField(
        label=_("Your name"), max_length=120, widget=forms.TextInput({"autocomplete": "name"})
    )
    email = forms.EmailField(
        label=_("Your e-mail address"), widget=forms.EmailInput({"autocomplete": "email"})
    )
    password = _NewPassword()

    field_order = ["token", "name", "town", "timezone", "user_name", "email", "password"]

    def clean_token(self) -> str:
        token = str(self.cleaned_data["token"])
        if not is_setup_token(token):
            raise ValidationError(
                _("This is not the code of this server. Copy it from the server’s console.")
            )
        return token

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        _check_password(self, data.get("email", ""), data.get("user_name", ""))
        return data


def _check_password(form: "forms.Form | forms.ModelForm[Any]", email: str, name: str) -> None:
    password = form.cleaned_data.get("password")
    if not password:
        return
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        form.add_error("password", error)


def refuse_unseen(text: str) -> None:
    """Check a form's text. Raises ValidationError, naming the first sign that shows nothing."""
    for sign in unseen(text):
        where = {"code": f"U+{ord(sign):04X}", "before": text.partition(sign)[0][-20:]}
        raise ValidationError(_("Remove the invisible sign %(code)s after “%(before)s”.") % where)


class _NamedForm(_ModelForm):
    """A zone or shop whose name must be its association's only one of that spelling."""

    taken = _("There is one of this name already.")

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        refuse_unseen(name)
        slug = slug_of(name)
        if not slug:
            raise ValidationError(_("Use at least one letter or digit."))
        others = type(self.instance).objects.filter(
            association=self.instance.association, slug=slug
        )
        if others.exclude(pk=self.instance.pk).exists():
            raise ValidationError(self.taken)
        return name


class ZoneForm(_NamedForm):
    """A zone's name."""

    taken = _("There is a zone of this name already.")

    class Meta:
        model = Zone
        fields = ["name"]
        labels = {"name": _("Name of the zone")}


class ShopForm(_NamedForm):
    """A shop: name, zone, trade and, for the map, its place."""

    taken = _("There is a shop of this name already.")

    class Meta:
        model = Shop
        fields = ["name", "zone", "trade", "latitude", "longitude"]
        labels = {
            "name": _("Name of the shop"),
            "zone": _("Zone"),
            "trade": _("Trade"),
            "latitude": _("Latitude"),
            "longitude": _("Longitude"),
        }
        help_texts = {"trade": _("For example: bakery, bookshop, clothing.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = Zone.objects.filter(association=self.instance.association)
        self.fields["zone"] = forms.ModelChoiceField(zones, label=_("Zone"), empty_label=None)
        for name, limit in (("latitude", 90), ("longitude", 180)):
            self.fields[name] = forms.FloatField(
                label=self.fields[name].label, required=False, min_value=-limit, max_value=limit
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if (data.get("latitude") is None) != (data.get("longitude") is None):
            self.add_error("longitude", _("Give both latitude and longitude, or neither."))
        return data


class InvitationForm(forms.Form):
    """Whom to invite, and to what; a shopkeeper needs a shop, a director has none."""

    use_required_attribute = False

    email = forms.EmailField(label=_("E-mail address"))
    role = forms.ChoiceField(label=_("Role"), choices=StaffRole.Role.choices, initial="shopkeeper")

    def __init__(self, association: Association, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shop"] = forms.ModelChoiceField(
            association.shops.all(),
            label=_("Shop"),
            required=self.data.get("role") != StaffRole.Role.DIRECTOR,
            empty_label=_("Choose a shop"),
            error_messages={"required": _("Choose the shop that this person works for.")},
            help_text=_("For a shopkeeper: the one shop whose figures this person sees."),
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("role") == StaffRole.Role.DIRECTOR:
            data["shop"] = None
        return data


class JoinForm(forms.Form):
    """The account of someone who was invited."""

    name = forms.CharField(
        label=_("Your name"), max_length=120, widget=forms.TextInput({"autocomplete": "name"})
    )
    password = _NewPassword()

    def __init__(self, email: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        _check_password(self, self.email, data.get("name", ""))
        return data


class ShopFileForm(forms.Form):
    """The CSV file of shops; `shop_csv.read_shops` judges its content."""

    file = forms.FileField(
        label=_("CSV file"),
        widget=forms.FileInput({"accept": ".csv,.txt,text/csv,text/plain"}),
    )
