"""What a page of receipts is asked, and how much of a receipt comes back."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from chaland.hub.loyalty.receipts.rules import Bought
from chaland.hub.loyalty.receipts.selectors import Asked


class FilterForm(forms.Form):
    """Days, sort and number; whatever can't be read is left out."""

    is_filter = True
    """All of it may be left out: that needn't be said beside each field."""

    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput({"type": "date"})
    )
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput({"type": "date"}))
    sort = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[
            ("", _("all receipts")),
            ("attached", _("with a member")),
            ("unattached", _("without a member")),
            ("returns", _("returns")),
            ("waiting", _("returns without their purchase")),
        ],
    )
    text = forms.CharField(label=_("Number or code"), required=False, max_length=80)

    def asked(self, zone: ZoneInfo) -> Asked:
        """Return what is asked; days are the town's."""
        self.is_valid()
        said = self.cleaned_data
        since, until = said.get("since"), said.get("until")
        return Asked(
            since=datetime.combine(since, time(), zone) if since else None,
            until=datetime.combine(until + timedelta(days=1), time(), zone) if until else None,
            sort=said.get("sort", ""),
            text=said.get("text", "").strip(),
        )


class ReturnForm(forms.Form):
    """How much of each line comes back, in pieces (or weights, up to a thousandth)."""

    number = forms.CharField(max_length=40, widget=forms.HiddenInput)
    """Of this return: the form sent twice is one return."""

    def __init__(self, lines: Iterable[Bought], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = [line for line in lines if not line.discount and line.left_milli > 0]
        for line in self.lines:
            whole = line.quantity_milli % 1_000 == 0
            self.fields[f"line_{line.number}"] = forms.DecimalField(
                label=line.item_name or _("line %(number)d") % {"number": line.number},
                required=False,
                min_value=0,
                max_value=line.left_milli / 1_000,
                decimal_places=0 if whole else 3,
                max_digits=10,
            )

    def fields_of_lines(self) -> list[tuple[Bought, forms.BoundField]]:
        """Return each line that something is left of, with its field."""
        return [(line, self[f"line_{line.number}"]) for line in self.lines]

    def quantities(self) -> dict[int, int]:
        """Return thousandths by line number, of a valid form."""
        said = {line.number: self.cleaned_data[f"line_{line.number}"] for line in self.lines}
        return {number: int(1_000 * value) for number, value in said.items() if value}
