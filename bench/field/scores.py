"""Errors of estimates against counted people, with the names that bench and tests use."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BUSY = 5.0


@dataclass(frozen=True)
class Score:
    """Mean absolute error in people, correlation, and both errors where 5 people or more were."""

    mae: float
    r: float
    mae_busy: float
    mape_busy: float


def score(estimate: Floats, truth: Floats) -> Score:
    """Compare estimates with the truth, (n,) each."""
    error = np.abs(estimate - truth)
    busy = truth >= BUSY
    return Score(
        float(error.mean()),
        float(np.corrcoef(estimate, truth)[0, 1]),
        float(error[busy].mean()),
        float((error[busy] / truth[busy]).mean()),
    )


def mean(scores: list[Score]) -> Score:
    """Average scores over draws of the noise."""
    columns = np.array([(s.mae, s.r, s.mae_busy, s.mape_busy) for s in scores]).mean(axis=0)
    return Score(*map(float, columns))
