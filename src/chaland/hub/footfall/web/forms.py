"""Forms of the calibration and sensor pages."""

import json
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chaland.hub.association.models import Shop
from chaland.hub.footfall.services import CountRow, RowErrorFinal
from chaland.hub.footfall.services.door_rows import FILE_BYTES_MAX, PEOPLE_MAX, YEARS, check, to_utc
from chaland.hub.footfall.services.tally import Tap, tally_rows


class CountForm(forms.Form):
    """One count by hand: when, and how many were present or came in."""

    day = forms.DateField(
        label=gettext_lazy("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    begin = forms.TimeField(
        label=gettext_lazy("From"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    finish = forms.TimeField(
        label=gettext_lazy("To"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    occupancy = forms.FloatField(
        label=gettext_lazy("People present, on average"),
        required=False,
        min_value=0,
        max_value=PEOPLE_MAX,
    )
    arrivals = forms.IntegerField(
        label=gettext_lazy("People who came in"), required=False, min_value=0, max_value=PEOPLE_MAX
    )

    def __init__(self, *args: Any, timezone: ZoneInfo, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.timezone, self.now = timezone, now

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.errors:
            return given
        try:
            row = CountRow(
                self._instant("start", given["day"], given["begin"]),
                self._instant("end", given["day"], given["finish"]),
                given["occupancy"],
                given["arrivals"],
            )
            given["row"] = check(row, self.now)
        except RowErrorFinal as error:
            names = {"start": "begin", "end": "finish"}
            self.add_error(names.get(error.field, error.field), str(error))
        return given

    def _instant(self, field: str, day: date, clock: time) -> datetime:
        if day.year not in YEARS:
            raise RowErrorFinal(field, _("This is not a day of this century: check the date."))
        return to_utc(field, datetime.combine(day, clock), self.timezone)


class FileForm(forms.Form):
    """A door counter's file."""

    file = forms.FileField(
        label=gettext_lazy("CSV file"), widget=forms.FileInput(attrs={"accept": ".csv,text/csv"})
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > FILE_BYTES_MAX:
            raise forms.ValidationError(_("The file is larger than 1 MB: send it in parts."))
        return file


class TallyForm(forms.Form):
    """Taps as the page kept them, in seconds before sending: no phone's clock matters."""

    present = forms.IntegerField(min_value=0, max_value=PEOPLE_MAX)
    lasted_s = forms.IntegerField(min_value=0, max_value=12 * 3600)
    taps = forms.CharField(max_length=200_000, strip=True, required=False)

    def rows(self, now: datetime) -> list[CountRow]:
        """Return the tally's quarter hours. Raises RowErrorFinal."""
        try:
            pairs = json.loads(self.cleaned_data["taps"] or "[]")
            taps = [Tap(now - timedelta(seconds=float(ago)), int(step)) for ago, step in pairs]
        except (ValueError, TypeError, OverflowError) as error:
            raise RowErrorFinal("taps", _("This tally can't be read: start it again.")) from error
        start = now - timedelta(seconds=self.cleaned_data["lasted_s"])
        return tally_rows(start, now, self.cleaned_data["present"], taps)


class CodeForm(forms.Form):
    """A one-time code for a new box."""

    shop = forms.ModelChoiceField(
        Shop.objects.none(), label=gettext_lazy("Shop"), empty_label=gettext_lazy("Choose a shop")
    )
    label = forms.CharField(
        label=gettext_lazy("Where it stands"), max_length=80, required=False, strip=True
    )

    def __init__(self, *args: Any, shops: list[Shop], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["shop"]
        field.queryset = Shop.objects.filter(pk__in=[shop.pk for shop in shops])
