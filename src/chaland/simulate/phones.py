"""Invented phones: which model, how often it scans, whether it keeps an address.

Behaviour follows measurements on 22 devices (docs/explanation/simulation.md): median scan rates of
0.65 a minute idle and 0.45 active with a heavy tail between 0.25 and 4, gaps of 60 to 299 s, scans
of 3 to 31 frames over three channels, an address that lives for one burst.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from chaland.simulate.elements import ELEMENT_SETS

SCAN_GAPS_S = (60.0, 120.0, 159.0, 180.0, 270.0, 299.0)
SHORT_GAP_S = (6.0, 18.0)
RATE_RANGE_PER_MINUTE = (0.25, 4.0)
MEDIAN_RATE_IDLE_PER_MINUTE = 0.65
MEDIAN_RATE_ACTIVE_PER_MINUTE = 0.45
_RATE_SIGMA = 0.75
_OLD_PHONE_GAP_S = 4.0


@dataclass(frozen=True)
class PhoneModel:
    """A kind of phone. ``sets`` names its element sets, each with its share of the bursts."""

    name: str
    share: float
    sets: Mapping[str, float]
    frames_per_scan: tuple[int, int]
    bursts_per_scan: int = 1
    old: bool = False


MODELS: tuple[PhoneModel, ...] = (
    PhoneModel("Pomme 15", 13, {"pomme-15": 0.8, "pomme-11-long": 0.2}, (3, 6)),
    PhoneModel("Pomme 14", 10, {"pomme-13": 0.9, "pomme-11-long": 0.1}, (3, 6)),
    PhoneModel("Pomme 13", 11, {"pomme-13": 0.85, "pomme-11-long": 0.15}, (3, 7)),
    PhoneModel("Pomme 12", 7, {"pomme-11": 0.85, "pomme-11-long": 0.15}, (3, 7)),
    PhoneModel("Pomme 11", 8, {"pomme-11": 0.8, "pomme-11-long": 0.2}, (3, 9)),
    PhoneModel("Pomme 8", 3, {"pomme-8": 0.7, "pomme-8-directed": 0.3}, (6, 24)),
    PhoneModel("Pomme 6", 1, {"pomme-old": 1.0}, (6, 18), old=True),
    PhoneModel("Étoile S24", 7, {"etoile-20": 0.8, "etoile-20-directed": 0.2}, (4, 8)),
    PhoneModel("Étoile S21", 6, {"etoile-20": 0.75, "etoile-20-directed": 0.25}, (4, 8)),
    PhoneModel("Étoile A54", 6, {"etoile-m": 1.0}, (6, 12)),
    PhoneModel("Étoile A14", 5, {"etoile-a-vht": 0.6, "etoile-a": 0.4}, (6, 15)),
    PhoneModel("Étoile J6", 2, {"etoile-a": 1.0}, (9, 24), bursts_per_scan=2),
    PhoneModel("Petitriz 12", 4, {"puce-q": 0.7, "puce-q-short": 0.3}, (9, 18), bursts_per_scan=2),
    PhoneModel("Petitriz 9", 3, {"puce-q-old": 1.0}, (9, 21)),
    PhoneModel("Vraiemoi 9", 3, {"puce-q": 0.6, "puce-q-short": 0.4}, (9, 18)),
    PhoneModel("Oppose X5", 2, {"puce-m-he": 0.7, "puce-m": 0.3}, (6, 12)),
    PhoneModel("Moto-vélo G", 2, {"puce-m": 1.0}, (6, 15)),
    PhoneModel("Fleur P30", 2, {"kirin-wps": 0.5, "kirin": 0.5}, (15, 31), bursts_per_scan=2),
    PhoneModel("Honneur 9", 1, {"kirin": 1.0}, (12, 31), old=True),
    PhoneModel("Pixelle 8", 2, {"tenseur-fils": 0.5, "tenseur": 0.5}, (4, 9)),
    PhoneModel("Bavard 2", 0.4, {"bavard": 1.0}, (3, 3), old=True),
    PhoneModel("Portable", 0.8, {"portable": 1.0}, (6, 12)),
    PhoneModel("Montre", 0.8, {"montre": 1.0}, (3, 6)),
)
SET_NAMES: tuple[str, ...] = tuple(sorted(ELEMENT_SETS))
_TALKATIVE = next(i for i, model in enumerate(MODELS) if model.name == "Bavard 2")

MODEL_SHARES: NDArray[np.float64] = np.array([m.share for m in MODELS]) / sum(
    m.share for m in MODELS
)
_FRAMES_MIN = np.array([m.frames_per_scan[0] for m in MODELS], np.int16)
_FRAMES_MAX = np.array([m.frames_per_scan[1] for m in MODELS], np.int16)
BURSTS_PER_SCAN: NDArray[np.int8] = np.array([m.bursts_per_scan for m in MODELS], np.int8)
_OLD = np.array([m.old for m in MODELS])


def _set_choices() -> NDArray[np.float64]:
    """Return the cumulated shares of element sets, shape (models, sets)."""
    shares = np.zeros((len(MODELS), len(SET_NAMES)))
    for row, model in enumerate(MODELS):
        for name, share in model.sets.items():
            shares[row, SET_NAMES.index(name)] = share
    return np.cumsum(shares / shares.sum(1, keepdims=True), axis=1)


_SET_LOOKUP_STEPS = 20
_SET_LOOKUP: NDArray[np.int8] = np.stack(
    [
        np.searchsorted(row, (np.arange(_SET_LOOKUP_STEPS) + 0.5) / _SET_LOOKUP_STEPS)
        for row in _set_choices()
    ]
).astype(np.int8)
"""Shape (models, 20): element sets laid out by their share, in steps of 5 %."""


class Address(IntEnum):
    """What a phone sends as its address."""

    ROTATING = 0  # a new random one for every burst
    ASSOCIATED = 1  # one random address per network name, kept, with data frames
    GLOBAL = 2  # the maker's own, kept everywhere


@dataclass(frozen=True)
class Phones:
    """The phones of one day as arrays, one entry each."""

    model: NDArray[np.int8]
    address: NDArray[np.int8]
    rate_per_minute: NDArray[np.float32]
    gap_s: NDArray[np.float32]
    gap_share: NDArray[np.float32]
    power_db: NDArray[np.float32]
    objects: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.model)


def draw_phones(
    rng: np.random.Generator, associated: NDArray[np.float32], objecting_share: float = 0.0
) -> Phones:
    """Draw one phone for each entry of ``associated``, the chance that it is on a network.

    A phone's mean gap is 60 / rate. It waits its own long gap with ``gap_share``, else a few
    seconds, so that the mean comes out: the long gaps are those seen in the field.
    """
    n = len(associated)
    model = _choose(rng, MODEL_SHARES, n)
    active = rng.random(n, np.float32) < 0.3
    median = np.where(active, MEDIAN_RATE_ACTIVE_PER_MINUTE, MEDIAN_RATE_IDLE_PER_MINUTE)
    spread = np.exp(_RATE_SIGMA * rng.standard_normal(n, np.float32))
    rate = np.clip(median * spread, *RATE_RANGE_PER_MINUTE).astype(np.float32)
    gaps = np.array(SCAN_GAPS_S, np.float32)
    first = np.searchsorted(gaps, 60 / rate)  # a gap at least as long as the mean one
    gap = gaps[first + (rng.random(n, np.float32) * (len(gaps) - first)).astype(np.intp)]
    short = sum(SHORT_GAP_S) / 2
    share = (60 / rate - short) / (gap - short)
    talkative = model == _TALKATIVE
    rate[talkative], gap[talkative], share[talkative] = 60 / _OLD_PHONE_GAP_S, _OLD_PHONE_GAP_S, 1
    kept = np.where(rng.random(n, np.float32) < associated, Address.ASSOCIATED, Address.ROTATING)
    old = _OLD[model] & (rng.random(n, np.float32) < 0.35)
    return Phones(
        model=model,
        address=np.where(old, Address.GLOBAL, kept).astype(np.int8),
        rate_per_minute=rate,
        gap_s=gap,
        gap_share=share.astype(np.float32),
        power_db=(2.5 * rng.standard_normal(n, np.float32)).astype(np.float32),
        objects=rng.random(n, np.float32) < objecting_share,
    )


def _choose(rng: np.random.Generator, shares: NDArray[np.float64], n: int) -> NDArray[np.int8]:
    return np.searchsorted(np.cumsum(shares)[:-1], rng.random(n)).astype(np.int8)


def draw_scans(
    rng: np.random.Generator,
    phones: Phones,
    phone: NDArray[np.int32],
    start_s: NDArray[np.float64],
    end_s: NDArray[np.float64],
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Draw the scans of stays ``[start_s, end_s)`` by ``phone``: (stay index, time), by stay.

    A renewal process in equilibrium: a phone has been scanning before it comes in.
    """
    rate = phones.rate_per_minute[phone]
    # The gap that holds the arrival is longer than a typical one: chosen by its length.
    share = (phones.gap_share[phone] * phones.gap_s[phone] * rate / 60).astype(np.float32)
    first_gap = _gaps(rng, phones.gap_s[phone], share) * rng.random(len(phone))
    time_s: NDArray[np.float64] = start_s + first_gap
    scanned = np.flatnonzero(time_s < end_s)
    stay, later_s = _later_scans(rng, phones, phone[scanned], time_s[scanned], end_s[scanned])
    stays = np.concatenate([scanned, scanned[stay]]).astype(np.int32)
    times_s = np.concatenate([time_s[scanned], later_s])
    order = np.argsort(stays, kind="stable")
    return stays[order], times_s[order]


