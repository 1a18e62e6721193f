"""What the supervisor tells: sentences in the log, and the status that a technician asks for."""

import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from chaland.sensor.status import STATUS_EVERY_S, Status, first_status, gather
from chaland.sensor.uplink.exchanging import Exchanger
from chaland.sensor.uplink.spool import Spool
from chaland.sensor.uplink.upload import UploadHealth


class Telling:
    """The log, and ``status``, which is gathered and written anew now and then."""

    def __init__(
        self,
        path: Path,
        spool: Spool,
        upload: UploadHealth,
        exchanger: Exchanger,
        now: Callable[[], datetime],
    ) -> None:
        self.status: Status = first_status(path)
        self._path, self._now = path, now
        self._spool, self._upload, self._exchanger = spool, upload, exchanger
        self._written_s = 0.0

    def say(self, message: str) -> None:
        """Write a sentence to the log."""
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()

    def say_status(self, message: str) -> None:
        """Make a sentence that of the status; the log has it once."""
        if message != self.status.message:
            self.say(message)
        self.status.message = message
        self.write()

    def write(self) -> None:
        """Write the status as all is now."""
        self.status.at = self._now().isoformat(timespec="seconds")
        gather(self.status, self._spool, self._upload, self._exchanger)
        self._written_s = time.monotonic()
        try:
            self.status.write(self._path)
        except OSError as error:
            self.say(f"the status can't be written ({error}): make room on the disk")

    def write_when_due(self) -> None:
        """Write the status if it was not for STATUS_EVERY_S."""
        if time.monotonic() - self._written_s >= STATUS_EVERY_S:
            self.write()
