"""Where a shop is paid or debited: entered by its keeper; mandates by the director."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from stdnum import bic as bic_number
from stdnum import iban as iban_number
from stdnum.eu import at_02
from stdnum.exceptions import ValidationError as NumberError

from chaland.hub.association.access import is_director, required_role, staff_required
from chaland.hub.association.models import Shop, StaffRole
from chaland.hub.loyalty.clearing import selectors, services
from chaland.hub.loyalty.models import BankDetails


class BankForm(forms.Form):
    """An account; for the association its creditor identifier, for a shop its mandate."""

    holder = forms.CharField(label=gettext_lazy("Account holder"), max_length=70)
    iban = forms.CharField(label=gettext_lazy("IBAN"), max_length=42)
    bic = forms.CharField(
        label=gettext_lazy("BIC"),
        max_length=11,
        required=False,
        help_text=gettext_lazy("Only for accounts outside the SEPA area’s euro countries."),
    )
    creditor_id = forms.CharField(
        label=gettext_lazy("SEPA creditor identifier"),
        max_length=35,
        required=False,
        help_text=gettext_lazy("From your bank; needed for direct debits. In France: FR…ZZZ…"),
    )
    mandate = forms.RegexField(
        r"\A[A-Za-z0-9+?/:().,'-]{1,35}\Z",
        label=gettext_lazy("Mandate reference"),
        required=False,
        error_messages={"invalid": gettext_lazy("Use letters without accents, digits, - and /.")},
    )
    mandate_signed_on = forms.DateField(
        label=gettext_lazy("Mandate signed on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, left_out: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in left_out:
            del self.fields[name]
        for field in self.fields.values():
            field.widget.attrs["autocomplete"] = "off"

    def clean_iban(self) -> str:
        """Return the IBAN without spaces; its check digits must be right."""
        try:
            return str(iban_number.validate(self.cleaned_data["iban"]))
        except NumberError as error:
            raise forms.ValidationError(_("This IBAN has a typing error.")) from error

    def clean_bic(self) -> str:
        """Return the BIC; its form must be right."""
        given = self.cleaned_data["bic"]
        if not given:
            return ""
        try:
            return str(bic_number.validate(given))
        except NumberError as error:
            raise forms.ValidationError(_("This BIC has a typing error.")) from error

    def clean_creditor_id(self) -> str:
        """Return the creditor identifier; its check digits must be right."""
        given = self.cleaned_data["creditor_id"]
        if not given:
            return ""
        try:
            return str(at_02.validate(given))
        except NumberError as error:
            raise forms.ValidationError(_("This identifier has a typing error.")) from error

    def clean(self) -> dict[str, Any] | None:
        """A mandate has a reference and a date, or neither."""
        given = super().clean() or {}
        if bool(given.get("mandate")) != bool(given.get("mandate_signed_on")):
            self.add_error("mandate", _("Give the mandate’s reference and its date, or neither."))
        return given


@staff_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Show and change bank details: one's own shop's; a director those of any, and one's own."""
    role = required_role(request)
    shop = _shop(request, role)
    bank = selectors.bank_of(role.association_id, shop.pk if shop else None)
    left_out = _left_out(role, shop)
    form = BankForm(request.POST or None, initial=_initial(bank), left_out=left_out)
    if request.method == "POST" and form.is_valid():
        bank = bank or BankDetails(
            association_id=role.association_id, shop_id=shop.pk if shop else None
        )
        for name, value in form.cleaned_data.items():
            setattr(bank, name, value)
        services.save_bank(bank)
        messages.success(request, _("Bank details saved."))
        return redirect("clearing")
    context: dict[str, Any] = {
        "form": form,
        "shop": shop,
        "director": is_director(role),
        "bank": bank,
    }
    if bank is not None:
        context["known"] = selectors.masked(str(bank.iban))
    if is_director(role):
        context["shops"] = role.association.shops.order_by("name")
    return render(request, "loyalty/clearing/bank.html", context)


def _shop(request: HttpRequest, role: StaffRole) -> Shop | None:
    """Return the shop that is meant: a keeper's own; of a director the one asked for, or none."""
    if not is_director(role):
        return role.shop
    slug = request.GET.get("shop", "")
    found = role.association.shops.filter(slug=slug).first()
    if slug and found is None:
        raise Http404
    return found


def _left_out(role: StaffRole, shop: Shop | None) -> tuple[str, ...]:
    mandate = ("mandate", "mandate_signed_on")
    if shop is None:
        return mandate
    return ("creditor_id",) if is_director(role) else ("creditor_id", *mandate)


def _initial(bank: BankDetails | None) -> dict[str, Any]:
    """Return what is known; the IBAN is entered anew, so that a page never shows it whole."""
    names = ("holder", "bic", "creditor_id", "mandate", "mandate_signed_on")
    return {name: getattr(bank, name) for name in names} if bank else {}
