"""A shop's customer file: chosen, looked over, taken in by one click."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chaland.hub.association.access import staff_required
from chaland.hub.common import clock
from chaland.hub.loyalty.members import importing
from chaland.hub.loyalty.members.customer_csv import BYTES_AT_MOST
from chaland.hub.loyalty.members.rules import MemberErrorFinal
from chaland.hub.loyalty.models import CustomerFile
from chaland.hub.loyalty.web.members.forms import FileForm, example
from chaland.hub.loyalty.web.members.pages import actor_of, own_shop

_SHOWN = 20
_PROBLEMS_SHOWN = 200


@never_cache
@staff_required
def page(request: HttpRequest) -> HttpResponse:
    """Show the form; keep a file that has sound rows, else say what is wrong with it."""
    shop = own_shop(request)
    form = FileForm(request.POST or None, request.FILES or None)
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        given = form.cleaned_data["file"]
        data = given.read(BYTES_AT_MOST + 1)
        try:
            file, table = importing.keep(
                shop.association_id, shop.pk, given.name, data, actor_of(request)
            )
        except MemberErrorFinal as error:
            form.add_error("file", str(error))
        else:
            if file is not None:
                return redirect("member_file_preview", file.pk)
            context |= {"problems": table.problems[:_PROBLEMS_SHOWN], "file_name": given.name}
    bad = form.errors or "problems" in context
    return render(request, "loyalty/members/file.html", context, status=422 if bad else 200)


def _own(request: HttpRequest, file_id: int) -> CustomerFile:
    found = CustomerFile.objects.filter(pk=file_id, shop_id=own_shop(request).pk).first()
    if found is None:
        raise Http404
    return found


@never_cache
@staff_required
@require_safe
def preview(request: HttpRequest, file_id: int) -> HttpResponse:
    """Show what would be taken in, and each row that would not; or what was."""
    file = _own(request, file_id)
    table = importing.table_of(file)
    context: dict[str, object] = {"file": file, "report": file.report if file.finished_at else None}
    if table is not None:
        context |= {
            "table": table,
            "rows": table.rows[:_SHOWN],
            "problems": table.problems[:_PROBLEMS_SHOWN],
            "more_problems": len(table.problems) - _PROBLEMS_SHOWN,
            "agreed": sum(row.agreement is not None for row in table.rows),
        }
    return render(request, "loyalty/members/file_preview.html", context)


@require_POST
@staff_required
def take_in(request: HttpRequest, file_id: int) -> HttpResponse:
    """Take a looked-over file in."""
    file = _own(request, file_id)
    try:
        importing.take_in(file.pk, actor=actor_of(request))
    except MemberErrorFinal as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The file is taken in."))
    return redirect("member_file_preview", file.pk)


@staff_required
@require_safe
def example_file(_request: HttpRequest) -> HttpResponse:
    """Give a file to fill in."""
    answer = HttpResponse(example(clock.now().date()), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="clients.csv"'
    return answer
