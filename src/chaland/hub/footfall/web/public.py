"""The public page: what a passer-by, a citizen, a data protection officer may know. No login."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from chaland.hub.association.models import Association
from chaland.hub.common import clock
from chaland.hub.footfall import charters, keeping
from chaland.hub.footfall.models import AuditReport, Measurement
from chaland.hub.footfall.papers import annex, assessment, claims, notice
from chaland.hub.footfall.papers.document import Document, number
from chaland.hub.footfall.services import objections
from chaland.hub.footfall.web.audit_words import attack_rows, check_rows
from chaland.hub.footfall.web.standing import standing
from chaland.wire.charter import Charter
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.summary import CellCounts, Count, Mode, State, Summary, encode

LANGUAGES = tuple(notice.LANGUAGES)


class Town:
    """A town that is measured, or is about to be: what its public pages speak of."""

    def __init__(self, association: Association, measurement: Measurement) -> None:
        self.association, self.measurement = association, measurement
        self.charter: Charter | None = charters.current(association.pk)
        self.today = clock.today(association.timezone)

    @property
    def state(self) -> str:
        return standing(self.charter, self.today)

    @property
    def shops(self) -> list[dict[str, Any]]:
        """List the shops whose agreement stands and whose sensors the charter lets listen, and
        since when they agree."""
        held = charters.agreed(self.charter) if self.charter else {}
        since: dict[str, date] = {}
        for each in self.charter.sensors if self.charter else ():
            if each.sensor in held:
                since[each.shop] = min(each.agreed_on, since.get(each.shop, each.agreed_on))
        return [{"name": name, "since": day} for name, day in sorted(since.items())]

    @property
    def counts(self) -> bool:
        """Whether anything is counted at all."""
        return self.state in ("running", "ending") and bool(self.shops)

    def assessed(self, language: str) -> Document:
        """Return the town's impact assessment in one language."""
        names = [shop["name"] for shop in self.shops]
        return assessment.assessment(self.measurement, names, self.charter, language)


def _town(town: int | None) -> Town | None:
    """Return the town of an address; without a number the only one; None where there are several.

    Http404 where it is not measured.
    """
    measured = Measurement.objects.all()
    if town is None:
        found = list(measured[:2])
        if len(found) != 1:
            return None
        measurement = found[0]
    else:
        measurement = get_object_or_404(measured, association_id=town)
    association = get_object_or_404(Association, pk=measurement.association_id)
    timezone.activate(association.timezone)
    return Town(association, measurement)


def the_town(town: int | None) -> Town:
    found = _town(town)
    if found is None:
        raise Http404
    return found


@require_safe
def page(request: HttpRequest, town: int | None = None) -> HttpResponse:
    """Answer what passers-by ask; with several towns, list them."""
    found = _town(town)
    if found is None:
        ids = Measurement.objects.values_list("association_id", flat=True)
        towns = Association.objects.filter(pk__in=list(ids)).order_by("town", "name")
        return render(request, "footfall/public_towns.html", {"towns": towns})
    context = {
        "town": found,
        "association": found.association,
        "measurement": found.measurement,
        "notice": notice.notice(found.measurement, get_language() or LANGUAGES[0]),
        "rows": [claims.rows_table(DEFAULT_MECHANISM)],
        "meaning": claims.meaning(DEFAULT_MECHANISM),
        "losses": [claims.losses_table(DEFAULT_MECHANISM)],
        "claim": claims.formal_claim(DEFAULT_MECHANISM),
        "limits": [claims.honest_limits(DEFAULT_MECHANISM)],
        "kept": [claims.kept_table(DEFAULT_MECHANISM)],
        "mechanism": DEFAULT_MECHANISM,
        "linger_minutes": DEFAULT_MECHANISM.linger_s // 60,
        "lies": claims.lies_in_a_hundred(DEFAULT_MECHANISM),
        "numbers": number(DEFAULT_MECHANISM.objection.bits, 9),
        "objection_days": keeping.OBJECTIONS.days,
        "objections": objections.fill(found.association.pk, found.today),
        "alarm_share": keeping.OBJECTIONS_ALARM_SHARE,
        "audit": AuditReport.objects.order_by("-made_at").first(),
        "example": _example(),
    }
    return render(request, "footfall/public.html", context)


@require_safe
def assessment_page(request: HttpRequest, town: int | None = None) -> HttpResponse:
    """Show the impact assessment."""
    found = the_town(town)
    document = found.assessed(get_language() or LANGUAGES[0])
    alarmed = bool(annex.mismatch(DEFAULT_MECHANISM, found.charter))
    context = {
        "town": found,
        "association": found.association,
        "document": document,
        "alarmed": alarmed,
    }
    return render(request, "footfall/assessment.html", context)


@require_safe
@cache_control(max_age=300)
def assessment_pdf(request: HttpRequest, language: str, town: int | None = None) -> HttpResponse:
    """Give the impact assessment as PDF."""
    document = the_town(town).assessed(_language(language))
    return _pdf(request, f"chaland-{language}", document.digest, lambda: assessment.pdf(document))


@require_safe
@cache_control(max_age=300)
def poster(request: HttpRequest, language: str, town: int | None = None) -> HttpResponse:
    """Give the notice as a poster to print."""
    measurement = the_town(town).measurement
    words = notice.digest(measurement)
    name = f"chaland-notice-{_language(language)}"
    return _pdf(request, name, words, lambda: notice.poster(measurement, language))


@require_safe
def charter(_request: HttpRequest, town: int | None = None) -> HttpResponse:
    """Give the signed charter, byte for byte as the sensors get it."""
    stored = charters.newest(the_town(town).association.pk)
    if stored is None:
        raise Http404
    response = HttpResponse(stored.document, content_type="application/json")
    name = f"charter-{stored.version}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_safe
def audit(request: HttpRequest, town: int | None = None) -> HttpResponse:
    """Show the newest published report of ``chaland audit``."""
    newest = AuditReport.objects.order_by("-made_at").first()
    found = _town(town)
    context: dict[str, Any] = {"audit": newest, "town": found}
    if found is not None:
        context["association"] = found.association
    if newest is not None:
        context |= {
            "report": newest.report,
            "checks": check_rows(newest.report["checks"]),
            "attacks": attack_rows(newest.report["attacks"]),
        }
    return render(request, "footfall/audit.html", context)


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise Http404
    return language


def _pdf(request: HttpRequest, name: str, version: str, make: Callable[[], bytes]) -> HttpResponse:
    """Answer with a PDF, or that the browser has this very version already."""
    etag = f'"{version}"'
    response: HttpResponse
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponseNotModified()
    else:
        response = HttpResponse(make(), content_type="application/pdf")
        response.headers["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    response.headers["ETag"] = etag
    return response


def _example() -> str:
    """Return a whole message as a sensor sends it, with invented counts, spread out to be read."""
    values = {"arrivals": 4, "fingerprints": 41, "passers_by": -2, "scans": 96}
    noised = DEFAULT_MECHANISM.counts[Mode.DEFAULT]
    counts = {name: Count(values[name], each.bound, each.epsilon) for name, each in noised.items()}
    start = datetime(2026, 3, 14, 11, 45, tzinfo=UTC)
    cell = CellCounts(start, 3, State.OK, Mode.DEFAULT, counts)
    made_at = start + timedelta(minutes=15)
    message = encode(Summary("kzdvvj2umnduyauf", 1207, made_at, False, cell))
    return json.dumps(json.loads(message), indent=2)
