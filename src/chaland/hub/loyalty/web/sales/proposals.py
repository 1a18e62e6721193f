"""The texts of an invitation, ready written in French and English: sent as they are, or changed."""

from collections.abc import Mapping
from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import override

from chaland.hub.loyalty.consent.wordings import LANGUAGES
from chaland.hub.loyalty.models import Channel
from chaland.hub.loyalty.web.outreach.drafts import Words

_SMS = {
    "fr": "{{shop}} : {{sale}} {when}, réservée aux membres. Votre place : {{link}}",
    "en": "{{shop}}: {{sale}} {when}, for members only. Your place: {{link}}",
}
_SUBJECT = {"fr": "Votre invitation : {sale}", "en": "Your invitation: {sale}"}
_BODY = {
    "fr": (
        "Bonjour {{first_name}},\n\n"
        "{{shop}} vous ouvre sa vente privée, réservée aux membres : {when}.\n\n"
        "Votre invitation montre les prix membres à côté des prix de référence. Choisissez-y votre "
        "créneau, ou venez avec votre code : {{code}}."
    ),
    "en": (
        "Hello {{first_name}},\n\n"
        "{{shop}} invites you to its private sale, for members only: {when}.\n\n"
        "Your invitation shows the members’ prices beside the reference prices. Choose your slot "
        "there, or come with your code: {{code}}."
    ),
}
_BUTTON = {"fr": "Voir mon invitation", "en": "See my invitation"}
_WHEN = {"fr": "{day} de {begins} à {ends}", "en": "{day}, {begins} to {ends}"}


def texts(starts_at: datetime, ends_at: datetime) -> Mapping[tuple[str, str], Words]:
    """Return what a sale's campaign may say, by channel and language."""
    found = {}
    for language in LANGUAGES:
        when = _when(starts_at, ends_at, language)
        found[str(Channel.SMS), language] = Words(body=_SMS[language].format(when=when))
        found[str(Channel.EMAIL), language] = Words(
            _SUBJECT[language], _BODY[language].format(when=when), _BUTTON[language]
        )
    return found


def _when(starts_at: datetime, ends_at: datetime, language: str) -> str:
    first, last = localtime(starts_at), localtime(ends_at)
    with override(language):
        day = date_format(first, "l j F")
        if first.date() != last.date():
            day = f"{day} – {date_format(last, 'l j F')}"
        begins, ends = (date_format(at, "TIME_FORMAT") for at in (first, last))
    return _WHEN[language].format(day=day, begins=begins, ends=ends)
