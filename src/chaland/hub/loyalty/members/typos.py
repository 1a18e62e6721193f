"""Names with typing errors: the town's surnames are few, so each is compared, then looked up.

Restricted Damerau-Levenshtein (OSA; rapidfuzz computes it bit-parallel: 2 ms for 100,000 surnames,
a tenth of the unrestricted one) over the dictionary of surnames in use; then, among the bearers of
the close ones, those whose first name fits best.
"""

import threading
import time
from dataclasses import dataclass, field

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from chaland.hub.loyalty.members.rules import after, spelling, surname_splits
from chaland.hub.loyalty.models import Member, Surname

_FORGIVEN = 2
_SHORT = 4
"""Letters of a surname up to which one error is forgiven; beyond, two."""
_SURNAMES_AT_MOST = 12
_BEARERS_AT_MOST = 300
_ROWS = 8


@dataclass(slots=True)
class _Dictionary:
    """The surnames of one town as this process knows them; it reads what was added since."""

    keys: list[str] = field(default_factory=list)
    last_id: int = 0
    read_at: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)


_dictionaries: dict[int, _Dictionary] = {}
_WHOLE_AGAIN_S = 3_600
"""After this the dictionary is read anew: names that nobody bears any more go."""


def closest(association_id: int, text: str, at_most: int) -> list[int]:
    """Return ids of members whose names are nearest to a typed one, the nearest first."""
    scores: dict[int, int] = {}
    allowed = max(1, len(spelling(text)) // 3)
    for surname, distance, first in _near(association_id, text):
        # Surnames come the nearest first: from here on nobody can be nearer than this.
        if sum(score <= distance for score in scores.values()) >= at_most:
            break
        for pk, key in _bearers(association_id, surname, first):
            given = key[len(surname) + 1 :]
            score = distance + (_first_distance(given, first) if first else 0)
            if score <= min(allowed, scores.get(pk, allowed)):
                scores[pk] = score
    close = sorted((score, pk) for pk, score in scores.items())
    return [pk for _score, pk in close[:at_most]]


def _first_distance(given: str, typed: str) -> int:
    """Return how far a first name is from what was typed of it, which may be its beginning."""
    return min(
        OSA.distance(given, typed),
        OSA.distance(given[: len(typed)], typed),
    )


def _near(association_id: int, text: str) -> list[tuple[str, int, str]]:
    """Return (surname, distance, first name typed) of the surnames close to any reading."""
    known = _surnames(association_id)
    readings = surname_splits(text)
    if not known:
        return []
    distances = process.cdist(  # all readings at once: each surname is prepared once
        [surname for surname, _first in readings],
        known,
        scorer=OSA.distance,
        score_cutoff=_FORGIVEN,
        dtype=np.uint8,
    )
    near: list[tuple[str, int, str]] = []
    for (surname, first), row in zip(readings, distances, strict=True):
        forgiven = 1 if len(surname) <= _SHORT else _FORGIVEN
        places = np.flatnonzero(row <= forgiven)
        nearest = places[np.argsort(row[places], kind="stable")][:_SURNAMES_AT_MOST]
        near += [(known[at], int(row[at]), first) for at in nearest.tolist()]
    return sorted(near, key=lambda found: found[1])[:_SURNAMES_AT_MOST]


def _bearers(association_id: int, surname: str, first: str) -> list[tuple[int, str]]:
    """Return (id, name) of a surname's bearers; of those whose first name begins alike, if one
    was typed: the first letter is seldom the wrong one, and a Martin has thousands of namesakes."""
    begins = f"{surname} {first[:1]}" if first else surname
    rows = Member.objects.filter(
        association_id=association_id,
        state=Member.State.ACTIVE,
        name_key__gte=begins,
        name_key__lt=after(begins) if first else after(f"{surname} "),
    ).values_list("pk", "name_key")
    return list(rows[: _BEARERS_AT_MOST if first else _ROWS])


def _surnames(association_id: int) -> list[str]:
    """Return the town's surnames: those known here, and those added since."""
    known = _dictionaries.setdefault(association_id, _Dictionary())
    with known.lock:
        if time.monotonic() - known.read_at > _WHOLE_AGAIN_S:
            known.keys, known.last_id, known.read_at = [], 0, time.monotonic()
        added = Surname.objects.filter(association_id=association_id, pk__gt=known.last_id)
        for pk, key in added.order_by("pk").values_list("pk", "key"):
            known.keys.append(key)
            known.last_id = pk
        return known.keys  # only ever grows, or is another list: safe to read beside the lock


def forget() -> None:
    """Empty what this process knows of surnames (after an erasure, and between tests)."""
    _dictionaries.clear()
