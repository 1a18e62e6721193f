"""Forms of programmes: they speak of euro, days and times, and give cents, numbers and minutes."""

from datetime import datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chaland.hub.loyalty.models import Advantage, Asset, Programme, Reward, Rule, Sponsor, Tier
from chaland.hub.loyalty.programmes.parameters import ParameterErrorFinal, checked
from chaland.hub.loyalty.programmes.rules import MULTIPLIER, PRODUCT, PURCHASE, SPEND

if TYPE_CHECKING:
    _ProgrammeForm = forms.ModelForm[Programme]
    _RewardForm = forms.ModelForm[Reward]
    _TierForm = forms.ModelForm[Tier]
    _AdvantageForm = forms.ModelForm[Advantage]
else:  # Django's forms are generic to the type checker only
    _ProgrammeForm = _RewardForm = _TierForm = _AdvantageForm = forms.ModelForm

EURO_MAX = 100_000
PAST_WEEKS = (4, 13, 52)


def _day(label: Any, **more: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget, **more)


def _euro(label: Any, *, least: str = "0.01", **more: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, min_value=Decimal(least), max_value=EURO_MAX, decimal_places=2, **more
    )


def cents(euro: Decimal | None) -> int:
    """Return an amount of a form in cents."""
    return int((euro or 0) * 100)


def _names(text: str) -> list[str]:
    return [name for name in (part.strip() for part in text.split(",")) if name]


