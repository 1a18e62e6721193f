"""Cells into people present, by the shop's calibration or, without one, by the default model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chaland.hub.footfall import estimates
from chaland.hub.footfall.cells import Cells
from chaland.hub.footfall.estimates import Stay
from chaland.hub.footfall.hours import Floats
from chaland.hub.footfall.models import Calibration

FEATURES = ("fingerprints", "scans")
MODES = ("default", "strict")


@dataclass(frozen=True)
class Model:
    """People per feature in one mode.

    ``scale_error`` is the relative error that all of people present share, ``day_error`` that of
    one day's; ``held_out_error`` is None without a calibration, ``stay`` where nobody counted who
    came in.
    """

    coefficients: Mapping[str, float]
    residual_sd: float
    scale_error: float
    day_error: float
    held_out_error: float | None = None
    stay: Stay | None = None

    @property
    def noise_alone(self) -> "Model":
        """Return the model as if the release noise were its only error."""
        return Model({**self.coefficients, "signal_error": 0.0}, 0.0, 0.0, 0.0)


UNKNOWN_SCALE = 0.5
"""The relative error of the default model, one fits-all factor for every shop and radio."""


def latest_calibrations(shop_ids: Sequence[int]) -> dict[tuple[int, str], Calibration]:
    """Return the newest calibration of each (shop, mode)."""
    rows = Calibration.objects.filter(shop_id__in=shop_ids).order_by("fitted_at", "pk")
    return {(row.shop_id, row.mode): row for row in rows}


def models_of(shop_ids: Sequence[int]) -> dict[int, dict[str, Model]]:
    """Return each shop's model for each mode."""
    calibrations = latest_calibrations(shop_ids)
    return {
        shop_id: {mode: model(calibrations.get((shop_id, mode)), mode) for mode in MODES}
        for shop_id in shop_ids
    }


def model(calibration: Calibration | None, mode: str) -> Model:
    """Return a calibration's model, or the default one of the mode."""
    if calibration is None:
        return Model(estimates.DEFAULT_COEFFICIENTS[mode], 0.0, UNKNOWN_SCALE, 0.0)
    return Model(
        calibration.coefficients,
        calibration.residual_sd,
        calibration.scale_error,
        calibration.day_error,
        calibration.held_out_error,
        Stay(**calibration.stay) if calibration.stay else None,
    )


def mode_of(cells: Cells) -> str:
    """Return the mode in which most of the observed quarter hours were made."""
    observed = cells.windows > 0
    strict = np.isnan(cells.counts["fingerprints"]) & observed
    return "strict" if 2 * strict.sum() > observed.sum() else "default"


def present(cells: Cells, models: Mapping[str, Model]) -> tuple[Floats, Floats]:
    """Return mean people present and its variance, (n,) each; NaN where nobody listened.

    Never cut off at 0: the sum of cut values would be too high.
    """
    mean = np.full(len(cells.start_s), np.nan)
    variance = np.full(len(cells.start_s), np.nan)
    strict = np.isnan(cells.counts["fingerprints"])
    for mode, mask in (("default", ~strict), ("strict", strict)):
        if mask.any():
            mean[mask], variance[mask] = estimates.occupancy(
                {name: cells.counts[name][mask] for name in FEATURES},
                cells.windows[mask].astype(np.float64),
                {name: cells.scales[name][mask] for name in FEATURES},
                models[mode].coefficients,
                models[mode].residual_sd,
            )
    return mean, variance


def noise_of(cells: Cells, models: Mapping[str, Model]) -> Floats:
    """Return the variance of people present that the release noise alone makes, (n,)."""
    return present(cells, {mode: model.noise_alone for mode, model in models.items()})[1]
