"""A campaign's measured effect, in words and numbers of a page."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from chaland.hub.loyalty import few
from chaland.hub.loyalty.models import Campaign
from chaland.hub.loyalty.outreach.results import measuring, uplift
from chaland.hub.loyalty.outreach.results.measuring import Measured, Side
from chaland.hub.loyalty.outreach.results.uplift import Effect
from chaland.hub.loyalty.programmes import words
from chaland.hub.loyalty.web.figures.words import rough_euros

register = template.Library()


@dataclass(frozen=True, slots=True)
class Line:
    """One effect: its value, its interval, and whether it is clear of chance."""

    label: str
    value: str
    low: str
    high: str
    clear: bool


@dataclass(frozen=True, slots=True)
class GroupShown:
    """One of the two groups."""

    label: str
    members: int
    buyers: str
    share: str
    each: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page says of an effect; ``lines`` is empty where too few were in a group."""

    measured: Measured
    needed: int
    groups: list[GroupShown]
    lines: list[Line]

    @property
    def clear(self) -> bool:
        """Whether the effect on spending is clear of chance."""
        return any(line.clear for line in self.lines[1:])

    @property
    def window_end(self) -> datetime:
        return self.measured.ends_at


@register.simple_tag
def effect_of(campaign: Campaign) -> Shown | None:
    """Return what is known of a campaign's effect; None before it was worked out."""
    found = measuring.of(campaign)
    if found is None:
        return None
    return Shown(found, uplift.READABLE, _groups(found), _lines(found))


def _groups(found: Measured) -> list[GroupShown]:
    if found.treated is None or found.held_out is None:
        return []
    return [_group(_("Addressed"), found.treated), _group(_("Kept apart"), found.held_out)]


def _group(label: str, side: Side) -> GroupShown:
    share = _decimal(100 * side.buyers / side.members)
    return GroupShown(
        label,
        few.fives(side.members),
        str(number_format(few.fives(side.buyers), force_grouping=True)),
        _("%(number)s%%") % {"number": share},
        words.money(round(side.cents / side.members)),
    )


def _lines(found: Measured) -> list[Line]:
    if found.buyers is None or found.cents_each is None or found.cents is None:
        return []
    return [
        _line(_("Members who bought, in points"), found.buyers.times(100), _signed),
        _line(_("Spent per member"), found.cents_each, _money),
        _line(_("Over all who were addressed"), found.cents, _rough),
    ]


def _line(label: str, effect: Effect, write: Callable[[float], str]) -> Line:
    return Line(label, write(effect.value), write(effect.low), write(effect.high), effect.clear)


def _decimal(value: float) -> str:
    return str(number_format(round(value, 1), 1, force_grouping=True))


def _signed(value: float) -> str:
    return _sign(round(value, 1)) + _decimal(abs(value))


def _money(cents: float) -> str:
    return _sign(round(cents)) + words.money(abs(round(cents)))


def _rough(cents: float) -> str:
    """Write an estimated sum with two meaningful figures: no more are known."""
    return _sign(round(cents)) + rough_euros(abs(cents))


def _sign(value: float) -> str:
    return "+" if value > 0 else words.MINUS if value < 0 else ""
