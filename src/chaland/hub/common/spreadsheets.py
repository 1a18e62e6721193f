"""Tables as spreadsheets save them: any of their encodings and separators, rows by their number."""

import csv
import io
import unicodedata
from collections.abc import Iterator


class TableErrorFinal(ValueError):
    """A file that can't be read as a table; ``row`` is the spreadsheet's, 0 the whole file."""

    def __init__(self, code: str, row: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.row = row


def text_of(data: bytes, bytes_at_most: int) -> str:
    """Decode UTF-8 (with or without mark), UTF-16 with mark, or Windows-1252.

    Raises TableErrorFinal: ``too-big``, ``spreadsheet`` (no CSV), ``not-text``, ``empty``.
    """
    if len(data) > bytes_at_most:
        raise TableErrorFinal("too-big")
    if data[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise TableErrorFinal("spreadsheet")
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        if not text.strip():
            raise TableErrorFinal("empty")
        return text
    raise TableErrorFinal("not-text")


def rows_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (row, cells) without the blank rows; the header is row 1.

    The separator is the commonest of ``;``, ``,`` and tab in the first line that says something.
    TableErrorFinal (``quotes``) at a quotation mark that is never closed.
    """
    header = next(line for line in text.splitlines() if line.strip())
    delimiter = max(";,\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            plain = [cell.strip() for cell in cells]
            if any(plain):
                yield number, plain
    except csv.Error as error:
        raise TableErrorFinal("quotes", number + 1) from error


def header_key(text: str) -> str:
    """Return what spellings of a header share: ``Prénom du client`` → ``prenomduclient``."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if c.isascii() and c.isalnum())
