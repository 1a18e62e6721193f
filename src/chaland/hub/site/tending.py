"""The worker: calls what is due each minute; and what starts it again if it dies."""

import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import close_old_connections

from chaland.hub.common import clock

EVERY_S = 60.0
RESTARTS_AFTER_S = 2.0
_LOOKS_EVERY_S = 1.0
_log = logging.getLogger(__name__)


def tend(
    run_due: Callable[[datetime], object], *, once: bool = False, parent: int | None = None
) -> None:
    """Call ``run_due`` now and each minute; ends on SIGTERM or SIGINT, and with ``parent``."""
    ending = told_to_end()
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


def keep_running(command: Sequence[str], parent: int) -> None:
    """Run a command, again and again if it ends; ends on SIGTERM or SIGINT, and with ``parent``.

    It holds nothing and imports little, so what kills the command (its memory, say) spares it.
    """
    ending = told_to_end()
    while os.getppid() == parent and not ending.is_set():
        child = subprocess.Popen(command)
        while child.poll() is None and not ending.wait(_LOOKS_EVERY_S):
            if os.getppid() != parent:
                break
        if child.poll() is None:
            child.terminate()
            child.wait()
            return
        _log.error("the worker ended (%d) and is started again", child.returncode)
        ending.wait(RESTARTS_AFTER_S)


def told_to_end() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    ending = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ending.set())
    return ending