def _later_scans(
    rng: np.random.Generator,
    phones: Phones,
    phone: NDArray[np.int32],
    first_s: NDArray[np.float64],
    end_s: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Draw the scans after the first one of each stay."""
    expected = phones.rate_per_minute[phone] / 60 * (end_s - first_s)
    tries = np.ceil(expected + 3.5 * np.sqrt(expected) + 2).astype(np.intp)
    stay = np.repeat(np.arange(len(phone)), tries)
    owner = phone[stay]
    elapsed = np.cumsum(_gaps(rng, phones.gap_s[owner], phones.gap_share[owner]))
    before = np.zeros(len(tries))
    before[1:] = elapsed[np.cumsum(tries)[:-1] - 1]
    time_s = elapsed + np.repeat(first_s - before, tries)
    inside = np.flatnonzero(time_s < np.repeat(end_s, tries))
    return stay[inside], time_s[inside]


def _gaps(
    rng: np.random.Generator, gap_s: NDArray[np.float32], share: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Draw one gap each: the long one with ``share``, to one per cent, else a few seconds."""
    low, high = SHORT_GAP_S
    long = gap_s * (1 + 0.01 * rng.standard_normal(len(gap_s), np.float32))
    short = low + (high - low) * rng.random(len(gap_s), np.float32)
    gaps: NDArray[np.float64] = np.where(
        rng.random(len(gap_s), np.float32) < share, long, short
    ).astype(np.float64)
    return gaps


def draw_element_sets(rng: np.random.Generator, model: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return the element set (index in ``SET_NAMES``) of a burst of each given model."""
    step = rng.integers(0, _SET_LOOKUP_STEPS, len(model))
    chosen: NDArray[np.int8] = _SET_LOOKUP[model, step]
    return chosen


def draw_frames_per_scan(rng: np.random.Generator, model: NDArray[np.int8]) -> NDArray[np.int16]:
    """Return the number of frames of a scan over all its channels, 3 to 31."""
    low, high = _FRAMES_MIN[model], _FRAMES_MAX[model]
    return low + (rng.random(len(model), np.float32) * (high - low + 1)).astype(np.int16)
