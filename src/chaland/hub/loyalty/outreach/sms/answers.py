"""What a member's answer by SMS means. No Django.

The rule, which errs on the side of stopping (L8): case, accents, punctuation and signs are taken
away; then what denies the word is struck out ("ne stoppez pas", "non-stop", "je m'arrête"); if a
word for stopping is left **anywhere** in the text, or the text says "no more messages", it is a
STOP. To be written to once more after a misunderstanding costs one box in the member's account;
to be written to after a STOP costs the association its right to write at all.

Words to begin again are only noted: consent is given in the account or at a till, never by SMS.
"""

import re
import unicodedata
from enum import StrEnum


class Answer(StrEnum):
    """What an incoming text asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    OTHER = "other"


_ORDERS = r"stoppez|stoppe|arretez|arrete|desabonnez|desabonne|desinscrivez|desinscris|cessez"
_VERBS = r"stopper|arreter|desabonner|desinscrire|resilier|cesser"
_NOUNS = r"arret|arrets|desabonnement|desinscription|desinscrit|desabonnes?|resiliation"
_ENGLISH = r"unsubscribe|unsub|optout|opt out|remove me|quit|cancel"
_SLIPS = r"stpo|sotp|tsop|stoop|sttop|sstop|stob|stip|stol"

_STOP = re.compile(
    rf"\b(?:stopp?\d*|stop(?:sms|pub|svp|stp|merci)\w*|{_SLIPS}|{_ORDERS}|{_VERBS}|{_NOUNS}"
    rf"|{_ENGLISH})\b"
)
_DENIED = re.compile(
    rf"\b(?:ne|not|never) (?:(?:me|m|nous|les|l|le|la) )?(?:stop|{_ORDERS}|{_VERBS})\b"
    r"|\bn arrete[rz]?\b"
    rf"|\b(?:{_ORDERS}) (?:surtout )?(?:pas|jamais)\b"
    rf"|\bpas (?:(?:me|m|nous|de|d) )?(?:{_VERBS})\b"
    r"|\bnon stop\b|\b(?:m|me|s|se) arret\w*"
)
_ENOUGH = re.compile(
    r"\b(?:envoy\w+|recevoir|ecri\w+|contact\w+|veux|souhaite|voulons) plus\b"
    r"|\bplus (?:m |me |nous )?(?:envoyer|recevoir|ecrire|contacter)\b"
    r"|\b(?:plus|pas) de (?:sms|messages?|pubs?|publicites?|textos?)\b"
    r"|\bno more (?:sms|texts?|messages?)\b"
)
_START = frozenset({"start", "unstop", "reprendre", "reabonner", "reprise", "oui", "yes"})
_HELP = frozenset({"aide", "help", "info", "infos", "contact"})
_SIGNS = str.maketrans({"🛑": " stop ", "⛔": " stop ", "œ": "oe"})


def understood(text: str) -> Answer:
    """Return what an incoming text asks for, by the rule above."""
    words = _folded(text)
    told = re.sub(r"\bdon ?t\b", "not", words)
    left = _DENIED.sub(" ", told)
    spelled = re.fullmatch(r"(?:[a-z] )+[a-z]", words) and words.replace(" ", "") == "stop"
    if spelled or _STOP.search(left) or _ENOUGH.search(told):
        return Answer.STOP
    first = words.split(" ", 1)[0]
    if first in _START:
        return Answer.START
    return Answer.HELP if first in _HELP else Answer.OTHER


def _folded(text: str) -> str:
    flat = unicodedata.normalize("NFKD", text.casefold().translate(_SIGNS))
    letters = (c for c in flat if not unicodedata.category(c).startswith(("M", "Cf")))
    return re.sub(r"[^a-z0-9]+", " ", "".join(letters)).strip()
