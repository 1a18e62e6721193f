"""A shop's prices, day by day: the proof of each reduction. Entered one by one, or by file."""

import secrets
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from chaland.hub.association.access import staff_required
from chaland.hub.common import clock
from chaland.hub.common.signs import on_one_line
from chaland.hub.loyalty.models import ArticlePrice
from chaland.hub.loyalty.sales import price_csv, prices, reference_price, services
from chaland.hub.loyalty.sales.prices import PriceIn
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal
from chaland.hub.loyalty.web.outreach.scope import Scope, scope_of

_A_PAGE, _SHOWN, _PROBLEMS, _FOUND = 50, 20, 100, 30
_LOOKED_FOR_S = 3_600
_EXAMPLE = (
    "référence;désignation;famille;prix;depuis le\nM-104;Manteau Brume;Manteaux;129,00;{day}\n"
)


class PriceForm(forms.Form):
    """A price from a day on."""

    item = forms.CharField(label=gettext_lazy("Article number"), max_length=64)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    group = forms.CharField(label=gettext_lazy("Product group"), max_length=64, required=False)
    price = forms.CharField(label=gettext_lazy("Price (€)"), max_length=16)
    since = forms.DateField(
        label=gettext_lazy("Since"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def clean(self) -> dict[str, Any]:
        """Return texts as they stand on one line."""
        given = self.cleaned_data
        for name in ("item", "name", "group"):
            given |= {name: on_one_line(given[name])} if name in given else {}
        return given

    def clean_price(self) -> int:
        """Return the price in cents."""
        try:
            cents = price_csv.cents_of(self.cleaned_data["price"])
        except ValueError:
            raise forms.ValidationError(str(price_csv.PROBLEMS["unclear-price"])) from None
        if cents is None:
            raise forms.ValidationError(str(price_csv.PROBLEMS["price"]))
        return cents


class FileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File (CSV)"),
        help_text=gettext_lazy(
            "Columns: référence, prix, depuis le; désignation and famille help."
        ),
    )


@staff_required
@require_http_methods(["GET", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """List a shop's articles with today's price and the lowest of the thirty days before; add a
    price."""
    scope, today = _own(request)
    form = PriceForm(request.POST or None, initial={"since": today})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        told = PriceIn(given["item"], given["name"], given["price"], given["since"], given["group"])
        if _taken(scope, [told], today, form):
            messages.success(request, _("Saved."))
            return redirect("prices")
    shop_id = scope.shop_id or 0
    found = prices.numbers(shop_id, request.GET.get("q", ""))
    page = Paginator(found, _A_PAGE).get_page(request.GET.get("page"))
    shown = prices.articles(shop_id, today, item_ids=page)
    context = {
        "scope": scope,
        "form": form,
        "q": request.GET.get("q", ""),
        "page": page,
        "rows": [_row(article, today) for article in shown],
    }
    status = 422 if form.errors else 200
    return render(request, "loyalty/sales/prices.html", context, status=status)


def _row(article: prices.Article, today: date) -> dict[str, Any]:
    now = reference_price.in_force(article.held, today)
    lowest = reference_price.lowest_before(article.held, today)
    return {"article": article, "now": now, "lowest": lowest}


@staff_required
@require_safe
def article(request: HttpRequest) -> HttpResponse:
    """Show all that was recorded of an article (``item``), corrected rows too."""
    scope, _today = _own(request)
    rows = prices.prices_of(scope.shop_id or 0, request.GET.get("item", ""))
    if not rows:
        raise Http404
    return render(request, "loyalty/sales/article.html", {"scope": scope, "rows": rows})


@staff_required
@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """List some articles for the field that was typed in, whatever its name is."""
    scope, _today = _own(request)
    typed = request.GET.get(next(iter(request.GET), ""), "")
    found = list(prices.numbers(scope.shop_id or 0, typed)[:_FOUND])
    named = prices.names(scope.shop_id or 0, item_ids=found)
    return render(request, "loyalty/sales/articles.html", {"articles": named})


@staff_required
@require_http_methods(["GET", "POST"])
def file(request: HttpRequest) -> HttpResponse:
    """Look a file over, then take it in; what was looked over is kept for an hour."""
    scope, today = _own(request)
    if "looked" in request.POST:
        return _take(request, scope, today)
    form = FileForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"scope": scope, "form": form}
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        table = price_csv.read_prices(upload.read(price_csv.BYTES_AT_MOST + 1), today)
        context |= {
            "table": table,
            "file_name": upload.name,
            "rows": table.prices[:_SHOWN],
            "problems": table.problems[:_PROBLEMS],
            "more_problems": max(0, table.problem_count - _PROBLEMS),
            "looked": _keep(scope, table.prices),
        }
    bad = form.errors or ("table" in context and not context["looked"])
    return render(request, "loyalty/sales/price_file.html", context, status=422 if bad else 200)


def _keep(scope: Scope, told: list[PriceIn]) -> str:
    key = secrets.token_hex(8) if told else ""
    if told:
        cache.set(f"price-file:{scope.shop_id}:{key}", told, _LOOKED_FOR_S)
    return key


def _take(request: HttpRequest, scope: Scope, today: date) -> HttpResponse:
    told = cache.get(f"price-file:{scope.shop_id}:{request.POST['looked'][:32]}")
    if told is None:
        messages.error(request, _("That was too long ago: choose the file again."))
        return redirect("price_file")
    new = services.take_prices(
        scope.association.pk,
        scope.shop_id or 0,
        told,
        scope.actor,
        today=today,
        source=ArticlePrice.Source.IMPORTED,
    )
    said = _("%(n)d new prices; the others were on record.")
    if new == len(told):
        said = _("%(n)d new prices.")
    messages.success(request, said % {"n": new})
    return redirect("prices")


@staff_required
@require_safe
def example(request: HttpRequest) -> HttpResponse:
    """Give a file to fill in."""
    _scope, today = _own(request)
    text = "\ufeff" + _EXAMPLE.format(day=f"{today:%d/%m/%Y}")
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="prix.csv"'
    return answer


def _own(request: HttpRequest) -> tuple[Scope, date]:
    """Return the shop whose prices these are, and today there; a director has none."""
    scope = scope_of(request)
    if scope.shop is None:
        raise PermissionDenied
    return scope, clock.now().astimezone(scope.zone).date()


def _taken(scope: Scope, told: list[PriceIn], today: date, form: PriceForm) -> bool:
    try:
        services.take_prices(
            scope.association.pk, scope.shop_id or 0, told, scope.actor, today=today
        )
    except SaleErrorFinal as error:
        form.add_error("since" if error.code == "bad-price" else "item", str(error))
        return False
    return True
