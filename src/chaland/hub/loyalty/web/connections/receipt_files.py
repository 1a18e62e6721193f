"""Receipts from a file: upload, columns, preview with every bad row named, start, progress."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from chaland.hub.association.access import required_role, staff_required
from chaland.hub.loyalty.connect import files
from chaland.hub.loyalty.connect.files import FileErrorFinal, Uploader
from chaland.hub.loyalty.connect.receipt_csv import BYTES_AT_MOST, ReceiptTable, headers_of
from chaland.hub.loyalty.models import ReceiptFile
from chaland.hub.loyalty.web.connections.forms import ColumnsForm, FileForm
from chaland.hub.loyalty.web.connections.pages import own_shop
from chaland.hub.loyalty.web.connections.words import advice

_SHOWN = 100
_EXAMPLE = """\
ticket;date;heure;article;famille;quantité;montant ttc;tva;carte
T-1001;14/03/2026;15:09;Comté 18 mois;Fromages;0,350;9,50;5,5;
T-1001;14/03/2026;15:09;Vin rouge;Boissons;2;14,00;20;
T-1002;14/03/2026;15:21;Pain;Épicerie;1;1,20;5,5;
"""


@staff_required
def page(request: HttpRequest) -> HttpResponse:
    """List the shop's files; take a new one, and go on to its preview."""
    shop = own_shop(request)
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        who = Uploader(shop.association_id, shop.pk, f"user:{required_role(request).user_id}")
        try:
            file = files.upload(given.read(BYTES_AT_MOST + 1), str(given.name), who)
        except FileErrorFinal as error:
            form.add_error("file", advice(error.reason))
        else:
            return redirect("receipt_file", file.pk)
    context = {
        "shop": shop,
        "form": form,
        "files": files.files_of(shop.pk)[:20],
        "maps": files.maps_of(shop.pk),
    }
    status = 422 if form.errors else 200
    return render(request, "loyalty/connections/files.html", context, status=status)


@staff_required
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a file: its columns and preview, or how far it is, or what became of it."""
    found = _file(request, pk)
    if found.started_at is not None:
        response = render(
            request, "loyalty/connections/file_progress.html", {"file": found, **_told(found)}
        )
        if found.finished_at is None:
            response["Refresh"] = "3"
        return response
    headers = headers_of(found.content or "")
    form = ColumnsForm(request.POST or None, headers=headers, initial=found.columns)
    if request.method == "POST" and form.is_valid():
        files.set_columns(found, form.columns, form.cleaned_data["save_as"])
        return redirect("receipt_file", pk)
    table = files.table_of(found)
    context = {"file": found, "form": form, **_preview(found, table)}
    return render(request, "loyalty/connections/file.html", context)


def _preview(file: ReceiptFile, table: ReceiptTable) -> dict[str, object]:
    times = [row.receipt.issued_at for row in table.rows]
    return {
        "table": table,
        "rows": table.rows[:10],
        "total": sum(row.receipt.gross_cents for row in table.rows),
        "first": min(times, default=None),
        "last": max(times, default=None),
        "known": files.known_numbers(file, table),
        "problems": [(problem, advice(problem.reason)) for problem in table.problems[:_SHOWN]],
        "more": max(0, table.problem_count - _SHOWN),
    }


def _told(file: ReceiptFile) -> dict[str, object]:
    return {"report": file.report, "of": file.report.get("receipts", 0)}


@staff_required
@require_POST
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a previewed file's sound receipts in."""
    found = _file(request, pk)
    if found.started_at is None:
        table = files.table_of(found)
        if not table.rows:
            messages.error(request, _("No receipt of this file can be taken."))
            return redirect("receipt_file", pk)
        files.start(found, table)
    return redirect("receipt_file", pk)


@staff_required
@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Drop a file that was not started."""
    files.forget(_file(request, pk))
    messages.success(request, _("The file was dropped; nothing of it was saved."))
    return redirect("receipt_files")


@staff_required
@require_GET
def example(request: HttpRequest) -> HttpResponse:
    """Give an example file."""
    own_shop(request)
    response = HttpResponse("\ufeff" + _EXAMPLE, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="chaland-tickets.csv"'
    return response


def _file(request: HttpRequest, pk: int) -> ReceiptFile:
    found = ReceiptFile.objects.filter(shop_id=own_shop(request).pk, pk=pk).first()
    if found is None:
        raise Http404
    return found
