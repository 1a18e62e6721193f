"""The sensor's status: written by the supervisor, read by ``chaland sensor status``.

Made of the process and of beacons only: no number in it derives from a phone.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from chaland.sensor.charter import Refusal
from chaland.sensor.uplink.exchanging import Exchanger
from chaland.sensor.uplink.spool import Spool
from chaland.sensor.uplink.upload import UploadHealth
from chaland.wire.fields import Fields, load

FORMAT = "chaland.status/1"
MAX_BYTES = 65_536
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
    refusal: str = ""
    """Why the sensor does not listen; "" while it may."""
    town_key: str = ""
    charter_version: int = 0
    ends_on: str = ""
    town_key_held: str = ""
    """Name of the town's key of the day that the day's process has; it is no secret."""
    exchanged_at: str = ""
    exchange_problem: str = ""
    charter_problem: str = ""
    button_at: str = ""
    """When a press of the button was last answered."""
    button_refusal: str = ""
    """Why that press did nothing; "" where it was passed on to the day's process."""
    presses: int = 0
    presses_on: str = ""
    """Presses passed on, on the local day ``presses_on``."""
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


def gather(status: Status, spool: Spool, upload: UploadHealth, exchanger: Exchanger) -> None:
    """Copy into the status what spool, upload and exchange know."""
    charter, exchange = exchanger.store.charter, exchanger.health
    status.queued, status.parked = len(spool.pending()), len(spool.parked())
    status.last_accepted_at = _text(upload.last_accepted_at)
    status.upload_problem, status.clock_skew_s = upload.last_problem, upload.skew_s
    status.drops = {str(reason): count for reason, count in spool.drops.items()}
    status.answers = dict(upload.answers)
    status.town_key, status.town_key_held = exchanger.store.town_key, exchanger.holds
    status.charter_version = charter.version if charter else 0
    status.ends_on = charter.ends_on.isoformat() if charter else ""
    status.exchanged_at, status.exchange_problem = _text(exchange.last_at), exchange.last_problem
    status.charter_problem = exchange.charter_problem


def _text(instant: datetime | None) -> str:
    return instant.isoformat(timespec="seconds") if instant else ""


def first_status(path: Path) -> Status:
    """Return the status of a supervisor that begins. A restart allows no more presses a day."""
    before = read_status(path) or Status(0)
    return Status(
        os.getpid(), message="starting", presses=before.presses, presses_on=before.presses_on
    )


def read_status(path: Path) -> Status | None:
    """Return the last status written; None when there is none, or none that this version reads."""
    try:
        fields = load(path.read_bytes(), MAX_BYTES)
        fields.expect("format", FORMAT)
        return _status(fields)
    except (OSError, ValueError):  # WireErrorFinal, or a time that is none
        return None


def _status(fields: Fields) -> Status:
    """Read a status, each member of the kind that it has in a new one."""
    like = asdict(Status(0)) | {"clock_skew_s": 0.0}
    stored = {name: fields.take(name) for name in like}
    fields.done()
    for name, value in stored.items():
        kinds = {type(like[name]), type(None)} if name == "clock_skew_s" else {type(like[name])}
        if type(value) not in kinds:
            raise fields.refuse(name, f"is no {type(like[name]).__name__}")
        if isinstance(value, dict) and not all(type(count) is int for count in value.values()):
            raise fields.refuse(name, "must hold whole numbers")
    status = Status(**stored)  # type: ignore[arg-type]  # each was looked at just now
    if datetime.fromisoformat(status.at).tzinfo is None:
        raise fields.refuse("at", "must name its time zone")
    if status.refusal:
        Refusal(status.refusal)
    return status
