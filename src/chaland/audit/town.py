"""A small town for the length of an audit: a real hub and real sensors in a folder of their own.

The hub is the shipped one (gunicorn, SQLite files, migrations); each sensor is ``chaland sensor
run --stdin``, a supervisor with its day's process, run by a user without rights in a network whose
only way out is the courier. Needs root: to build that network, and to read their memory.
"""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fcntl import F_SETPIPE_SZ, fcntl, ioctl
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

from chaland.audit import courier
from chaland.audit.courier import COURIER_PORT, HUB_PORT
from chaland.audit.radio import Radio
from chaland.wire.periods import day_bounds, local_day

NOBODY = 65534
"""The user of the sensors: what of a process is closed to its own user shows only so."""
_MAY_READ = "+dac_read_search"  # the interpreter may lie in a folder that is closed to others
_AS_NOBODY = [
    "setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups",
    "--inh-caps", _MAY_READ, "--ambient-caps", _MAY_READ,
]  # fmt: skip
_WITHIN_S = 60.0
EVENING, NIGHT = 20, 2
"""The hour in the audit's town whenever the audit runs: a whole day is past, and not over; at night
its end is less than two hours away, which sensors still take for the present."""
_PIPE_SIZE = 1 << 20

_FOUND = """
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from chaland.hub.association.models import Association, Shop, Zone
for database in settings.DATABASES:
    call_command("migrate", database=database, verbosity=0)
call_command("createcachetable", database="default")
town = Association.objects.create(
    name="Audit", town="Audit", timezone="{timezone}", guide_finished_at=timezone.now())
zone = Zone.objects.create(association=town, name="Halles", slug="halles")
for n in range({shops}):
    Shop.objects.create(association=town, zone=zone, name=f"Shop {{n}}", slug=f"shop-{{n}}")
"""
_CODE = """
from django.utils import timezone
from chaland.hub.association.models import Shop
from chaland.hub.footfall.services.enrolment import create_enrolment_code
print(create_enrolment_code(Shop.objects.get(slug="shop-{shop}").pk, "", timezone.now()))
"""
_CHARTER = """
from django.utils import timezone
from nacl.signing import SigningKey
from chaland.hub.association.models import Association
from chaland.hub.footfall.services.trial import sign_trial_charter
key = SigningKey(bytes.fromhex("{key}"))
print(sign_trial_charter(Association.objects.get().pk, key, timezone.now()).document, end="")
"""


class CouldNotRunFinal(Exception):
    """A check needs what this machine does not allow; the message says what."""


class BrokenFinal(Exception):
    """The software under test did not do what it does every day; a check that needs it fails."""


