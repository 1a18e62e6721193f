"""The hub's WSGI application, living in the demo town's time."""

import os
from pathlib import Path

from chaland.demo.timing import TownClock
from chaland.hub.common import clock
from chaland.hub.site.wsgi import application

__all__ = ["application"]

clock.use(TownClock(Path(os.environ["CHALAND_STATE_DIR"])).now)
