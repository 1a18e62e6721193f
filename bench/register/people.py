"""Invented people, drawn with a fixed seed: names as unequal as real ones, numbers of no one."""

from dataclasses import dataclass

import numpy as np

_BEGIN = (
    "Ba Be Bi Bo Bou Ca Cha Che Co Da De Del Do Du Fa Fe Fo Ga Gau Gi Go Gui Ha He Hu Ja Jo La Le "
    "Lo Ma Mar Me Mi Mo Na No Pa Pe Pi Po Qui Ra Re Ri Ro Rou Sa Se Si So Ta Te Ti Va Ve Vi Za"
)
_MIDDLE = (
    "- - ba be ca che co da de di do fa fe ga gi go la le li lo lou ma me mi mo na ne ni no pa pe "
    "pi ra re ri ro rou sa se si so ta te ti to va ve vi"
)
_END = "rd t nt s r x n l ult ert in on ier eau ot et ard and as ez el elle ine ais ois ey aud"
_FIRST = (
    "Marie Jean Pierre Anna Luc Paul Sophie Claire Hugo Léa Emma Jules Louis Alice Chloé Inès "
    "Nathan Lucas Manon Camille Sarah Thomas Julie Laura Antoine Nicolas Céline Hélène Éric Zoé"
)
_STEP = 99_991
"""A prime: numbers spread over their range, each once."""


@dataclass(frozen=True, slots=True)
class Person:
    """One member to be: ``phone`` is E.164."""

    first_name: str
    last_name: str
    phone: str
    birth_day: int
    birth_month: int


class Population:
    """So many people; the commonest surname is one in a hundred, about as Martin is in France."""

    def __init__(self, count: int, seed: int = 4) -> None:
        random = np.random.default_rng(seed)
        parts = [part.replace("-", "").split(" ") for part in (_BEGIN, _MIDDLE, _MIDDLE, _END)]
        every = [
            a + b + c + d for a in parts[0] for b in parts[1] for c in parts[2] for d in parts[3]
        ]
        unlike = list(dict.fromkeys(every))
        chosen = random.choice(len(unlike), min(100_000, len(unlike)), replace=False)
        self.surnames = [unlike[at] for at in chosen.tolist()]
        weights = 1.0 / (np.arange(len(self.surnames)) + 10.0) ** 0.9
        last = random.choice(len(self.surnames), count, p=weights / weights.sum())
        self._last = last.tolist()
        self._first = random.integers(0, 30, count).tolist()
        self._day = random.integers(1, 29, count).tolist()
        self._month = random.integers(1, 13, count).tolist()
        self._firsts = _FIRST.split(" ")
        self.count = count

    def __getitem__(self, number: int) -> Person:
        return Person(
            self._firsts[self._first[number]],
            self.surnames[self._last[number]],
            f"+336{number * _STEP % 100_000_000:08}",
            self._day[number],
            self._month[number],
        )

    def some(self, wanted: int, seed: int) -> list[Person]:
        """Draw people, each once."""
        random = np.random.default_rng(seed)
        return [self[n] for n in random.choice(self.count, wanted, replace=False).tolist()]


def with_error(text: str, random: np.random.Generator) -> str:
    """Return a name with one typing error: a letter left out, doubled, changed, or two swapped."""
    at = int(random.integers(0, len(text) - 1))
    letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[int(random.integers(0, 26))]
    return [
        text[:at] + text[at + 1 :],
        text[:at] + text[at] + text[at:],
        text[:at] + letter + text[at + 1 :],
        text[:at] + text[at + 1] + text[at] + text[at + 2 :],
    ][int(random.integers(0, 4))]
