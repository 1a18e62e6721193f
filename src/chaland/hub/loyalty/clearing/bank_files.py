"""Files for the association's bank, in ISO 20022's XML: credit transfers and direct debits.

pain.001.001.09 and pain.008.001.08, the versions of the SEPA rulebooks since November 2023. Both
are checked against ISO's schemas before anybody gets them. The same payments give the same message
number each time, by which a bank refuses a file that was sent twice; a later file of the same
clearing, with other payments, has another one.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from xml.etree import ElementTree as ET

from sepaxml import SepaDD, SepaTransfer
from sepaxml.validation import ValidationError, try_valid_xml

from chaland.hub.loyalty.clearing import rules
from chaland.hub.loyalty.models import BankDetails, Statement

TRANSFER = "pain.001.001.09"
DEBIT = "pain.008.001.08"


class BankFileErrorFinal(Exception):
    """A file can't be made. ``code`` says what is missing: ``no-bank`` (the association's own),
    ``no-creditor`` (its SEPA identifier), ``nothing`` to pay, ``schema``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Payment:
    """One statement's payment: to or from whom, in cents."""

    statement: Statement
    bank: BankDetails
    words: str

    @property
    def reference(self) -> str:
        """The end-to-end reference, on both accounts' statements."""
        return rules.reference(f"CL{self.statement.pk}")


def transfers(own: BankDetails | None, payments: Sequence[Payment], now: datetime) -> bytes:
    """Return the pain.001 that pays the shops that are owed, on the next bank day."""
    sender = _own(own, payments)
    file = SepaTransfer(_config(sender), schema=TRANSFER)
    for each in payments:
        file.add_payment(_payment(each) | {"execution_date": _from(now, timedelta(days=1))})
    return _sealed(file.export(validate=False), TRANSFER, _number(payments, "T"), now)


def debits(own: BankDetails | None, payments: Sequence[Payment], now: datetime) -> bytes:
    """Return the pain.008 that debits the shops that owe, two weeks after they were told."""
    creditor = _own(own, payments)
    if not creditor.creditor_id:
        raise BankFileErrorFinal("no-creditor")
    config = _config(creditor) | {"creditor_id": creditor.creditor_id}
    file = SepaDD(config, schema=DEBIT)
    told = payments[0].statement.clearing.closed_at
    on = max(_from(told, rules.NOTICE), _from(now, timedelta(days=2)))
    for each in payments:
        mandate = {
            "type": "RCUR",
            "collection_date": on,
            "mandate_id": each.bank.mandate,
            "mandate_date": each.bank.mandate_signed_on,
        }
        file.add_payment(_payment(each) | mandate)
    return _sealed(file.export(validate=False), DEBIT, _number(payments, "D"), now)


def _own(own: BankDetails | None, payments: Sequence[Payment]) -> BankDetails:
    if own is None:
        raise BankFileErrorFinal("no-bank")
    if not payments:
        raise BankFileErrorFinal("nothing")
    return own


def _from(instant: datetime, later: timedelta) -> date:
    return rules.bank_day((instant + later).date())


def _config(own: BankDetails) -> dict[str, object]:
    config = {"name": own.holder, "IBAN": own.iban, "batch": True, "currency": "EUR"}
    return config | ({"BIC": own.bic} if own.bic else {})


def _payment(each: Payment) -> dict[str, object]:
    payment = {
        "name": each.bank.holder,
        "IBAN": each.bank.iban,
        "amount": abs(each.statement.net_cents),
        "description": each.words,
        "endtoend_id": each.reference,
    }
    return payment | ({"BIC": each.bank.bic} if each.bank.bic else {})


def _number(payments: Sequence[Payment], kind: str) -> str:
    told = sorted((p.statement.pk, p.statement.net_cents, p.bank.iban) for p in payments)
    digest = hashlib.sha256(repr(told).encode()).hexdigest()[:12]
    return f"CHALAND-{payments[0].statement.clearing.month:%Y%m}-{digest}-{kind}"


def _sealed(made: bytes, schema: str, number: str, now: datetime) -> bytes:
    """Put our numbers and time in place of random ones, and check against the schema."""
    space = f"urn:iso:std:iso:20022:tech:xsd:{schema}"
    ET.register_namespace("", space)
    root = ET.fromstring(made)  # noqa: S314  # made a line above, by ourselves
    for name, text in (
        ("MsgId", number),
        ("CreDtTm", f"{now:%Y-%m-%dT%H:%M:%S}"),
        ("PmtInfId", number),
    ):
        for element in root.iter(f"{{{space}}}{name}"):
            element.text = text
    file: bytes = ET.tostring(root, "utf-8", xml_declaration=True)
    try:
        try_valid_xml(file, schema)
    except ValidationError as error:
        raise BankFileErrorFinal("schema") from error
    return file
