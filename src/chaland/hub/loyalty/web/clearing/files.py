"""Files of clearing: statements as PDF and CSV, and what the association's bank reads."""

import csv as csv_module
from io import StringIO

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.formats import date_format
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from chaland.hub.association.access import director_required, staff_required
from chaland.hub.common import clock
from chaland.hub.loyalty.clearing import bank_files, paper, selectors
from chaland.hub.loyalty.clearing.bank_files import BankFileErrorFinal
from chaland.hub.loyalty.models import Statement
from chaland.hub.loyalty.web.clearing.pages import own_clearing, own_statement

_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes text that begins so for a formula."""


@staff_required
@require_safe
def pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a statement as PDF, in the page's language."""
    statement = own_statement(request, pk)
    made = paper.pdf(statement, "fr" if (get_language() or "").startswith("fr") else "en")
    return _file(made, "application/pdf", f"chaland-{paper.number_of(statement)}.pdf")


@director_required
@require_safe
def csv(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a month's statements as CSV, a row a shop; amounts in euro."""
    clearing = own_clearing(request, pk)
    names = selectors.shop_names(clearing.association_id)
    french = (get_language() or "").startswith("fr")
    text = StringIO()
    writer = csv_module.writer(text, delimiter=";" if french else ",")
    writer.writerow(_headings())
    for each in selectors.statements(clearing):
        amounts = (
            -each.earned_cents, each.spent_cents, each.reversed_cents, each.lapsed_cents,
            each.adjusted_cents, each.net_cents,
        )  # fmt: skip
        name = names.get(each.shop_id, "–")
        writer.writerow(
            [
                paper.number_of(each),
                "'" + name if name.lstrip(" ").startswith(_RISKY) else name,
                *(_exact(cents, french=french) for cents in amounts),
                each.get_way_display(),
                _("yes") if each.settled_by_id or not each.net_cents else _("no"),
            ]
        )
    name = f"chaland-clearing-{clearing.month:%Y-%m}.csv"
    return _file(("\ufeff" + text.getvalue()).encode(), "text/csv; charset=utf-8", name)


def _headings() -> list[str]:
    return [
        pgettext("csv", "number"),
        pgettext("csv", "shop"),
        pgettext("csv", "given"),
        pgettext("csv", "spent"),
        pgettext("csv", "returns"),
        pgettext("csv", "lapsed"),
        pgettext("csv", "corrections"),
        pgettext("csv", "net"),
        pgettext("csv", "way of payment"),
        pgettext("csv", "settled"),
    ]


def _exact(cents: int, *, french: bool) -> str:
    sign, (euro, rest) = "-" if cents < 0 else "", divmod(abs(cents), 100)
    return f"{sign}{euro}{',' if french else '.'}{rest:02d}"


@director_required
@require_safe
def transfers(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the credit transfers (pain.001) of a month."""
    return _bank_file(request, pk, Statement.Way.CREDIT)


@director_required
@require_safe
def debits(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the direct debits (pain.008) of a month."""
    return _bank_file(request, pk, Statement.Way.DEBIT)


def _bank_file(request: HttpRequest, pk: int, way: Statement.Way) -> HttpResponse:
    clearing = own_clearing(request, pk)
    month = date_format(clearing.month, "F Y")
    payments, _missing = selectors.to_pay(clearing, way, f"{clearing.asset.name} {month}")
    own = selectors.bank_of(clearing.association_id, None)
    make = bank_files.transfers if way == Statement.Way.CREDIT else bank_files.debits
    try:
        made = make(own, payments, clock.now())
    except BankFileErrorFinal as error:
        messages.error(request, _problem(error.code))
        return redirect("clearing_month", pk)
    return _file(made, "application/xml", f"chaland-{way}-{clearing.month:%Y-%m}.xml")


def _problem(code: str) -> str:
    return {
        "no-bank": _("Enter the association’s own bank details first."),
        "no-creditor": _("Enter the association’s SEPA creditor identifier first."),
        "nothing": _("There is nothing to pay in this way."),
        "schema": _("The file would be refused: check names and bank details for unusual signs."),
    }[code]


def _file(made: bytes, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(made, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
