"""A statement in print: what it sums up, how it is paid, and where it came from."""

from typing import Any

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chaland.hub.association.models import Association
from chaland.hub.common import printing
from chaland.hub.loyalty.clearing import rules
from chaland.hub.loyalty.clearing.selectors import bank_of, gained_of, masked, shop_names
from chaland.hub.loyalty.models import Statement
from chaland.hub.loyalty.programmes.words import money

_PACKAGE = "chaland.hub.loyalty.clearing"
Way = Statement.Way


def pdf(statement: Statement, language: str) -> bytes:
    """Return a statement as PDF. The same statement and bank details give the same bytes."""
    return printing.pdf(_PACKAGE, "papers/statement", document(statement, language))


def number_of(statement: Statement) -> str:
    """Return a statement's number: the month, and its place in the coalition's books."""
    return f"{statement.clearing.month:%Y-%m}-{statement.pk}"


def document(statement: Statement, language: str) -> dict[str, Any]:
    """Return what the template prints, in one language."""
    clearing = statement.clearing
    town = Association.objects.get(pk=clearing.association_id)
    names = shop_names(clearing.association_id)
    with translation.override(language):
        month = date_format(clearing.month, "F Y")
        owes = statement.net_cents < 0 and statement.way == Way.INVOICE
        return {
            "language": language,
            "title": _("Invoice") if owes else _("Statement of the purse"),
            "lead": _("%(name)s, %(month)s, number %(number)s")
            % {"name": clearing.asset.name, "month": month, "number": number_of(statement)},
            "from": town.name,
            "from_town": town.town,
            "to": names.get(statement.shop_id, "–"),
            "date": date_format(clearing.closed_at.date(), "j F Y"),
            "head": [_("What moved"), _("Amount")],
            "rows": [[label, money(cents)] for label, cents in rows(statement)],
            "sum": [_("Net"), money(statement.net_cents)],
            "payment": _payment(statement),
            "gained": _gained(statement, names),
            "footer": _("%(number)s · seal %(digest)s")
            % {"number": number_of(statement), "digest": clearing.digest[:16]},
        }


def rows(statement: Statement) -> list[tuple[str, int]]:
    """Return a statement's lines in words, in the active language; those of nothing left out but
    the first two."""
    lines = [
        (_("Given to customers in the purse"), -statement.earned_cents),
        (_("Paid by customers from the purse"), statement.spent_cents),
    ]
    seldom = [
        (_("Returns and undone entries"), statement.reversed_cents),
        (_("Lapsed, given back"), statement.lapsed_cents),
        (_("Corrections by staff"), statement.adjusted_cents),
    ]
    return lines + [(label, cents) for label, cents in seldom if cents]


def _payment(statement: Statement) -> dict[str, object]:
    amount = money(abs(statement.net_cents))
    association_id = statement.clearing.association_id
    bank = bank_of(association_id, statement.shop_id)
    own = bank_of(association_id, None)
    account = masked(str(bank.iban)) if bank else _("not known yet")
    if statement.way == Way.NONE:
        return {"title": _("There is nothing to pay."), "lines": []}
    if statement.way == Way.CREDIT:
        title = _("The association pays %(amount)s.") % {"amount": amount}
        return {"title": title, "lines": [_("To the account %(iban)s") % {"iban": account}]}
    if statement.way == Way.DEBIT:
        title = _("%(amount)s will be debited.") % {"amount": amount}
        on = rules.bank_day((statement.clearing.closed_at + rules.NOTICE).date())
        lines = [
            _("From the account %(iban)s, on %(day)s or later")
            % {"iban": account, "day": date_format(on, "j F Y")},
            _("Mandate %(mandate)s, creditor %(creditor)s")
            % {
                "mandate": bank.mandate if bank else "–",
                "creditor": (own.creditor_id if own else "") or "–",
            },
        ]
        return {"title": title, "lines": lines}
    lines = [
        _("Account: %(holder)s, %(iban)s") % {"holder": own.holder, "iban": own.iban}
        if own
        else _("The association tells you its account."),
        _("Reference: %(reference)s") % {"reference": rules.reference(f"CL{statement.pk}")},
        _("No VAT: what customers were given in the purse, less what they paid from it."),
    ]
    return {
        "title": _("Please pay %(amount)s within 14 days.") % {"amount": amount},
        "lines": lines,
    }


def _gained(statement: Statement, names: dict[int, str]) -> dict[str, object]:
    found = gained_of(statement, names)
    lines = [
        _("Shown are shops behind which at least %(members)d members stand.")
        % {"members": rules.MEMBERS_MIN}
    ]
    if not found:
        lines = [_("Not enough people to show.")] if statement.spent_cents else []
    return {
        "title": _("Where what was spent here had been earned"),
        "head": [_("Earned at"), _("Spent here")],
        "rows": [[each.name, money(each.cents)] for each in found],
        "lines": lines,
    }
