"""Estimators of a crowd's size without calibration on the spot, judged on other phones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bench.field.labelled import Devices, counts
from chaland.hub.footfall import estimates

SIZES = (10, 20, 30, 50, 100)
LEARNED_FROM = (10, 30)
SCALES = {"fingerprints": 5.0, "scans": 20.0}

Counts = Mapping[str, float]


def _combined(found: Counts) -> float:
    """The product's signal, with the release noise's scales deciding what is a crowd."""
    joint = {name: np.array([found[name]]) for name in SCALES}
    return float(estimates.signal(joint, np.array([3.0]), SCALES).value[0])


ESTIMATORS: Mapping[str, Callable[[Counts], float]] = {
    "distinct addresses": lambda found: found["addresses"],
    "fingerprints": lambda found: found["fingerprints"],
    "scan rate": lambda found: found["scans"],
    "combined (default)": _combined,
    "strict": lambda found: found["strict"],
}


@dataclass(frozen=True)
class Mix:
    """One crowd: which split of the devices, whether of the learning half, size, counts."""

    split: int
    learns: bool
    size: int
    counts: Counts


@dataclass(frozen=True)
class Error:
    """Mean relative error, and mean absolute relative error, over all splits' test crowds."""

    bias: float
    mape: float


def mix(
    phones: Devices, splits: int, mixes: int, sizes: tuple[int, ...] = SIZES, seed: int = 7
) -> list[Mix]:
    """Split the devices in halves at random, and mix crowds of each half."""
    made = []
    for split, rng in enumerate(np.random.default_rng(seed).spawn(splits)):
        names = rng.permutation(sorted(phones))
        half = len(names) // 2
        for learns, chosen in ((True, names[:half]), (False, names[half:])):
            devices = {str(name): phones[str(name)] for name in chosen}
            for size in LEARNED_FROM if learns else sizes:
                made += [Mix(split, learns, size, counts(devices, size, rng)) for _ in range(mixes)]
    return made


def judge(mixes: list[Mix]) -> dict[str, dict[int, Error]]:
    """Learn each estimator's people per count on one half, and judge it on the other."""
    judged: dict[str, dict[int, Error]] = {}
    for name, estimator in ESTIMATORS.items():
        errors: dict[int, list[float]] = {}
        for split in {m.split for m in mixes}:
            half = [m for m in mixes if m.split == split]
            ratios = [m.size / estimator(m.counts) for m in half if m.learns]
            scale = float(np.exp(np.mean(np.log(ratios))))
            for m in half:
                if not m.learns:
                    error = scale * estimator(m.counts) / m.size - 1
                    errors.setdefault(m.size, []).append(error)
        judged[name] = {
            size: Error(float(np.mean(e)), float(np.mean(np.abs(e)))) for size, e in errors.items()
        }
    return judged
