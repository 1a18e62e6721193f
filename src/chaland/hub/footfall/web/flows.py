"""The pages of flows: the town's for its director, the own shop's for its keeper."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_GET

from chaland.hub.association.access import staff_required
from chaland.hub.footfall.figures.flows import Flows, Level, Pair, town_flows
from chaland.hub.footfall.figures.shop_flows import OTHER_SHOPS_MIN, ShopFlows, shop_flows
from chaland.hub.footfall.rules import Estimate
from chaland.hub.footfall.web import words
from chaland.hub.footfall.web.flow_question import Asked, FlowQuestion, Sort
from chaland.hub.footfall.web.flows_file import shop_csv, town_csv
from chaland.wire.mechanism import DEFAULT_MECHANISM

ROWS_SHOWN = 12
CHORDS_DRAWN = 24
"""More ribbons than these make a ball of wool; the table has them all."""


@staff_required
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show shared visitors: of the town's places for a director, of the own shop for its keeper."""
    asked = Asked(request, "flows")
    if asked.director:
        return render(request, "footfall/flows.html", asked.context() | _town_context(asked))
    return render(request, "footfall/shop_flows.html", asked.context() | _shop_context(asked))


@staff_required
@require_GET
def csv(request: HttpRequest) -> HttpResponse:
    """Send the page's numbers as CSV."""
    asked = Asked(request, "flows")
    simulated = asked.role.association.simulated
    if not asked.director:
        return shop_csv(_shop(asked), simulated=simulated)
    found = _town(asked)
    pairs = shown_pairs(found, asked.question)
    return town_csv(found, pairs, asked.role.association.town, simulated=simulated)


def _town(asked: Asked) -> Flows:
    question = asked.question
    return town_flows(asked.town, question.level, question.period, asked.today)


def _shop(asked: Asked) -> ShopFlows:
    return shop_flows(asked.own_shop, asked.town, asked.question.period, asked.today)


def shown_pairs(found: Flows, question: FlowQuestion) -> list[Pair]:
    """Return the pairs that a question is about, in its order; those that aren't clear come last.

    The place asked about stands first, or else the one that shares more of its visitors.
    """
    if question.place:
        pairs = [pair.turned() if pair.b == question.place else pair for pair in found.pairs]
        pairs = [pair for pair in pairs if pair.a == question.place]
    else:
        pairs = [
            pair.turned() if _value(pair.of_b) > _value(pair.of_a) else pair for pair in found.pairs
        ]
    if question.sort is Sort.NAME:
        return sorted(pairs, key=lambda pair: (pair.a.name, pair.b.name))
    by_share = question.sort is Sort.SHARE
    return sorted(
        pairs,
        key=lambda pair: (not pair.separable, -_value(pair.of_a if by_share else pair.both)),
    )


def _value(found: Estimate | None) -> float:
    return found.value if found else 0.0


def _town_context(asked: Asked) -> dict[str, Any]:
    found, question = _town(asked), asked.question
    pairs = shown_pairs(found, question)
    drawn = sorted((pair for pair in pairs if pair.separable), key=lambda pair: -pair.both.value)[
        :CHORDS_DRAWN
    ]
    return {
        "flows": found,
        "pairs": pairs if question.every else pairs[:ROWS_SHOWN],
        "pairs_all": len(pairs),
        "pairs_separable": sum(pair.separable for pair in pairs),
        "drawn": len(drawn),
        "strongest": drawn[0] if drawn else None,
        "chart": chord(found, drawn) if drawn else None,
        "levels": _level_links(asked),
        "places": [place for place, _visitors in found.places],
        "kept_for_place": question.kept("place", "all"),
        "sorts": {sort.value: asked.url(question.asking(sort=sort)) for sort in Sort},
        "town_url": asked.url(question.asking(place=None)),
        "every_url": asked.url(question.asking(every=not question.every)),
        "directions": found.directions.clear[:ROWS_SHOWN],
        "followed_part": followed_part(found.followable),
        "split_at": DEFAULT_MECHANISM.sketch.afternoon_from.hour,
    }


def _shop_context(asked: Asked) -> dict[str, Any]:
    found = _shop(asked)
    return {
        "flows": found,
        "strongest": found.told[0] if found.told else None,
        "others_min": OTHER_SHOPS_MIN,
        "followed_part": followed_part(found.followable),
    }


def followed_part(followable: Estimate | None) -> str:
    """Say which part of the visits flows are about: "17% of visits"."""
    if followable is None:
        return _("an unknown part of visits")
    return _("%(share)s of visits") % {"share": words.percent_amount(followable)}


def chord(found: Flows, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Describe the chart of shared visitors: each place as long as what it shares."""
    tied = {place.pk for pair in pairs for place in (pair.a, pair.b)}
    return {
        "kind": "chord",
        "nodes": [
            {"name": place.name, "tone": place.zone, "say": f"{place.name}\n{_people(visitors)}"}
            for place, visitors in found.places
            if place.pk in tied
        ],
        "links": [
            {
                "source": pair.a.name,
                "target": pair.b.name,
                "value": round(pair.both.value, 1),
                "say": f"{pair.a.name} – {pair.b.name}\n{_people(pair.both)}",
            }
            for pair in pairs
        ],
    }


def _people(found: Estimate) -> str:
    n = words.about(found)
    text = ngettext("%(n)s followable visitor", "%(n)s followable visitors", n)
    return f"{text % {'n': words.amount(found)}}, {words.between(found)}"


def _level_links(asked: Asked) -> list[dict[str, Any]]:
    labels = {Level.ZONES: _("Between zones"), Level.SHOPS: pgettext("flows", "Between shops")}
    return [
        {
            "label": label,
            "url": asked.url(asked.question.asking(level=level)),
            "current": asked.question.level is level,
        }
        for level, label in labels.items()
    ]
