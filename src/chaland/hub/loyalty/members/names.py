"""A member's name as kept, and what a typed one may mean: each reading is served by an index."""

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext as _

from chaland.hub.loyalty.members.rules import (
    PREFIX_AT_LEAST,
    WORDS_AT_MOST,
    MemberErrorFinal,
    after,
    given_key,
    name_key,
    spelling,
    surname_splits,
)
from chaland.hub.loyalty.models import Member


def set_name(member: Member, first_name: str, last_name: str) -> None:
    """Set a name, with the keys that find it in either order; not saved."""
    member.first_name, member.last_name = first_name, last_name
    member.name_key = name_key(first_name, last_name)
    member.given_key = given_key(first_name, last_name)


def readings(text: str, to_member: str = "") -> Iterator[tuple[str, Q]]:
    """Yield (column, condition) for each reading of a typed name, the likeliest first.

    ``dup`` begins a surname, ``marie d`` a name with the first name first; in ``dup ma`` and ``ma
    dup`` both parts are begun. Ask them one by one, each in the order of its column: joined by OR,
    no engine reads its index in order. MemberErrorFinal under three letters.
    """
    typed = " ".join(spelling(text).split()[:WORDS_AT_MOST])
    if len(typed.replace(" ", "")) < PREFIX_AT_LEAST:
        raise MemberErrorFinal("name", _("Give at least three letters of the name."), "name")
    return _readings(typed, to_member)


def _readings(typed: str, to_member: str) -> Iterator[tuple[str, Q]]:
    name, given = f"{to_member}name_key", f"{to_member}given_key"
    yield name, _begins(typed, name)
    yield given, _begins(typed, given)
    for surname, first in surname_splits(typed):
        if first and len(surname) >= PREFIX_AT_LEAST:
            yield name, _begins(surname, name) & Q(**{f"{name}__contains": f" {first}"})


def _begins(prefix: str, column: str) -> Q:
    return Q(**{f"{column}__gte": prefix, f"{column}__lt": after(prefix)})
