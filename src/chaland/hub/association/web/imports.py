"""Shops from one CSV file: upload, preview with every mistake named, one click; and the export."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from chaland.hub.association import selectors, services
from chaland.hub.association.access import director_required, required_role
from chaland.hub.association.models import Association
from chaland.hub.association.shop_csv import (
    BYTES_AT_MOST,
    ROWS_AT_MOST,
    Problem,
    Reason,
    ShopFile,
    ShopRow,
    read_shops,
    slug_of,
    write_shops,
)
from chaland.hub.association.web.forms import ShopFileForm
from chaland.hub.association.web.staff import hand_over
from chaland.hub.association.web.steps import render_step

FILE = "shop_file"
"""Session key of the uploaded file between preview and click; Latin-1 keeps any byte."""


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A row of the preview: the shop, and what the import would do with it."""

    shop: ShopRow
    is_new: bool
    new_zone: bool
    days_open: int


def advice(problem: Problem) -> str:
    """Say what is wrong, and what to do about it."""
    texts = {
        Reason.EMPTY_FILE: _(
            "The file holds no shop. Fill in one line per shop under the headers."
        ),
        Reason.TOO_BIG: _("The file is larger than %s kB. Split it.") % (BYTES_AT_MOST // 1024),
        Reason.TOO_MANY_ROWS: _("More than %s lines. Split the file.") % ROWS_AT_MOST,
        Reason.SPREADSHEET: _(
            "This is a spreadsheet. In Excel or LibreOffice choose “Save as”, then “CSV”."
        ),
        Reason.NOT_TEXT: _("This is not a text file. Save it as CSV (UTF-8) and try again."),
        Reason.BROKEN_QUOTES: _("A quotation mark is opened and never closed. Remove or close it."),
        Reason.MISSING_COLUMN: _("This column is missing. Add it to the first line."),
        Reason.DOUBLE_COLUMN: _("This column is there twice. Keep one of them."),
        Reason.EXTRA_CELLS: _(
            "More cells than headers. Put quotation marks around a comma in a text."
        ),
        Reason.MISSING_VALUE: _("This cell is empty. Fill it in."),
        Reason.TOO_LONG: _("This text is too long. Shorten it."),
        Reason.DOUBLE_SHOP: _("This shop is in the file twice. Keep one line."),
        Reason.BAD_NAME: _("Use at least one letter or digit."),
        Reason.BAD_EMAIL: _("This is not an e-mail address. Write it like name@example.fr."),
        Reason.BAD_NUMBER: _("This is not a place. Write degrees like 47.2184."),
        Reason.HALF_PLACE: _("Give both latitude and longitude, or neither."),
        Reason.HOURS_UNREADABLE: _("These hours are not understood. Write 9:00-12:30 14:00-19:00."),
        Reason.HOURS_NO_SUCH_TIME: _("There is no such time of day. Use 00:00 to 24:00."),
        Reason.HOURS_OVERLAP: _("These hours overlap. Correct one of them."),
        Reason.HOURS_TOO_MANY: _("Four openings a day at most."),
        Reason.HOURS_TOO_LATE: _("Closes before it opens. A night may run until 04:00."),
    }
    return texts[problem.reason]


def _preview(association: Association, file: ShopFile) -> list[PreviewRow]:
    shops = set(association.shops.values_list("slug", flat=True))
    zones = set(association.zones.values_list("slug", flat=True))
    return [
        PreviewRow(
            row,
            is_new=row.slug not in shops,
            new_zone=slug_of(row.zone) not in zones,
            days_open=sum(1 for day in row.week or () if day),
        )
        for row in file.rows
    ]


@director_required
def import_shops(request: HttpRequest) -> HttpResponse:
    """Take a file and show what it would do; nothing is written yet."""
    association = required_role(request).association
    if request.method != "POST":
        request.session.pop(FILE, None)
        return render_step(request, "shops", "import", {"form": ShopFileForm()})
    form = ShopFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return render_step(request, "shops", "import", {"form": form}, 422)
    data = form.cleaned_data["file"].read(BYTES_AT_MOST + 1)
    file = read_shops(data)
    problems = [(problem, advice(problem)) for problem in file.problems]
    context = {
        "form": ShopFileForm(),
        "file": file,
        "file_name": form.cleaned_data["file"].name,
        "problems": problems,
        "preview": _preview(association, file),
    }
    if problems:
        request.session.pop(FILE, None)
        return render_step(request, "shops", "import", context, 422)
    request.session[FILE] = data.decode("latin-1")
    return render_step(request, "shops", "import", context)


@require_POST
@director_required
def confirm_import(request: HttpRequest) -> HttpResponse:
    """Write the previewed file's shops, all of them or none."""
    kept = request.session.pop(FILE, None)
    if kept is None:
        messages.error(request, _("The preview has expired: choose the file again."))
        return redirect("association:import_shops")
    file = read_shops(kept.encode("latin-1"))
    role = required_role(request)
    receipt = services.import_shops(role.association, file.rows, role.user, timezone.now())
    for invitation, token in receipt.invitations:
        hand_over(request, invitation, token)
    made = ngettext("%(count)d shop added", "%(count)d shops added", receipt.made)
    changed = ngettext("%(count)d updated", "%(count)d updated", receipt.changed)
    text = f"{made % {'count': receipt.made}}, {changed % {'count': receipt.changed}}."
    messages.success(request, text)
    return redirect("association:staff" if receipt.invitations else "association:shops")


def _csv(text: str, name: str) -> HttpResponse:
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@director_required
def export_shops(request: HttpRequest) -> HttpResponse:
    """Give the shops as a file that can be changed and imported again."""
    association = required_role(request).association
    name = f"{slug_of(association.town) or 'chaland'}-{timezone.localdate():%Y-%m-%d}.csv"
    return _csv(write_shops(selectors.shop_rows(association)), name)


_EXAMPLE = """\
nom;zone;activité;lundi;mardi;mercredi;jeudi;vendredi;samedi;dimanche;e-mail;latitude;longitude
Librairie des Halles;Centre;Librairie;fermé;9h30-12h30 14h-19h;9h30-12h30 14h-19h;\
9h30-12h30 14h-19h;9h30-12h30 14h-19h;10h-18h;fermé;libraire@example.fr;;
Boulangerie du Port;Port;Boulangerie;7h-13h 15h30-19h30;7h-13h 15h30-19h30;fermé;\
7h-13h 15h30-19h30;7h-13h 15h30-19h30;7h-13h 15h30-19h30;7h-13h;;;
"""


@director_required
def template(_request: HttpRequest) -> HttpResponse:
    """Give an example file to fill in."""
    return _csv("\ufeff" + _EXAMPLE, "chaland-commerces.csv")
