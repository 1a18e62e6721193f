"""The button beside the sensor: ``chaland sensor forget`` tells the supervisor, which may refuse.

A GPIO button, or whatever else a shop has, runs that command.
"""

import os
import signal
import time
from datetime import date
from pathlib import Path

from chaland.sensor.config import SPOOL_NAME, STATUS_NAME
from chaland.sensor.status import Status, read_status
from chaland.wire.mechanism import DEFAULT_MECHANISM

HEARD_WITHIN_S = 15.0
"""The supervisor may be waiting for the hub's answer just now."""
_POLL_S = 0.05


class ButtonErrorFinal(Exception):
    """The button did nothing; the message says why and what to do."""


def press(state: Path) -> None:
    """Tell the sensor of a state folder to forget what is near; return when it does.

    Raises ButtonErrorFinal when no sensor runs there, none listens, it may not be told, or it
    refuses.
    """
    status = read_status(state / STATUS_NAME)
    if status is None or not _runs(status, state):
        raise ButtonErrorFinal("no sensor runs here, so nothing is heard, and nothing to forget")
    if status.refusal:
        raise ButtonErrorFinal(
            f"the sensor does not listen ({status.refusal}), so there is nothing to forget"
        )
    try:
        os.kill(status.pid, signal.SIGUSR1)
    except PermissionError:
        raise ButtonErrorFinal("this user may not tell the sensor: run it as its user") from None
    deadline_s = time.monotonic() + HEARD_WITHIN_S
    while time.monotonic() < deadline_s:
        now = read_status(state / STATUS_NAME)
        if now and now.button_at != status.button_at:
            if now.button_refusal:
                raise ButtonErrorFinal(now.button_refusal)
            return
        time.sleep(_POLL_S)
    raise ButtonErrorFinal("the sensor did not answer: look at chaland sensor status")


def refuse_press(status: Status, day: date, *, listens: bool) -> str:
    """Count a press in the supervisor's status; return why it is refused, "" if it is not.

    ``day``: the local day of the process that ``listens``.
    """
    if not listens:
        return "nothing listens just now, so nothing was forgotten: press again in a minute"
    if status.presses_on != day.isoformat():
        status.presses_on, status.presses = day.isoformat(), 0
    at_most = DEFAULT_MECHANISM.objection.presses_in_a_day
    if status.presses >= at_most:
        return (
            f"the button was pressed {at_most} times since 04:00, and a day takes no more, lest it "
            "tell who was here; look for the objection network instead, as the notice says"
        )
    status.presses += 1
    return ""


def _runs(status: Status, state: Path) -> bool:
    """Tell whether the process that wrote the status is the one that has the spool locked.

    A number alone could be another process's by now.
    """
    try:
        lock = (state / SPOOL_NAME / "lock").stat().st_ino
        locks = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return False
    # 12: FLOCK  ADVISORY  WRITE 4711 fd:01:131091 0 EOF
    rows = (line.split() for line in locks.splitlines())
    return any(
        row[-5:-3] == ["WRITE", str(status.pid)] and row[-3].split(":")[-1] == str(lock)
        for row in rows
    )
