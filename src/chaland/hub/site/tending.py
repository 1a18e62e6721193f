"""The worker's loop: calls what is due each minute, until it is told to end."""

import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import close_old_connections

from chaland.hub.common import clock

EVERY_S = 60.0
_LOOKS_EVERY_S = 1.0


def tend(
    run_due: Callable[[datetime], object], *, once: bool = False, parent: int | None = None
) -> None:
    """Call ``run_due`` now and each minute; ends on SIGTERM or SIGINT, and with ``parent``."""
    ending = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ending.set())
    while not ending.is_set():
        close_old_connections()
        run_due(clock.now())
        close_old_connections()
        if once:
            return
        waited = 0.0
        while waited < EVERY_S and not ending.wait(_LOOKS_EVERY_S):
            waited += _LOOKS_EVERY_S
            if parent is not None and os.getppid() != parent:
                return
