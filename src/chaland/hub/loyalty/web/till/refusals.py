"""What the parts refuse, as answers to the till page: a status, a code, a text for the cashier."""

from typing import Any

from django.utils.translation import gettext as _

from chaland.hub.loyalty.consent.rules import ConsentErrorFinal
from chaland.hub.loyalty.ledger.postings import (
    HoldOverErrorFinal,
    LedgerErrorFinal,
    NotEnoughErrorFinal,
)
from chaland.hub.loyalty.members.references import How
from chaland.hub.loyalty.members.rules import (
    KnownErrorFinal,
    LookupQuotaErrorFinal,
    MemberErrorFinal,
    PossibleDuplicatesErrorFinal,
)
from chaland.hub.loyalty.models import Till
from chaland.hub.loyalty.programmes.refusals import ProgrammeErrorFinal
from chaland.hub.loyalty.receipts.rules import ReceiptErrorFinal
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.till.refs import (
    ClosedAccountErrorFinal,
    NameOnlyErrorFinal,
    StaleRefErrorFinal,
)
from chaland.hub.loyalty.till.shifts import ShiftErrorFinal
from chaland.hub.loyalty.web.till import shown

REFUSED = (
    ClosedAccountErrorFinal,
    ConsentErrorFinal,
    LedgerErrorFinal,
    MemberErrorFinal,
    NameOnlyErrorFinal,
    ProgrammeErrorFinal,
    ReceiptErrorFinal,
    SaleErrorFinal,
    ShiftErrorFinal,
    StaleRefErrorFinal,
)


class RefusedFinal(Exception):
    """The answer is no: status, a code for the page, a text for the cashier, and more."""

    def __init__(self, status: int, code: str, text: str, **more: Any) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"code": code, "text": text, **more}


def refusal_of(till: Till, error: Exception) -> RefusedFinal:
    """Turn what a part refuses into an answer: 409, 410 and 422 are final, 429 is for later."""
    if isinstance(error, MemberErrorFinal):
        return _member_refusal(till, error)
    match error:
        case StaleRefErrorFinal():
            answer = (410, "stale", _("Look the customer up again."))
        case NameOnlyErrorFinal():
            answer = (409, "name-only", _("Ask for the full number or the card."))
        case ShiftErrorFinal():
            text = _("Nobody had given the PIN when this was typed: type it again.")
            answer = (422, "shift", text)
        case ConsentErrorFinal():
            answer = (422, "consent", str(error))
        case LedgerErrorFinal():
            answer = (409, getattr(error, "code", "refused"), _ledger_text(error))
        case _:
            answer = (409, getattr(error, "code", "refused"), str(error))
    if isinstance(error, ClosedAccountErrorFinal) or answer[1] == "paused":
        answer = (410, "closed", _("This account is closed."))
    return RefusedFinal(*answer)


def _member_refusal(till: Till, error: MemberErrorFinal) -> RefusedFinal:
    match error:
        case LookupQuotaErrorFinal():
            wait = error.retry_after_s
            return RefusedFinal(429, error.code, str(error), retry_after_s=wait)
        case KnownErrorFinal():
            found = shown.rows(till, [error.found] if error.found else [], How.CONTACT)
            return RefusedFinal(409, error.code, str(error), field="contact", found=found)
        case PossibleDuplicatesErrorFinal():
            found = shown.rows(till, error.found, How.NAME)
            return RefusedFinal(409, error.code, str(error), found=found)
    return RefusedFinal(422, error.code, str(error), field=error.field)


def _ledger_text(error: LedgerErrorFinal) -> str:
    match error:
        case NotEnoughErrorFinal():
            return _("There is not enough on the account for this.")
        case HoldOverErrorFinal():
            return _("This reservation is over: reserve again.")
    return _("The account doesn’t allow this.")
