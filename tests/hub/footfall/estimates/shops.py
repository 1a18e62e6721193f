"""Shops with a known truth, for tests of calibration: people, what a sensor releases, days."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SCALES = {"fingerprints": 5.0, "scans": 20.0}
CELLS_A_DAY = 40
OPEN_CELLS = slice(4, 36)


@dataclass(frozen=True)
class Shop:
    """Cells of consecutive days: truth and released counts, (n,) each."""

    truth: Floats
    counts: dict[str, Floats]
    windows: Floats
    day: NDArray[np.int64]
    start_s: NDArray[np.int64]


def shop(
    rng: np.random.Generator,
    days: int,
    busy: float = 12.0,
    per_person: float = 4.2,
    background: float = 0.0,
    day_sd: float = 0.12,
    noise: bool = True,
) -> Shop:
    """Draw a shop: people wander around ``busy`` while open, phones differ from day to day.

    ``per_person`` is fingerprint-minutes a person and cell, ``background`` what is heard from
    outside at all hours, ``day_sd`` the relative spread of the days' phones.
    """
    shape = (days, CELLS_A_DAY)
    drift = np.cumsum(rng.normal(0, 0.15, shape), axis=1) + rng.normal(0, 0.3, (days, 1))
    people = np.zeros(shape)
    people[:, OPEN_CELLS] = busy * np.exp(drift[:, OPEN_CELLS] * 0.5)
    loudness = np.exp(rng.normal(0, day_sd, (days, 1)))
    heard = rng.poisson(per_person * people * loudness + background).astype(float)
    counts = {"fingerprints": heard, "scans": rng.poisson(1.4 * heard).astype(float)}
    if noise:
        counts = {
            name: count + rng.laplace(0, SCALES[name], shape).round()
            for name, count in counts.items()
        }
    number = np.repeat(np.arange(days), CELLS_A_DAY)
    start_s = 86_400 * number + 900 * np.tile(np.arange(CELLS_A_DAY), days)
    return Shop(
        people.ravel(),
        {name: count.ravel() for name, count in counts.items()},
        np.full(number.size, 3.0),
        number,
        start_s,
    )
