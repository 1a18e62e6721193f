"""The hub's WSGI application, living in the demo town's time, with the demo's own doors."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from chaland.demo.timing import TownClock
from chaland.hub.common import clock
from chaland.hub.site.wsgi import application

__all__ = ["application"]

_STATE = Path(os.environ["CHALAND_STATE_DIR"])


class Notes(dict[str, Any]):
    """What the pages say of the demo; how far its receipts are is asked for each time."""

    @property
    def loading(self) -> datetime | None:
        """Return up to when receipts are loaded; None once all are."""
        from chaland.demo.loyalty import loaded_until  # noqa: PLC0415  # the models are set up now

        return loaded_until(_STATE)


clock.use(TownClock(_STATE).now, real=lambda: datetime.now(UTC))
settings.DEMO_NOTES = Notes(settings.DEMO_NOTES)
settings.ROOT_URLCONF = "chaland.demo.urls"
