"""Forms of the connections pages."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chaland.hub.common.signs import on_one_line
from chaland.hub.loyalty.connect.receipt_csv import BYTES_AT_MOST, REQUIRED, Column
from chaland.hub.loyalty.models import Source

_PIN = {"inputmode": "numeric", "autocomplete": "off", "pattern": "[0-9]*"}


class NameForm(forms.Form):
    """A name, of a till or a key."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=40)

    def clean_name(self) -> str:
        return on_one_line(self.cleaned_data["name"])


class PinForm(forms.Form):
    """A seller's PIN."""

    pin = forms.CharField(
        label=gettext_lazy("PIN"),
        min_length=4,
        max_length=8,
        widget=forms.PasswordInput(attrs=_PIN),
        help_text=gettext_lazy("4 to 8 digits, neither in a row nor all the same"),
    )


class SellerForm(NameForm, PinForm):
    """A seller: a name and a PIN."""

    field_order = ("name", "pin")


class MakerForm(forms.Form):
    """Another maker's till, and what it needs."""

    source = forms.ChoiceField(
        label=gettext_lazy("Maker"),
        choices=[
            (source.value, source.label)
            for source in (Source.HIBOUTIK, Source.ODOO, Source.SUMUP, Source.SQUARE)
        ],
    )
    secret = forms.CharField(
        label=gettext_lazy("Secret or access key"),
        max_length=400,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy(
            "Hiboutik: the webhook’s secret. SumUp and Square: the access key. Odoo: nothing."
        ),
    )
    location = forms.CharField(
        label=gettext_lazy("Square: number of the place of sale"), max_length=64, required=False
    )
    signature_key = forms.CharField(
        label=gettext_lazy("Square: signature key of the webhook"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        source = given.get("source")
        if source in (Source.HIBOUTIK, Source.SUMUP, Source.SQUARE) and not given.get("secret"):
            self.add_error("secret", _("This maker needs it."))
        if source == Source.SQUARE and not given.get("location"):
            self.add_error("location", _("Square needs it."))
        return given

    @property
    def secrets(self) -> str:
        """What is kept sealed: the secret, and Square's second one on a line of its own."""
        given = self.cleaned_data
        lines = [given["secret"]]
        if given["source"] == Source.SQUARE:
            lines.append(given["signature_key"])
        return "\n".join("".join(line.split()) for line in lines).rstrip("\n")


class FileForm(forms.Form):
    """A file of receipts."""

    file = forms.FileField(
        label=gettext_lazy("CSV file"), widget=forms.FileInput(attrs={"accept": ".csv,text/csv"})
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > BYTES_AT_MOST:
            raise forms.ValidationError(_("The file is larger than 10 MB: send it in parts."))
        return file


def column_label(column: Column) -> str:
    """Return our name of a field."""
    labels = {
        Column.NUMBER: _("Receipt number"),
        Column.DAY: _("Date (and time)"),
        Column.TIME: _("Time"),
        Column.AMOUNT: _("Amount of the line, with tax"),
        Column.ITEM: _("Article"),
        Column.ITEM_NUMBER: _("Article number"),
        Column.GROUP: _("Product group"),
        Column.QUANTITY: _("Quantity"),
        Column.VAT: _("VAT rate"),
        Column.TILL: _("Till"),
        Column.SELLER: _("Seller"),
        Column.CARD: _("Member’s card"),
    }
    return labels[column]


class ColumnsForm(forms.Form):
    """Which of the file's columns is which of our fields."""

    save_as = forms.CharField(
        label=gettext_lazy("Keep these columns under a name, for the next file"),
        max_length=60,
        required=False,
    )

    def __init__(self, *args: Any, headers: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "–"), *((header, header) for header in dict.fromkeys(headers) if header)]
        for column in Column:
            self.fields[column.value] = forms.ChoiceField(
                label=column_label(column), choices=choices, required=column in REQUIRED
            )
        self.order_fields([*(column.value for column in Column), "save_as"])

    @property
    def columns(self) -> dict[str, str]:
        """The chosen map."""
        return {column.value: self.cleaned_data[column.value] for column in Column}