def until(condition: Callable[[], object], what: str, within_s: float = _WITHIN_S) -> None:
    """Wait for ``condition``. Raises BrokenFinal."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise BrokenFinal(f"{what}: not after {within_s:.0f} s")
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Return the processes that descend from ``pid``."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        text = "".join(task.joinpath("children").read_text() for task in tasks)
    except OSError:
        return []
    found = [int(child) for child in text.split()]
    return [*found, *(each for child in found for each in children(child))]


class Run:
    """One run of a sensor: its supervisor, its day's process, and the radio that they hear."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        theirs, ours = os.pipe()
        fcntl(ours, F_SETPIPE_SZ, _PIPE_SIZE)
        self.log = folder / f"log-{time.monotonic_ns()}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=theirs, stdout=log, stderr=log, env=environment, cwd=folder / "cwd"
            )
        os.close(theirs)
        self._air: IO[bytes] = os.fdopen(ours, "wb", buffering=0)
        self._radio: Radio | None = None
        self._days_seen: set[int] = set()

    @property
    def radio(self) -> Radio:
        """The capture that was begun."""
        if self._radio is None:
            raise BrokenFinal("the radio is not tuned")
        return self._radio

    def tune(self, start_s: int) -> Radio:
        """Begin the capture at ``start_s`` (seconds since the epoch)."""
        self._radio = Radio(self._air, start_s)
        return self._radio

    @property
    def day_pid(self) -> int:
        """The process that sees frames. Raises BrokenFinal if there is none."""
        found = self._days()
        if not found:
            raise BrokenFinal(f"no process of the day runs: {self.said()[-300:]}")
        self._days_seen.update(found)
        return found[0]

    @property
    def left_over(self) -> list[int]:
        """Processes of its days that are still there."""
        return [pid for pid in self._days_seen if b"chaland.sensor.day" in _words(pid)]

    @property
    def has_day(self) -> bool:
        """Whether a process sees frames, or would."""
        return bool(self._days())

    def _days(self) -> list[int]:
        return [pid for pid in children(self.process.pid) if b"chaland.sensor.day" in _words(pid)]

    def pids(self) -> list[int]:
        """Return all processes of this sensor."""
        return [self.process.pid, *children(self.process.pid)]

    @contextmanager
    def frozen(self) -> Iterator[list[int]]:
        """Stop all its processes as they are."""
        pids = self.pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield pids
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def said(self) -> str:
        """Return what it has written on standard output and error."""
        return self.log.read_text(errors="replace")

    def has_ended(self) -> bool:
        """Whether the supervisor has ended."""
        return self.process.poll() is not None

    def feed(self, capture: Path) -> None:
        """Write a whole capture into its pipe."""
        self._air.write(capture.read_bytes())

    def unread(self) -> int:
        """Return how many bytes of the capture nobody has read yet."""
        size = bytearray(4)
        ioctl(self._air.fileno(), termios.FIONREAD, size)
        return int.from_bytes(size, sys.byteorder)

    def close(self, within_s: float = _WITHIN_S) -> int:
        """End the capture and return the supervisor's exit code."""
        self._air.close()
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise BrokenFinal(
                f"the sensor did not end with its capture: {self.said()[-300:]}"
            ) from None

    def kill(self) -> None:
        """End whatever is left."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        with contextlib.suppress(OSError):
            self._air.close()


class Box:
    """A sensor's box: its folder, and runs of its software."""

    def __init__(self, town: "Town", name: str) -> None:
        self._town = town
        self.folder = town.folder / name
        self.state = self.folder / "state"
        for part in ("cwd", "tmp", "home", "state"):
            (self.folder / part).mkdir(parents=True)
            os.chown(self.folder / part, NOBODY, NOBODY)
        self.state.chmod(0o700)

    @property
    def sensor(self) -> str:
        """The name under which it is enrolled."""
        return str(self.config()["sensor"])

    def config(self) -> dict[str, object]:
        """Return the members of its configuration."""
        members: dict[str, object] = json.loads((self.state / "sensor.json").read_text())
        return members

    def configure(self, members: dict[str, object]) -> None:
        """Write its configuration, as a technician may."""
        (self.state / "sensor.json").write_text(json.dumps(members))

    def copy(self, name: str) -> "Box":
        """Return another box with the same state."""
        other = Box(self._town, name)
        for path in self.state.rglob("*"):
            new = other.state / path.relative_to(self.state)
            if path.is_dir():
                new.mkdir(mode=0o700)
            else:
                shutil.copy2(path, new)
            os.chown(new, NOBODY, NOBODY)
        return other

    @property
    def environment(self) -> dict[str, str]:
        own = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp")}
        kept = {name: value for name, value in os.environ.items() if "CHALAND" not in name}
        return kept | own | {"PYTHONDONTWRITEBYTECODE": "1"}

    def command(self, *arguments: str, user: int = NOBODY) -> list[str]:
        """Return the command line of ``chaland sensor``, for nobody in the town's network.

        User 0 runs outside of it, on this machine's interfaces, and does not reach the hub.
        """
        inside = ["nsenter", "-t", str(self._town.courier.pid), "-n", "--"] if user else []
        python = [sys.executable, "-m", "chaland.cli", "sensor", "--state", str(self.state)]
        return [*inside, *(_AS_NOBODY if user else []), *python, *arguments]

    def call(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a sensor's command. Raises BrokenFinal; CouldNotRunFinal: the hub was too slow."""
        for _try in range(2):  # once more, where the hub was too slow to answer
            done = subprocess.run(
                self.command(*arguments), env=self.environment, cwd=self.folder / "cwd",
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            if "Timeout: " not in done.stderr:
                break
        if check and done.returncode != 0:
            kind = CouldNotRunFinal if "Timeout: " in done.stderr else BrokenFinal
            raise kind(f"chaland sensor {arguments[0]}: {done.stderr.strip()[-300:]}")
        return done

    def run(self, *arguments: str, user: int = NOBODY) -> Run:
        """Start the sensor on its pipe of frames (or with other arguments)."""
        command = self.command("run", *(arguments or ("--stdin",)), user=user)
        run = Run(command, self.environment, self.folder)
        self._town.runs.append(run)
        return run


class Town:
    """The hub, the courier, and the boxes. Use as a context; raises CouldNotRunFinal."""

    hub_address = f"http://127.0.0.1:{COURIER_PORT}"

    def __init__(self, folder: Path, shops: int = 2, local_hour: int = EVENING) -> None:
        self.folder = folder
        self._shops = shops
        offset_h = (local_hour - datetime.now(UTC).hour + 12) % 24 - 12
        self.timezone = ZoneInfo(f"Etc/GMT{-offset_h:+d}")  # their signs are the other way round
        self.key = os.urandom(32)
        self.runs: list[Run] = []
        self.post = folder / "post"
        self.hub = folder / "hub"
        for part in (self.post, self.hub):
            part.mkdir(parents=True)
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Town":
        if os.geteuid() != 0:
            raise CouldNotRunFinal("needs root: to read the memory of other processes")
        if shutil.which("unshare") is None or not Path("/dev/net/tun").exists():
            raise CouldNotRunFinal("needs unshare (util-linux) and /dev/net/tun, for a network")
        self.folder.chmod(0o711)
        # Where cores are forbidden already, nobody would see that a sensor does not forbid them.
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        command = ["unshare", "-n", sys.executable, courier.__file__, str(self.post)]
        self.courier = subprocess.Popen(command)
        try:
            until((self.post / "ready").exists, "the courier is ready")
            self.script(_FOUND.format(shops=self._shops, timezone=self.timezone))
            self.serve()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def today_at(self, hour: int) -> int:
        """Return an hour (4 to 19, or 24 + 3) of the town's local day, which goes to 4 o'clock."""
        begin = day_bounds(local_day(datetime.now(UTC), self.timezone), self.timezone)[0]
        return int(begin.timestamp()) + 3600 * (hour - 4)

    def enrol(self, shop: int = 0) -> Box:
        """Return a new box, enrolled as a sensor of a shop."""
        box = Box(self, f"box-{shop}-{time.monotonic_ns()}")
        code = self.script(_CODE.format(shop=shop)).strip()
        box.call("enroll", "--hub", self.hub_address, "--code", code)
        return box

    def sign_charter(self, *boxes: Box) -> bytes:
        """Sign the town's charter off the hub, let the hub have it, and pin it on the boxes."""
        document = self.script(_CHARTER.format(key=self.key.hex())).encode()
        for box in boxes:
            box_charter = box.state / "charter.json"
            box_charter.write_bytes(document)
            os.chown(box_charter, NOBODY, NOBODY)
        return document

    @property
    def hub_environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if "CHALAND" not in name}
        settings = {"DJANGO_SETTINGS_MODULE": "chaland.hub.site.settings"}
        places = {"CHALAND_STATE_DIR": str(self.hub), "HOME": str(self.hub)}
        return kept | settings | places

    def script(self, text: str, planes: str = "") -> str:
        """Run a script in the hub (serving these planes); return what it printed. BrokenFinal."""
        environment = self.hub_environment | ({"CHALAND_PLANES": planes} if planes else {})
        done = subprocess.run(
            [sys.executable, "-c", "import django; django.setup()\n" + text],
            env=environment, cwd=self.hub, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise BrokenFinal(f"the hub refused: {done.stderr.strip()[-600:]}")
        return done.stdout

    def inside(
        self, function: str, module: str = "inside", planes: str = "", **arguments: object
    ) -> dict[str, Any]:
        """Call a function of ``inside`` (or ``published``) in the hub. Raises BrokenFinal."""
        said = self.script(
            f"import json\nfrom chaland.audit import {module}\n"
            f"given = json.loads({json.dumps(arguments)!r})\n"
            f"print(json.dumps({module}.{function}(**given)))",
            planes,
        )
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found

    def serve(self) -> None:
        """Start the hub's server."""
        with (self.hub / "log").open("ab") as log:
            self._server = subprocess.Popen(
                ["nsenter", "-t", str(self.courier.pid), "-n", "--", sys.executable, "-m",
                 "gunicorn", "chaland.hub.site.wsgi:application", f"--bind=127.0.0.1:{HUB_PORT}",
                 "--workers=1", "--threads=4", "--worker-class=gthread", "--access-logfile=-"],
                env=self.hub_environment, cwd=self.hub, stdout=log, stderr=log,
            )  # fmt: skip
        until(lambda: b"Listening at" in (self.hub / "log").read_bytes(), "the hub answers")

    def end(self) -> None:
        """End all processes of the town."""
        for run in self.runs:
            if not run.has_ended():
                run.kill()
        for process in (self._server, self.courier):
            if process is not None and process.poll() is None:
                for pid in [*children(process.pid), process.pid]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                process.wait()


def _words(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
