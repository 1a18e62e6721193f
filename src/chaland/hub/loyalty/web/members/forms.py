"""Forms of members: enrolment, the search in the shop's own list, the customer file."""

from datetime import date

from django import forms
from django.utils.dates import MONTHS
from django.utils.translation import gettext_lazy as _

from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.models import THE_ASSOCIATION, Wording


class SearchForm(forms.Form):
    """A name's beginning; sent by POST, so that no name stands in an address."""

    q = forms.CharField(label=_("Name"), max_length=80, required=False)


class EnrolForm(forms.Form):
    """Two fields are enough; each consent is a box of its own, unticked."""

    phone = forms.CharField(
        label=_("Mobile number"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    first_name = forms.CharField(label=_("First name"), max_length=60, required=False)
    last_name = forms.CharField(label=_("Surname"), max_length=60, required=False)
    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off"}),
    )
    birth_day = forms.TypedChoiceField(
        label=_("Birthday: day"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "–"), *((d, str(d)) for d in range(1, 32))],
    )
    birth_month = forms.TypedChoiceField(
        label=_("Month"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "–"), *MONTHS.items()],
    )
    over_15 = forms.BooleanField(label="", required=False)

    def __init__(
        self, data: object, asked: list[Wording], shop: tuple[int, str], association: str, age: str
    ) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a QueryDict or nothing
        self.fields["over_15"].label = age
        self._boxes: dict[str, Decision] = {}
        for controller, name in ((shop[0], shop[1]), (THE_ASSOCIATION, association)):
            for text in asked:
                key = f"box-{controller}-{text.pk}"
                self.fields[key] = forms.BooleanField(
                    label=wordings.text_for(text, name), required=False
                )
                self._boxes[key] = Decision(
                    controller, text.purpose, text.channel, given=True, wording_id=text.pk
                )

    @property
    def own_boxes(self) -> list[forms.BoundField]:
        """The shop's consents, unticked."""
        return [self[key] for key, box in self._boxes.items() if box.controller]

    @property
    def town_boxes(self) -> list[forms.BoundField]:
        """The association's, unticked."""
        return [self[key] for key, box in self._boxes.items() if not box.controller]

    def decisions(self) -> list[Decision]:
        """Return what was ticked."""
        return [box for key, box in self._boxes.items() if self.cleaned_data.get(key)]


class FileForm(forms.Form):
    """A shop's customer file."""

    file = forms.FileField(
        label=_("CSV file"),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=_("At most 5,000 lines and 2 MB; commas or semicolons."),
    )


def example(today: date) -> str:
    """Return a file to fill in, as French spreadsheets read it."""
    text = "J’accepte de recevoir les offres de ma boutique par SMS."
    return (
        "\ufeffnom;prénom;téléphone;e-mail;anniversaire;accord sms;accord e-mail;"
        "date de l’accord;texte de l’accord;source de l’accord\r\n"
        f"Exemple;Marie;06 39 98 00 00;;31/12;oui;non;{today:%d/%m/%Y};{text};formulaire\r\n"
        "Modèle;Paul;;paul@example.fr;;non;non;;;\r\n"
    )
