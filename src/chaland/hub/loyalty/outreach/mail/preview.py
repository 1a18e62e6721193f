"""A mail as the worst members get it: who gave no name, who has the longest, who writes from right
to left. What looks well for them looks well for all."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from chaland.hub.loyalty.outreach.mail.templates import (
    Letter,
    compile_html,
    plain_text,
    said_once,
)
from chaland.hub.loyalty.outreach.placeholders import fill

LONGEST = 60
"""Letters of a first name (the members' table); a shop's name has twice as many."""


@dataclass(frozen=True, slots=True)
class Previewed:
    """One mail as one member would see it."""

    whose: str
    subject: str
    text: str
    html: str


def previews(letter: Letter, common: Mapping[str, str]) -> list[Previewed]:
    """Return a letter as each of the worst cases gets it, a usual one first.

    ``common``: the campaign's own words (``values.of_campaign``), with ``postal`` and ``origin``.
    """
    page, text = compile_html(letter), plain_text(letter)
    own = {"code": "AB12-CD34", "link": f"{common['origin']}/i/AB12CD34/", "unsubscribe": "…"}
    return [
        Previewed(
            whose,
            fill(letter.subject, values),
            fill(text, values),
            fill(page, values, as_html=True),
        )
        for whose, values in (
            (whose, said_once({**common, **own, **worst}))
            for whose, worst in _cases(common).items()
        )
    ]


def _cases(common: Mapping[str, str]) -> dict[str, dict[str, str]]:
    longest = ("Marie-Antoinette-Bérengère-Philippine-" * 2)[:LONGEST]
    return {
        _("usual name"): {"first_name": "Camille"},
        _("no first name"): {"first_name": ""},
        _("longest names"): {
            "first_name": longest,
            "shop": f"{common['shop']} {'Boulangerie-Pâtisserie ' * 6}"[: 2 * LONGEST].strip(),
        },
        _("written from right to left"): {"first_name": "שרה־לאה أمينة"},
        _("name with emoji"): {"first_name": "👩\u200d👩\u200d👧 Zoé 🌸"},
    }
