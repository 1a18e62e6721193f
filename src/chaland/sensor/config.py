"""What a sensor's box knows of itself: its place in a town, its gates, and its key."""

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
from nacl.signing import SigningKey

from chaland.sensor.uplink.durable import sync_directory, write_whole
from chaland.wire.errors import WireErrorFinal
from chaland.wire.fields import Fields, load
from chaland.wire.signature import sensor_identifier
from chaland.wire.summary import SENSOR_PATTERN, Mode

FORMAT = "chaland.sensor/1"
CONFIG_NAME, KEY_NAME, NEW_KEY_NAME = "sensor.json", "key", "key.new"
SPOOL_NAME, STATUS_NAME = "spool", "status.json"
MAX_BYTES = 65_536
DEFAULT_STATE_DIR = Path("/var/lib/chaland-sensor")

_KEY = re.compile(r"[0-9a-f]{64}\n?")
_FINGERPRINT = re.compile(r"(?:[a-z2-7]{4}(?:-[a-z2-7]{4}){3})?")
_ANY_TEXT = re.compile(r"[^\x00-\x1f]{1,200}")


class ConfigErrorFinal(Exception):
    """The box is not set up as it must be; the message names file and field."""


@dataclass(frozen=True, slots=True)
class SensorConfig:
    """``sensor.json``: written by enrolment; the technician may edit mode and gates.

    ``rssi_visitor_dbm`` and ``rssi_passer_by_dbm`` are the signals from which a device counts as
    inside, or as passing by; a walk test sets them. ``town_key`` is the fingerprint of the key that
    must have signed the town's charter; "" until the first charter came.
    """

    hub: str
    sensor: str
    shop: str
    timezone: str
    simulated: bool = False
    mode: Mode = Mode.DEFAULT
    rssi_visitor_dbm: int = -70
    rssi_passer_by_dbm: int = -85
    town_key: str = ""


def load_config(state_dir: Path) -> SensorConfig:
    """Read ``sensor.json``. Raises ConfigErrorFinal naming file and field."""
    path = state_dir / CONFIG_NAME
    try:
        return _config(load(path.read_bytes(), MAX_BYTES, "utf-8"))
    except FileNotFoundError:
        raise ConfigErrorFinal(
            f"{path}: this box is not enrolled: run chaland sensor enroll --hub URL --code CODE"
        ) from None
    except OSError as error:
        raise _unreadable(path, error) from None
    except WireErrorFinal as error:
        problem = error.problem if error.field == "message" else str(error)
        raise ConfigErrorFinal(f"{path}: {problem}: correct it") from None


def save_config(state_dir: Path, config: SensorConfig) -> None:
    """Write ``sensor.json``, readable by people."""
    members = {"format": FORMAT} | asdict(config)
    text = json.dumps(members, indent=2, ensure_ascii=False) + "\n"
    write_whole(state_dir / CONFIG_NAME, text.encode("utf-8"))


def normal_fingerprint(typed: str) -> str:
    """Return a town key's fingerprint as typed from a poster, in its one spelling.

    Raises ConfigErrorFinal when it can't be one.
    """
    letters = re.sub(r"[\s-]", "", typed).lower()
    fingerprint = "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))
    if not fingerprint or not _FINGERPRINT.fullmatch(fingerprint):
        raise ConfigErrorFinal(
            f"--town-key: {typed!r} is no fingerprint: 16 letters a-z or digits 2-7, as on the "
            "poster (abcd-efgh-ijkl-mnop)"
        )
    return fingerprint


def load_key(state_dir: Path, sensor: str) -> SigningKey:
    """Read the box's key, which must make the sensor's name. Raises ConfigErrorFinal."""
    path = state_dir / KEY_NAME
    key = read_key(path)
    if key is None:
        raise ConfigErrorFinal(f"{path}: the key is missing: run chaland sensor enroll --replace")
    if sensor_identifier(bytes(key.verify_key)) != sensor:
        raise ConfigErrorFinal(
            f"{path}: is not the key of sensor {sensor}: run chaland sensor enroll --replace"
        )
    return key


def read_key(path: Path) -> SigningKey | None:
    """Read a key file; None if there is none. Raises ConfigErrorFinal if others may read it."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from None
    if mode & 0o077:
        raise ConfigErrorFinal(
            f"{path}: others may read this key (mode {mode & 0o777:o}): if nobody did, chmod 600 "
            f"{path}; otherwise run chaland sensor enroll --replace"
        )
    if not _KEY.fullmatch(text):
        raise ConfigErrorFinal(f"{path}: is not a key: run chaland sensor enroll --replace")
    return SigningKey(bytes.fromhex(text.strip()))


def make_key(path: Path) -> SigningKey:
    """Make a key on this box, durably, readable by its owner only. It never leaves the box."""
    key = SigningKey.generate()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(bytes(key).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync_directory(path.parent)
    return key


def _unreadable(path: Path, error: OSError) -> ConfigErrorFinal:
    return ConfigErrorFinal(
        f"{path}: can't be read ({error.strerror}): run as the sensor's user, and check the disk"
    )


def _config(fields: Fields) -> SensorConfig:
    if fields.take("format") != FORMAT:
        raise fields.refuse("format", f"must be {FORMAT}")
    config = SensorConfig(
        hub=fields.text("hub", re.compile(r"https?://\S{1,200}"), "a URL"),
        sensor=fields.text("sensor", SENSOR_PATTERN, "16 letters a-z or digits 2-7"),
        shop=fields.text("shop", _ANY_TEXT, "a text"),
        timezone=fields.text("timezone", _ANY_TEXT, "the name of a time zone"),
        simulated=fields.boolean("simulated"),
        mode=fields.choice("mode", Mode),
        rssi_visitor_dbm=fields.integer("rssi_visitor_dbm", -95, -20),
        rssi_passer_by_dbm=fields.integer("rssi_passer_by_dbm", -100, -20),
        town_key=fields.text("town_key", _FINGERPRINT, "abcd-efgh-ijkl-mnop, or empty"),
    )
    fields.done()
    if config.rssi_passer_by_dbm > config.rssi_visitor_dbm:
        raise fields.refuse("rssi_passer_by_dbm", "must not be above rssi_visitor_dbm")
    known_timezone(config.timezone)
    try:
        httpx.URL(config.hub)
    except httpx.InvalidURL as error:
        raise fields.refuse("hub", f"must be a URL ({error})") from None
    return config


def known_timezone(name: str) -> ZoneInfo:
    """Return the time zone. Raises WireErrorFinal when this machine has none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "America" is a folder of zones
        raise WireErrorFinal("timezone", f"{name!r} is unknown here (install tzdata)") from None
