"""The sensor's status: written by the supervisor, read by ``chaland sensor status``.

Made of the process and of beacons only: no number in it derives from a phone.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

FORMAT = "chaland.status/1"
STALE_S = 60.0
"""The supervisor writes every STATUS_EVERY_S; a status this old means that none runs."""
STATUS_EVERY_S = 10.0


@dataclass(slots=True)
class Status:
    """What the supervisor knows, for the technician. Times are ISO texts in UTC."""

    pid: int
    at: str = ""
    state: str = "ok"
    message: str = ""
    last_cell: str = ""
    restarts: int = 0
    queued: int = 0
    parked: int = 0
    last_accepted_at: str = ""
    upload_problem: str = ""
    clock_skew_s: float | None = None
    drops: dict[str, int] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Replace the status file; not synced: after a power cut it is stale anyway."""
        new = path.with_name(path.name + ".new")
        new.write_text(json.dumps({"format": FORMAT} | asdict(self), indent=2), encoding="utf-8")
        os.replace(new, path)


def read_status(path: Path) -> Status | None:
    """Return the last status written; None when there is none, or it is of another version."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored.pop("format") != FORMAT:
            return None
        return Status(**stored)
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return None
