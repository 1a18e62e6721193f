"""All writes of the footfall plane besides intake: figures, ground truth, calibration."""

from chaland.hub.footfall.services.figures import rebuild_figures, refresh_figures

__all__ = ["rebuild_figures", "refresh_figures"]
