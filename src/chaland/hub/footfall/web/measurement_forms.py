"""Forms of the measurement page. They check; services write."""

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chaland.hub.association.web.forms import refuse_unseen
from chaland.hub.footfall import keeping
from chaland.hub.footfall.models import Measurement
from chaland.wire import charter as wire

if TYPE_CHECKING:
    _MeasurementModelForm = forms.ModelForm[Measurement]
else:  # Django's forms are generic to the type checker only
    _MeasurementModelForm = forms.ModelForm

_FINGERPRINT = re.compile(r"[a-z2-7]{4}(?:-[a-z2-7]{4}){3}")


PHONE_DIGITS = 8
POSTAL_LETTERS = 15
"""So much at least, or nobody can write or call."""


def _day(label: Any, help_text: Any = "") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, help_text=help_text, widget=widget)


class MeasurementForm(_MeasurementModelForm):
    """Why, by whom and until when is measured; what it takes, a charter can say, too."""

    objection_network = forms.CharField(
        label=gettext_lazy("Name of the objection network"),
        help_text=gettext_lazy("Phones that look for it are left out. It ends in “-optout”."),
        validators=[
            RegexValidator(
                r"^([\x21-\x7e][\x20-\x7e]{0,24})?-optout\Z",
                gettext_lazy(
                    "Use at most 32 letters without accents, digits and signs, with “-optout” at"
                    " the end: so nobody’s own network is meant."
                ),
            )
        ],
    )
    public_page = forms.URLField(
        label=gettext_lazy("Address of the public page"),
        help_text=gettext_lazy("The notice’s QR code leads there."),
        max_length=200,
        assume_scheme="https",
    )
    ends_on = _day(gettext_lazy("Last day"), gettext_lazy("After it no sensor listens."))
    town_key = forms.CharField(
        label=gettext_lazy("Fingerprint of the town key"),
        required=False,
        help_text=gettext_lazy("As “chaland charter key” shows it. It is printed on the notice."),
        widget=forms.TextInput(
            attrs={
                "placeholder": "abcd-efgh-ijkl-mnop",
                "autocomplete": "off",
                "spellcheck": "false",
            }
        ),
    )

    class Meta:
        model = Measurement
        fields = [
            "controller",
            "contact",
            "purpose",
            "ends_on",
            "objection_network",
            "public_page",
            "town_key",
        ]
        labels = {
            "controller": gettext_lazy("Who is responsible"),
            "contact": gettext_lazy("Contact for questions and rights"),
            "purpose": gettext_lazy("Purpose"),
        }
        help_texts = {
            "controller": gettext_lazy("Name and address, as they stand on the notice."),
            "contact": gettext_lazy("An e-mail or postal address that somebody reads."),
            "purpose": gettext_lazy("One sentence that a passer-by understands."),
        }

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        for name in ("controller", "contact", "purpose"):
            self.fields[name].validators.append(refuse_unseen)
        self.fields["ends_on"].widget.attrs |= {
            "min": today.isoformat(),
            "max": (today + keeping.MEASUREMENT_AT_MOST).isoformat(),
        }

    def clean_ends_on(self) -> date:
        day: date = self.cleaned_data["ends_on"]
        if day < self.today:
            raise forms.ValidationError(_("This day is past."))
        if day > self.today + keeping.MEASUREMENT_AT_MOST:
            raise forms.ValidationError(_("Two years at most: then people are asked anew."))
        return day

    def clean_contact(self) -> str:
        contact = str(self.cleaned_data["contact"])
        digits = sum(sign.isdigit() for sign in contact)
        is_mail = re.search(r"[^\s@]@[^\s@]+\.[^\s@]{2,}", contact)
        if not (is_mail or digits >= PHONE_DIGITS or len(contact) >= POSTAL_LETTERS):
            raise forms.ValidationError(
                _("Give an e-mail address, a whole phone number or a postal address.")
            )
        return contact

    def clean_town_key(self) -> str:
        key = str(self.cleaned_data["town_key"]).strip().lower()
        if key and not _FINGERPRINT.fullmatch(key):
            raise forms.ValidationError(
                _("A fingerprint is four groups of four letters a–z or digits 2–7.")
            )
        return key

    def clean_public_page(self) -> str:
        page = str(self.cleaned_data["public_page"])
        if not page.isascii():
            raise forms.ValidationError(_("Write this address in plain letters, without accents."))
        return page


class AgreementForm(forms.Form):
    """Who agreed to a shop's sensor, and when."""

    agreed_by = forms.CharField(
        label=gettext_lazy("Agreed by"), max_length=120, validators=[refuse_unseen]
    )
    agreed_on = _day(gettext_lazy("Agreed on"))


class DayForm(forms.Form):
    """The day on which a notice was put up, or an agreement withdrawn."""

    day = _day(gettext_lazy("Day"))


class CharterForm(forms.Form):
    """A signed charter."""

    file = forms.FileField(
        label=gettext_lazy("Signed charter"),
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        if file.size > wire.MAX_BYTES:
            raise forms.ValidationError(_("This file is too large for a charter."))
        return bytes(file.read())
