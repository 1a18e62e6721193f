"""All writes of the footfall plane besides intake: figures, ground truth, calibration."""

from chaland.hub.footfall.services.door_rows import CountRow, RowErrorFinal
from chaland.hub.footfall.services.figures import rebuild_figures, refresh_figures
from chaland.hub.footfall.services.truth import (
    Recorded,
    create_door_token,
    delete_door_counts,
    fit_calibration,
    record_door_counts,
    revoke_door_token,
    shop_of_token,
)

__all__ = [
    "CountRow",
    "Recorded",
    "RowErrorFinal",
    "create_door_token",
    "delete_door_counts",
    "fit_calibration",
    "rebuild_figures",
    "record_door_counts",
    "refresh_figures",
    "revoke_door_token",
    "shop_of_token",
]