class RuleForm(forms.Form):
    """A rule of one kind, in plain words; ``cleaned_data['parameters']`` are the engine's."""

    name = forms.CharField(
        label=gettext_lazy("Name, as the member reads it"), max_length=80,
        help_text=gettext_lazy("For example “double Tuesday”."),
    )  # fmt: skip
    units = forms.IntegerField(label=gettext_lazy("How many"), min_value=1, max_value=10_000)
    per = _euro(gettext_lazy("For each amount of (€)"), initial=Decimal(1))
    least = _euro(gettext_lazy("For a purchase from (€)"), least="0", initial=Decimal(5))
    factor = forms.DecimalField(
        label=gettext_lazy("Times"), min_value=Decimal("1.01"), max_value=10, decimal_places=2,
        initial=Decimal(2),
    )  # fmt: skip
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("On these days only"), required=False, coerce=int,
        choices=list(WEEKDAYS.items()), widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    begin = forms.TimeField(
        label=gettext_lazy("From"), required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )  # fmt: skip
    finish = forms.TimeField(
        label=gettext_lazy("To"), required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )  # fmt: skip
    groups = forms.CharField(
        label=gettext_lazy("Product groups"), required=False, max_length=2_000,
        help_text=gettext_lazy("As your till names them, separated by commas."),
    )  # fmt: skip
    items = forms.CharField(
        label=gettext_lazy("Article numbers"), required=False, max_length=2_000,
        help_text=gettext_lazy("As your till names them, separated by commas."),
    )  # fmt: skip
    first_purchase = forms.BooleanField(
        label=gettext_lazy("On the first purchase only"), required=False
    )
    birthday_month = forms.BooleanField(
        label=gettext_lazy("In the month of the birthday only"), required=False
    )
    starts_on = _day(gettext_lazy("First day"), help_text=gettext_lazy("Empty: at once."))
    ends_on = _day(gettext_lazy("Last day"))
    sponsor = forms.ModelChoiceField(
        Sponsor.objects.none(), label=gettext_lazy("Paid by"), required=False,
        empty_label=gettext_lazy("the shop where one buys"),
    )  # fmt: skip

    def __init__(
        self, *args: Any, kind: str, programme: Programme, zone: ZoneInfo, **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self.kind, self.zone = kind, zone
        kept = {*_FIELDS[kind], "name", "starts_on", "ends_on"}
        if programme.shop_id is None and kind in (MULTIPLIER, PRODUCT):
            kept.add("sponsor")
            sponsors = Sponsor.objects.filter(association_id=programme.association_id)
            field = self.fields["sponsor"]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = sponsors
        for name in set(self.fields) - kept:
            del self.fields[name]
        if "units" in self.fields:
            self.fields["units"].label = _UNITS[Asset.Kind(programme.asset.kind)]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.errors:
            return given
        try:
            given["parameters"] = checked(self.kind, self._parameters(given))
        except ParameterErrorFinal as error:
            field = _FORM_FIELD.get(error.field, error.field)
            self.add_error(field if field in self.fields else None, _REASONS[error.reason])
        given["starts_at"] = self._instant(given.get("starts_on"))
        last = given.get("ends_on")
        given["ends_at"] = self._instant(last, time.max) if last else None
        if given["starts_at"] and given["ends_at"] and given["starts_at"] > given["ends_at"]:
            self.add_error("ends_on", _("The last day is before the first."))
        return given

    def _instant(self, day: Any, at: time = time.min) -> datetime | None:
        return datetime.combine(day, at, self.zone) if day else None

    def _parameters(self, given: dict[str, Any]) -> dict[str, object]:
        if self.kind == SPEND:
            return {"units": given["units"], "per_cents": cents(given["per"])}
        if self.kind == PURCHASE:
            return {"units": given["units"], "min_cents": cents(given["least"])}
        groups = _names(given.get("groups", ""))
        if self.kind == PRODUCT:
            items = _names(given.get("items", ""))
            return {"units": given["units"], "items": items, "groups": groups}
        found: dict[str, object] = {
            "percent": int(given["factor"] * 100),
            "weekdays": given["weekdays"],
            "groups": groups,
            "first_purchase": given["first_purchase"],
            "birthday_month": given["birthday_month"],
        }
        for name, field in (("from_minute", "begin"), ("to_minute", "finish")):
            if given.get(field):
                found[name] = given[field].hour * 60 + given[field].minute
        return found

    @classmethod
    def initial_of(cls, rule: Rule) -> dict[str, Any]:
        """Return a stored rule as the form's values."""
        p = rule.parameters
        initial: dict[str, Any] = {
            "name": rule.name,
            "sponsor": rule.sponsor_id,
            "units": p.get("units"),
            "per": Decimal(p.get("per_cents", 100)) / 100,
            "least": Decimal(p.get("min_cents", 0)) / 100,
            "factor": Decimal(p.get("percent", 200)) / 100,
            "weekdays": p.get("weekdays", []),
            "groups": ", ".join(p.get("groups", [])),
            "items": ", ".join(p.get("items", [])),
            "first_purchase": p.get("first_purchase", False),
            "birthday_month": p.get("birthday_month", False),
        }
        for name, field in (("from_minute", "begin"), ("to_minute", "finish")):
            if name in p:
                initial[field] = time(p[name] // 60 % 24, p[name] % 60)
        return initial


_FIELDS = {
    SPEND: ("units", "per"),
    PURCHASE: ("units", "least"),
    PRODUCT: ("units", "items", "groups"),
    MULTIPLIER: (
        "factor", "weekdays", "begin", "finish", "groups", "first_purchase", "birthday_month"
    ),
}  # fmt: skip
_FORM_FIELD = {"to_minute": "finish", "from_minute": "begin", "percent": "factor",
               "per_cents": "per", "min_cents": "least"}  # fmt: skip
_UNITS = {
    Asset.Kind.PURSE: gettext_lazy("How many cents"),
    Asset.Kind.POINTS: gettext_lazy("How many points"),
    Asset.Kind.STAMPS: gettext_lazy("How many stamps"),
}
_REASONS = {
    "range": gettext_lazy("This is too little or too much."),
    "empty": gettext_lazy("Name at least one article or product group."),
    "type": gettext_lazy("This can’t be read."),
    "missing": gettext_lazy("This is needed."),
    "unknown": gettext_lazy("There is no such kind of rule."),
}


class ProgrammeForm(_ProgrammeForm):
    """A programme's own settings."""

    ends_on = _day(gettext_lazy("Last day"))
    expires_after_months = forms.IntegerField(
        label=gettext_lazy("What is earned lapses after (months)"), required=False,
        min_value=1, max_value=120, help_text=gettext_lazy("Empty: never."),
    )  # fmt: skip

    class Meta:
        model = Programme
        fields = ["name", "active", "expires_after_months", "returns", "ends_on"]


class RewardForm(_RewardForm):
    """What a balance buys."""

    value = _euro(gettext_lazy("Worth (€)"), required=False)

    class Meta:
        model = Reward
        fields = ["kind", "name", "cost", "valid_days"]

    def __init__(self, *args: Any, programme: Programme, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["kind"].widget = forms.Select(choices=_kinds(programme))
        self.fields["valid_days"].required = False
        self.kinds = {value for value, _label in _kinds(programme)}
        self.fields["cost"].widget.attrs["min"] = 1

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        kind = given.get("kind")
        if kind not in self.kinds:
            self.add_error("kind", _("There is no such reward in this programme."))
        valued = kind in (Reward.Kind.AMOUNT, Reward.Kind.VOUCHER)
        if valued and not given.get("value") and "value" not in self.errors:
            self.add_error("value", _("Say what it is worth."))
        if given.get("cost") == 0:
            self.add_error("cost", _("This is too little or too much."))
        self.instance.value_cents = cents(given.get("value")) if valued else 0
        if kind != Reward.Kind.VOUCHER:
            given["valid_days"] = None
        return given


def _kinds(programme: Programme) -> list[tuple[str, Any]]:
    """List the kinds of reward that suit a programme. The coalition's purse is money: it comes off
    at the shop where it is spent, which the clearing pays; a voucher would be paid where it was
    bought, and used elsewhere."""
    kinds = {
        Asset.Kind.PURSE: [Reward.Kind.AMOUNT],
        Asset.Kind.POINTS: [Reward.Kind.VOUCHER, Reward.Kind.AMOUNT, Reward.Kind.GIFT],
        Asset.Kind.STAMPS: [Reward.Kind.STAMP, Reward.Kind.GIFT],
    }
    return [(kind.value, kind.label) for kind in kinds[Asset.Kind(programme.asset.kind)]]


class TierForm(_TierForm):
    """A tier: from how much spent, or from how many shops, and what it multiplies by."""

    factor = forms.DecimalField(
        label=gettext_lazy("Times"), min_value=Decimal("1.01"), max_value=10, decimal_places=2,
        initial=Decimal("1.5"),
    )  # fmt: skip
    threshold = forms.IntegerField(
        label=gettext_lazy("From (euro, or shops)"), min_value=1, max_value=EURO_MAX
    )

    class Meta:
        model = Tier
        fields = ["name", "measure", "threshold"]

    def __init__(self, *args: Any, programme: Programme, **more: Any) -> None:
        super().__init__(*args, **more)
        self.programme = programme
        if programme.shop_id is not None:  # one shop is always one shop
            choices = [(Tier.Measure.SPENT.value, Tier.Measure.SPENT.label)]
            self.fields["measure"].widget = forms.Select(choices=choices)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.errors:
            return given
        if self.programme.shop_id is not None and given["measure"] == Tier.Measure.SHOPS:
            self.add_error("measure", _("One shop’s tiers go by what is spent there."))
            return given
        if given["measure"] == Tier.Measure.SPENT:
            given["threshold"] *= 100
        if self.programme.tiers.filter(threshold=given["threshold"]).exists():
            self.add_error("threshold", _("There is a tier from there already."))
        self.instance.multiplier_percent = int(given["factor"] * 100)
        return given


class AdvantageForm(_AdvantageForm):
    """What members get all year: a percentage, or a price of their own."""

    percent = forms.IntegerField(
        label=gettext_lazy("Percent off"), min_value=1, max_value=100, required=False
    )
    price = _euro(gettext_lazy("or a member price (€)"), required=False, least="0")
    ends_on = _day(gettext_lazy("Last day"))

    class Meta:
        model = Advantage
        fields = ["name", "percent", "item_id", "group", "tier", "ends_on"]

    def __init__(self, *args: Any, association_id: int, shop_id: int, **more: Any) -> None:
        super().__init__(*args, **more)
        tiers = Tier.objects.filter(
            programme__association_id=association_id, programme__shop_id__in=[shop_id]
        ) | Tier.objects.filter(
            programme__association_id=association_id, programme__shop_id__isnull=True
        )
        field = self.fields["tier"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset, field.empty_label = tiers, _("all members")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.errors:
            return given
        if (given.get("percent") is None) == (given.get("price") is None):
            self.add_error("percent", _("Give a percentage or a price, one of them."))
        price = given.get("price")
        if price is not None and not given.get("item_id"):
            self.add_error("item_id", _("A member price is of one article: name it."))
        self.instance.price_cents = cents(price) if price is not None else None
        return given


class SponsorForm(forms.Form):
    """Who pays for rules."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)


class FundForm(forms.Form):
    """What a sponsor paid in. ``key`` makes a second click the same payment."""

    amount = _euro(gettext_lazy("Paid in (€)"))
    key = forms.UUIDField(widget=forms.HiddenInput)
