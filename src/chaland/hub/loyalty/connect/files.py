"""Files of receipts on their way in: kept sealed, previewed, started by the shop, taken in.

A file is read whole before anything is written. Then a batch is one transaction with the count of
how far it came, so a process that is killed goes on where it was, and nothing is half-written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet

from chaland.hub.association.models import Association
from chaland.hub.common import clock
from chaland.hub.loyalty import contention
from chaland.hub.loyalty.connect.cells import Reason
from chaland.hub.loyalty.connect.receipt_csv import (
    ReceiptTable,
    Row,
    Whose,
    guessed_map,
    headers_of,
    read_receipts,
    text_of,
)
from chaland.hub.loyalty.members import cards
from chaland.hub.loyalty.models import ColumnMap, Receipt, ReceiptFile
from chaland.hub.loyalty.receipts import services
from chaland.hub.loyalty.receipts.shapes import ReceiptIn, Taken

BATCH = 500
AT_ONCE = 1_000
"""So many receipts are taken in before the page answers; the worker takes the rest."""
REASONS_AT_MOST = 100
KEPT = timedelta(days=1)


class FileErrorFinal(Exception):
    """The file can't even be previewed."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Uploader:
    """Whose file it is, and who brings it (``user:7``)."""

    association_id: int
    shop_id: int
    actor: str


def upload(data: bytes, name: str, who: Uploader) -> ReceiptFile:
    """Keep a file for its preview, with the shop's saved map that fits, or a guess.

    Raises FileErrorFinal.
    """
    text = text_of(data)
    if isinstance(text, Reason):
        raise FileErrorFinal(text)
    return ReceiptFile.objects.create(
        association_id=who.association_id,
        shop_id=who.shop_id,
        name=name[-120:],
        content=text,
        columns=_fitting(who.shop_id, headers_of(text)),
        uploaded_by=who.actor,
        uploaded_at=clock.now(),
    )


def _fitting(shop_id: int, headers: Sequence[str]) -> dict[str, str]:
    """Return the newest saved map whose columns are all there, else what the names suggest."""
    for saved in ColumnMap.objects.filter(shop_id=shop_id).order_by("-pk"):
        if saved.columns and set(saved.columns.values()) <= set(headers):
            return dict(saved.columns)
    return guessed_map(headers)


def set_columns(file: ReceiptFile, columns: Mapping[str, str], save_as: str = "") -> None:
    """Say which column is which, for this file, and under a name for the next ones."""
    file.columns = {field: header for field, header in columns.items() if header}
    file.save(update_fields=["columns"])
    if save_as:
        ColumnMap.objects.update_or_create(
            shop_id=file.shop_id, name=save_as[:60], defaults={"columns": file.columns}
        )


def maps_of(shop_id: int) -> QuerySet[ColumnMap]:
    """List a shop's saved column maps."""
    return ColumnMap.objects.filter(shop_id=shop_id).order_by("name")


def files_of(shop_id: int) -> QuerySet[ReceiptFile]:
    """List a shop's files, newest first, without what is in them."""
    return ReceiptFile.objects.filter(shop_id=shop_id).defer("content").order_by("-pk")


def table_of(file: ReceiptFile) -> ReceiptTable:
    """Read a file by its map."""
    zone = Association.objects.values_list("timezone", flat=True).get(pk=file.association_id)
    whose = Whose(
        association_id=file.association_id,
        shop_id=file.shop_id,
        timezone=ZoneInfo(zone),
        actor=file.uploaded_by,
        # A file that goes on tomorrow is read as it was when it was started.
        now=file.started_at or clock.now(),
    )
    return read_receipts(file.content or "", file.columns, whose)


def known_numbers(file: ReceiptFile, table: ReceiptTable) -> int:
    """Count the file's receipts that are here already: taking them in again changes nothing."""
    numbers = [row.receipt.external_id for row in table.rows]
    return sum(
        Receipt.objects.filter(
            shop_id=file.shop_id, source="csv", external_id__in=numbers[at : at + BATCH]
        ).count()
        for at in range(0, len(numbers), BATCH)
    )


def start(file: ReceiptFile, table: ReceiptTable) -> None:
    """Take a previewed file in: its beginning now, the rest by the worker."""
    file.started_at = clock.now()
    file.report = {
        "receipts": len(table.rows), "spoiled": table.spoiled, "done": 0,
        "new": 0, "repeated": 0, "conflict": 0, "refused": 0, "reasons": [],
    }  # fmt: skip
    file.save(update_fields=["started_at", "report"])
    take(file, table.rows, AT_ONCE)


def take(file: ReceiptFile, rows: Sequence[Row], at_most: int) -> int:
    """Take up to so many more of a started file's receipts in; return how many."""
    taken = 0
    while taken < at_most:
        step = _batch(file.pk, rows)
        if not step:
            break
        taken += step
    return taken


@contention.anew
@transaction.atomic(using="loyalty")
def _batch(file_id: int, rows: Sequence[Row]) -> int:
    """Take one batch in; whoever comes second waits for the file's row, then goes on after it."""
    file = ReceiptFile.objects.select_for_update().get(pk=file_id)
    if file.finished_at is not None:
        return 0
    report = file.report
    batch = rows[report["done"] : report["done"] + BATCH]
    if batch:
        answers = services.take_in(_receipts(file, batch))
        for row, answer in zip(batch, answers, strict=True):
            report[answer.outcome] += 1
            _note(report["reasons"], row, answer)
        report["done"] += len(batch)
    if report["done"] >= len(rows):
        file.finished_at = clock.now()
        file.content = None  # its receipts are in: nothing of it is kept
    file.report = report
    file.save(update_fields=["report", "finished_at", "content"])
    return len(batch)


def _receipts(file: ReceiptFile, batch: Sequence[Row]) -> list[ReceiptIn]:
    members = cards.members_of(file.association_id, {row.card for row in batch if row.card})
    return [
        replace(row.receipt, member_id=members.get(row.card, 0), attached_how="key")
        if row.card
        else row.receipt
        for row in batch
    ]


def _note(reasons: list[dict[str, object]], row: Row, answer: Taken) -> None:
    told = answer.outcome in ("conflict", "refused") or answer.error
    if told and len(reasons) < REASONS_AT_MOST:
        number = row.receipt.external_id
        said = {"row": row.row, "number": number, "outcome": answer.outcome}
        reasons.append(said | {"error": answer.error, "reason": answer.reason})


def import_due(_now: datetime) -> int:
    """Go on with files that were started and not finished; return how many receipts came in."""
    done = 0
    for file in ReceiptFile.objects.filter(started_at__isnull=False, finished_at=None):
        done += take(file, table_of(file).rows, 10**9)
    return done


def forget(file: ReceiptFile) -> None:
    """Drop a file that was not started."""
    ReceiptFile.objects.filter(pk=file.pk, started_at=None).delete()


def prune(now: datetime) -> int:
    """Drop files that nobody started within a day; return how many."""
    old = ReceiptFile.objects.filter(started_at=None, uploaded_at__lt=now - KEPT)
    return int(old.delete()[0])
