"""What the messages that go by themselves say: our sentences, in both languages, so that who agreed
to a receipt or to a reminder gets no advertisement (L1, L5).

A receipt's text is ours alone. A reminder may have one line of who writes, a greeting, in which
`complaints` finds what makes an offer of it.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import override

from chaland.hub.loyalty.models import Campaign, Channel

GREETING_MOST = 80
"""Characters of the line that who writes may add."""
_Kind = Campaign.Automatic
GREETED = (_Kind.POINTS, _Kind.STAMPS, _Kind.BIRTHDAY)
"""The kinds that have such a line."""
_STEMS = (
    "offr", "offer", "promo", "reduc", "redui", "rabais", "ristourn", "remis", "sold", "destock",
    "braderi", "gratuit", "cadeau", "avantag", "prix", "tarif", "moitie", "achat", "achet",
    "discount", "bargain", "reward", "gift", "voucher", "coupon", "price", "cheap", "percent",
    "pourcent", "http", "www",
)  # fmt: skip
"""How words begin, without accents, that make an offer of a greeting."""
_WHOLE = frozenset(
    {
        *("cent", "cents", "euro", "euros", "vente", "ventes"),
        *("deal", "deals", "free", "half", "sale", "sales", "save", "sell", "buy"),
    }
)
_WORD = re.compile(r"[a-z]+")
_SPELT = re.compile(r"(?:\b[a-z]\b[\W_]*){4,}")
_POINT = re.compile(r"\w\.\w")


@dataclass(frozen=True, slots=True)
class Fixed:
    """One message: a mail's subject and button, and the text."""

    subject: str
    body: str
    button: str


def fixed(kind: str, channel: str, language: str, greeting: str = "") -> Fixed:
    """Return what a kind says by a channel in a language."""
    with override(language):
        subject, sentence = _sentences(kind)
        if channel == Channel.SMS:
            return Fixed("", " ".join(part for part in (greeting, sentence, "{link}") if part), "")
        parts = (_("Hello {first_name},"), greeting, sentence)
        return Fixed(subject, "\n\n".join(part for part in parts if part), _("See it"))


def greeting_of(kind: str, channel: str, language: str, body: str) -> str | None:
    """Return the line that was added to a kind's text; None where the text is not ours."""
    hello, _gap, sentence = fixed(kind, channel, language).body.rpartition("\n\n")
    greeting = body.removeprefix(hello).removesuffix(sentence).strip()
    return greeting if fixed(kind, channel, language, greeting).body == body else None


def refusals(kind: str, channel: str, language: str, said: Fixed) -> list[str]:
    """Say why a text can't be an automatic message's; nothing: it is ours."""
    greeting = greeting_of(kind, channel, language, said.body)
    if greeting is None or said != fixed(kind, channel, language, greeting):
        return [_("The text of this message is fixed: only a greeting can be added to a reminder.")]
    return complaints(kind, greeting)


def complaints(kind: str, greeting: str) -> list[str]:
    """Say what is wrong with a greeting; nothing: it may be sent."""
    if not greeting:
        return []
    if kind not in GREETED:
        return [_("Nothing is added to a receipt: who asked for it asked for nothing else.")]
    found = []
    if len(greeting) > GREETING_MOST:
        text = _("The greeting is longer than %(most)d characters.")
        found.append(text % {"most": GREETING_MOST})
    if words := offers_in(greeting):
        text = _("A greeting offers nothing: without “%(words)s”. For an offer make a campaign.")
        found.append(text % {"words": ", ".join(words)})
    return found


def offers_in(text: str) -> list[str]:
    """List the words and signs of a text that make an offer of it, or might hide one: no number,
    no price, no address, no picture."""
    plain = "".join(
        sign
        for sign in unicodedata.normalize("NFKD", text).casefold()
        if unicodedata.category(sign) not in ("Mn", "Cf")
    )
    words = [*_WORD.findall(plain), *(re.sub(r"[^a-z]", "", s) for s in _SPELT.findall(plain))]
    found = [sign for sign in plain if _hides(sign)]
    found += [word for word in words if word.startswith(_STEMS) or word in _WHOLE]
    found += ["."] if _POINT.search(plain) else []
    return list(dict.fromkeys(found))


def _hides(sign: str) -> bool:
    kind = unicodedata.category(sign)
    foreign = kind[0] == "L" and not unicodedata.name(sign, "").startswith("LATIN")
    return foreign or kind[0] in "NC" or kind in ("Sc", "So") or sign in "%‰{}<>@+/"


def _sentences(kind: str) -> tuple[str, str]:
    """Return a kind's subject and sentence, in the language that is active."""
    said: Mapping[_Kind, tuple[str, str]] = {
        _Kind.POINTS: (
            _("What you have saved is about to lapse"),
            _("What you have saved at {shop} lapses soon: use it in time."),
        ),
        _Kind.STAMPS: (
            _("Your card is nearly full"),
            _("Your stamp card of {shop} is nearly full."),
        ),
        _Kind.BIRTHDAY: (
            _("Happy birthday from {shop}"),
            _("{shop} wishes you a happy birthday."),
        ),
        _Kind.RECEIPT: (_("Your receipt"), _("Your receipt of {shop}:")),
    }
    return said[_Kind(kind)]
