"""How names are spelled for search, what is shown of a member, and what is refused. Pure."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

PREFIX_AT_LEAST = 3
"""Letters of a name before it is looked for."""
ROWS_AT_MOST = 8
WORDS_AT_MOST = 4
_LEAP_YEAR = 2024
_SPELLED_OUT = str.maketrans(
    {
        "œ": "oe",
        "Œ": "oe",
        "æ": "ae",
        "Æ": "ae",
        "ø": "o",
        "Ø": "o",
        "ł": "l",
        "Ł": "l",
        "đ": "d",
        "Đ": "d",
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up shows of a member: first name and initial, the number's last two digits."""

    member_id: int
    name: str
    hint: str
    own: bool
    """Whether it is the asking shop's own customer."""


class MemberErrorFinal(ValueError):
    """What was asked of the register can't be done so; the text says what to do.

    ``code`` is for machines; ``field`` names the field to correct, if one is wrong.
    """

    def __init__(self, code: str, text: str, field: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.field = field


class KnownErrorFinal(MemberErrorFinal):
    """The number or address is a member's already: ``found`` is that member, masked.

    ``found`` is None where its holder has paused the account, or it is another town's business.
    """

    def __init__(self, field: str, found: Found | None) -> None:
        text = (
            _("This account exists already: attach the purchase to it.")
            if found
            else _("This account exists and is paused; only its holder can take it up again.")
        )
        super().__init__("known" if found else "known-paused", text, field)
        self.found = found


class PossibleDuplicatesErrorFinal(MemberErrorFinal):
    """Somebody of that name is a member already: ask, before a second account is made."""

    def __init__(self, found: Sequence[Found]) -> None:
        super().__init__(
            "possible-duplicates", _("Somebody of this name is a member already: is it the same?")
        )
        self.found = list(found)


class LookupQuotaErrorFinal(MemberErrorFinal):
    """A device has asked more than a till needs to; ``retry_after_s`` says when to try again."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            "quota",
            _("Too many look-ups from this device: try again later, or ask for the card."),
        )
        self.retry_after_s = retry_after_s


def spelling(text: str) -> str:
    """Return a name in capitals without accents, a space between words: ``D’Été`` → ``D ETE``."""
    plain = unicodedata.normalize("NFKD", text.translate(_SPELLED_OUT))
    letters = (c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join("".join(letters).upper().split())


def surname_key(first_name: str, last_name: str) -> str:
    """Return the first part of `name_key`: the surname, or the first name where there is none."""
    return spelling(last_name) or spelling(first_name)


def name_key(first_name: str, last_name: str) -> str:
    """Return SURNAME FIRSTNAME without accents, in capitals, at most 130 letters."""
    return f"{spelling(last_name)} {spelling(first_name)}".strip()[:130]


def given_key(first_name: str, last_name: str) -> str:
    """Return FIRSTNAME SURNAME, spelled as in `name_key`."""
    return f"{spelling(first_name)} {spelling(last_name)}".strip()[:130]


def surname_splits(text: str) -> list[tuple[str, str]]:
    """Return what may be (surname, first name) in a typed name, either of several words."""
    words = spelling(text).split()[:WORDS_AT_MOST]
    cuts = range(1, len(words) + 1)
    ahead = [(" ".join(words[:at]), " ".join(words[at:])) for at in cuts]
    behind = [(" ".join(words[at:]), " ".join(words[:at])) for at in cuts if at < len(words)]
    return list(dict.fromkeys(ahead + behind))


def after(prefix: str) -> str:
    """Return the first text, in byte order, beyond all that begin with ``prefix``."""
    return prefix + "\U0010ffff"


def masked_name(first_name: str, last_name: str) -> str:
    """Return what others see of a name: ``Marie D.``; of a lone name its first three letters."""
    if first_name and last_name:
        return f"{first_name} {last_name[0].upper()}."
    alone = first_name or last_name
    return f"{alone[:3]}…" if alone else _("without a name")


def hint(phone: str | None, email: str | None, *, both: bool = False) -> str:
    """Return what tells two of one name apart: the number's last two digits, or the address's
    initial; ``both`` where one alone doesn't. Never the birthday: with four digits it identifies.
    """
    told = [f"•• {phone[-2:]}"] if phone else []
    told += [f"{email[0]}•••@"] if email and (both or not phone) else []
    return " · ".join(told)


def checked_birthday(day: int | None, month: int | None) -> tuple[int | None, int | None]:
    """Return a day and month that exist together, or neither; MemberErrorFinal otherwise."""
    if day is None and month is None:
        return None, None
    try:
        date(_LEAP_YEAR, month or 0, day or 0)
    except ValueError:
        raise MemberErrorFinal(
            "birthday", _("This day does not exist: give a day and a month."), "birth_day"
        ) from None
    return day, month
