"""What the connections pages say: of a bad cell what to do, of a connection how it is."""

from django.utils.translation import gettext as _

from chaland.hub.loyalty.connect.cells import Reason


def advice(reason: Reason) -> str:
    """Say what is wrong, and what to do about it."""
    texts = {
        Reason.EMPTY_FILE: _("The file holds no receipt."),
        Reason.TOO_BIG: _("The file is larger than 10 MB: send it in parts."),
        Reason.TOO_MANY_ROWS: _("More than 200,000 lines: send it in parts."),
        Reason.TOO_MANY_LINES: _("More than 500 lines of one receipt: check its number."),
        Reason.SPREADSHEET: _(
            "This is a spreadsheet. In Excel or LibreOffice choose “Save as”, then “CSV”."
        ),
        Reason.NOT_TEXT: _("This is not a text file. Save it as CSV (UTF-8) and try again."),
        Reason.BROKEN_QUOTES: _("A quotation mark is opened and never closed. Remove or close it."),
        Reason.MISSING_COLUMN: _("Say below which column this is."),
        Reason.DOUBLE_COLUMN: _("This column is there twice. Keep one of them."),
        Reason.EXTRA_CELLS: _(
            "More cells than headers. Put quotation marks around a comma in a text."
        ),
        Reason.MISSING_VALUE: _("This cell is empty. Fill it in."),
        Reason.TOO_LONG: _("This text is too long. Shorten it."),
        Reason.BAD_AMOUNT: _("This is no amount. Write 12,50."),
        Reason.UNCLEAR_AMOUNT: _(
            "A thousand, or one and a bit? Write two decimals: 1234,00 or 1,23."
        ),
        Reason.BAD_QUANTITY: _("This is no quantity. Write 2, or 0,350 for a weight."),
        Reason.BAD_RATE: _("This is no VAT rate. Write 5,5 or 20."),
        Reason.BAD_DAY: _("There is no such day, or it is in the future. Write 14/03/2026."),
        Reason.BAD_TIME: _("There is no such time. Write 15:09."),
        Reason.OTHER_DATE: _(
            "The same receipt number has another date above: are numbers used again each day?"
        ),
    }
    return texts[reason]
