"""What members answer: whatever means STOP stops, and little else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaland.hub.loyalty.outreach.sms.answers import Answer, understood

STOPS = [
    "STOP",
    "stop",
    " Stop. ",
    "STOP 36111",
    "STOP36105",
    "stop svp",
    "StOp!!!",
    "«STOP»",
    "S.T.O.P",
    "S T O P",
    "STOP SMS",
    "STOPSMS",
    "ＳＴＯＰ",
    "st\u200bop",
    "🛑",
    "stpo",
    "sotp",
    "STOPP",
    "Arrêt",
    "ARRET",
    "arrêtez svp",
    "Arrêtez de m’écrire",
    "desabonner",
    "Désabonnement",
    "je veux me désabonner",
    "désinscription SVP",
    "Bonjour, merci de ne plus m'envoyer de messages",
    "Je ne veux plus de pub",
    "ne m'envoyez plus rien",
    "plus de sms merci",
    "Je ne veux pas de pub, stop",
    "n'insistez pas, arrêtez",
    "stop, ne m'écrivez pas",
    "STOP pas intéressé",
    "Merci de me retirer. STOP",
    "unsubscribe",
    "please stop",
    "No more texts",
]
NOT_STOPS = [
    "ne stoppez pas l'envoi",
    "Ne stoppez surtout pas !",
    "je m'arrête demain",
    "Je vais m’arrêter à la boutique",
    "ne me désabonnez pas",
    "N'arrêtez pas vos offres",
    "arrêtez pas, c'est super",
    "je ne veux pas me désabonner",
    "Ouvert non-stop samedi ?",
    "don't stop",
    "Please don’t stop",
    "Top !",
    "Merci, à samedi",
    "Stopover",
    "Merci c'est toujours plus de choix",
    "",
    "👍",
]


@pytest.mark.parametrize("text", STOPS)
def test_stops(text: str) -> None:
    assert understood(text) is Answer.STOP


@pytest.mark.parametrize("text", NOT_STOPS)
def test_is_no_stop(text: str) -> None:
    assert understood(text) is Answer.OTHER


@pytest.mark.parametrize(
    ("text", "answer"),
    [("START", Answer.START), ("Oui !", Answer.START), ("AIDE", Answer.HELP), ("?", Answer.OTHER)],
)
def test_other_words_are_noted(text: str, answer: Answer) -> None:
    assert understood(text) is answer


_WORDS = "je ne veux pas plus de vos offres merci Ñ la le m' s' n' 12 arrêt bus non jamais"
_words = st.sampled_from(_WORDS.split())


@given(before=st.lists(_words), after=st.text(max_size=500))
def test_nothing_but_a_denial_right_before_it_hides_a_stop(before: list[str], after: str) -> None:
    if before and before[-1] in ("ne", "non", "la", "le", "m'"):
        before.append("merci")
    assert understood(f"{' '.join(before)} . STOP . {after}") is Answer.STOP


@given(text=st.text(max_size=2_000))
def test_never_fails_and_ignores_case_and_edges(text: str) -> None:
    assert understood(f"  {text.upper()}\n") is understood(text.upper())
