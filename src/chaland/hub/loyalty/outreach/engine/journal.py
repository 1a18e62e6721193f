"""What left this machine, written beside the database: it survives a killed worker, and a database
that comes back from a back-up.

* The flight, a file of each worker, held locked as long as it lives: a line before a message goes,
  a line with its outcome, emptied when both are in the database. Of a killed worker it says which
  messages were never drawn (they are ready again), which have an outcome, and which single one is
  unknown. After a power cut (another boot) its last lines may be missing: then it proves nothing.
* The index, an SQLite file of all workers of this machine: each key that was handed over, until
  its message is out of date anyway. What is claimed is looked up there: a database that was put
  back believes old messages ready, the index knows better.
* Its name and how far the database had counted (`engine.machines`): a database that was put back
  has counted less.
* The origin, an empty file whose time of change is noted in the index. A journal that was copied
  back together with the database has another one: then nothing is known of what left in between,
  and the journal is suspect until a person says otherwise.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from chaland.hub.loyalty.outreach.shapes import Outcome, Result

_TABLES = """
CREATE TABLE IF NOT EXISTS handed (
    key BLOB PRIMARY KEY, result TEXT, provider_id TEXT, segments INT, cost INT, code TEXT,
    until INT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS handed_until ON handed (until);
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
KEPT = timedelta(days=2)
"""Beyond the instant from which a message isn't sent any more."""
_BUSY_S = 20
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_BLOCKS = (Result.ACCEPTED, Result.UNKNOWN)
"""Results after which a message may be at the other side."""


@dataclass(frozen=True, slots=True)
class Flight:
    """What a worker left behind. ``whole``: what it doesn't name was never drawn."""

    worker: UUID
    whole: bool
    outcomes: dict[UUID, Outcome]
    """Of each message that was drawn; ``UNKNOWN`` where nothing more is said."""


class Journal:
    """A worker's access to the journal; it holds the worker's life's lock. Close it."""

    def __init__(self, folder: Path, now: datetime, sent_before: Callable[[], bool]) -> None:
        """Open or begin the journal in ``folder``. ``sent_before`` says whether the database
        knows of messages that left: then a journal that begins now has been lost."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        with _alone(folder):  # several workers may start in the same second
            self._index = sqlite3.connect(
                folder / "handed.sqlite3", timeout=_BUSY_S, isolation_level=None
            )
            self._index.execute("PRAGMA journal_mode=WAL")
            self._index.execute("PRAGMA synchronous=NORMAL")
            self._index.executescript(_TABLES)
            self._check_origin(now, sent_before)
            self.worker = uuid4()
            self._flight, self._head = self._take_off()

    def _check_origin(self, now: datetime, sent_before: Callable[[], bool]) -> None:
        """Begin the journal, or see whether it is still the one that was begun here."""
        origin = self._folder / "origin"
        noted = self._fact("origin")
        there = str(origin.stat().st_ctime_ns) if origin.exists() else ""
        if noted is None or noted != there:
            origin.touch(mode=0o600)
            self._note("origin", str(origin.stat().st_ctime_ns))
            self._forget("name", "count", "seen", "others", "away")
            if noted is not None or sent_before():
                self._note("suspect", now.isoformat())
        if self._fact("name") is None:
            self._note("name", uuid4().hex)

    def _take_off(self) -> tuple[int, int]:
        """Make the flight under another name, lock it, and only then show it to others."""
        made = self._folder / f"{self.worker.hex}.new"
        descriptor = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        head = os.write(descriptor, f"{_boot()}\n".encode())
        made.rename(self._path(self.worker))
        return descriptor, head

    def _path(self, worker: UUID) -> Path:
        return self._folder / f"{worker.hex}.flight"

    def drawn(self, key: UUID) -> None:
        """Write down that a message is about to go."""
        os.write(self._flight, f"D\t{key.hex}\n".encode())

    def said(self, outcome: Outcome) -> None:
        """Write down what became of a message."""
        told = (outcome.result, outcome.provider_id, outcome.code, outcome.segments)
        more = (outcome.cost_microcents, int(outcome.bad_address))
        line = "\t".join(_plain(part) for part in (*told, *more))
        os.write(self._flight, f"O\t{outcome.key}\t{line}\n".encode())

    def keep(self, outcomes: Mapping[UUID, Outcome], until: datetime) -> None:
        """Put into the index what may be at the other side."""
        kept = int((until + KEPT).timestamp())
        rows = [
            (key.bytes, o.result, o.provider_id, o.segments, o.cost_microcents, o.code, kept)
            for key, o in outcomes.items()
            if o.result in _BLOCKS
        ]
        self._index.execute("BEGIN IMMEDIATE")
        self._index.executemany("INSERT OR REPLACE INTO handed VALUES (?,?,?,?,?,?,?)", rows)
        self._index.execute("COMMIT")

    def landed(self) -> None:
        """Empty the flight: all of it is in the database and in the index."""
        os.ftruncate(self._flight, self._head)

    def known(self, keys: Sequence[UUID]) -> dict[UUID, Outcome]:
        """Return what the index says of keys; of most: nothing."""
        places = ",".join("?" * len(keys))
        asked = "SELECT key, result, provider_id, code, segments, cost FROM handed WHERE key IN "
        rows = self._index.execute(f"{asked}({places})", [key.bytes for key in keys])
        return {
            UUID(bytes=key): Outcome(UUID(bytes=key).hex, Result(result), *rest)
            for key, result, *rest in rows
        }

    def crashed(self) -> Iterator[Flight]:
        """Yield the flight of each worker of this machine that is dead; its file goes when the next
        one is asked for, so what is done in between is done again if this worker dies, too."""
        for path in sorted(self._folder.glob("*.flight")):
            if path == self._path(self.worker):
                continue
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue  # it lives
                if os.fstat(file.fileno()).st_nlink:
                    yield _read(UUID(path.stem), file.read().decode())
                    path.unlink()

    @property
    def name(self) -> UUID:
        """By what the database knows this machine."""
        return UUID(self._fact("name") or "")

    @property
    def count(self) -> int | None:
        """How far the database had counted for this machine; None: it was never asked."""
        noted = self._fact("count")
        return int(noted) if noted else None

    def note_count(self, count: int) -> None:
        """Note how far the database counted; of several workers the last one's holds."""
        sql = "INSERT INTO fact VALUES ('count', ?) ON CONFLICT (name) DO UPDATE SET value ="
        self._index.execute(f"{sql} MAX(CAST(value AS INT), excluded.value)", (count,))

    def time(self, name: str) -> datetime | None:
        """Return an instant that was noted."""
        noted = self._fact(name)
        return datetime.fromisoformat(noted) if noted else None

    def note_time(self, name: str, at: datetime | None) -> None:
        """Note an instant, or (None) that there is none."""
        if at is None:
            self._forget(name)
        else:
            self._note(name, at.isoformat())

    @property
    def suspect_since(self) -> datetime | None:
        """Since when it isn't known what left before, as is not in the database yet (`machines`
        takes it there, for all machines)."""
        return self.time("suspect")

    def suspect(self, now: datetime) -> None:
        """A person says: the database, or all of the machine, was put back from a copy."""
        self._forget("trust")
        self.note_time("suspect", now)

    def trust(self) -> None:
        """A person says: nothing left that the database doesn't know of."""
        self._forget("suspect", "away")
        self._note("trust", "yes")

    @property
    def trusted(self) -> bool:
        """Whether a person said so, and it is not in the database yet."""
        return self._fact("trust") is not None

    def told(self) -> None:
        """What a person said, or the journal found of itself, is in the database."""
        self._forget("suspect", "trust")

    def prune(self, now: datetime) -> int:
        """Forget keys whose messages are long out of date; how many."""
        past = int(now.timestamp())
        return self._index.execute("DELETE FROM handed WHERE until < ?", (past,)).rowcount

    def close(self, last: Callable[[], None]) -> None:
        """End the worker's life; what it has not landed is left for the next one. Where no flight
        is left on this machine, ``last`` is called before another worker can begin."""
        with _alone(self._folder):
            if os.fstat(self._flight).st_size == self._head:
                self._path(self.worker).unlink()
            os.close(self._flight)
            if not any(self._folder.glob("*.flight")):
                last()
        self._index.close()

    def _fact(self, name: str) -> str | None:
        row = self._index.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def _note(self, name: str, value: str) -> None:
        self._index.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def _forget(self, *names: str) -> None:
        self._index.executemany("DELETE FROM fact WHERE name = ?", [(name,) for name in names])


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other workers out while the journal is begun: for that SQLite doesn't wait."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(worker: UUID, text: str) -> Flight:
    head, *lines = text.split("\n")
    outcomes: dict[UUID, Outcome] = {}
    for line in lines[:-1]:  # what follows the last end of line was not finished
        kind, key, *rest = line.split("\t")
        if kind == "D":
            outcomes[UUID(key)] = Outcome(key, Result.UNKNOWN)
        else:
            result, provider_id, code, *numbers = rest
            segments, cost, *bad_address = (int(number) for number in numbers)
            outcomes[UUID(key)] = Outcome(
                key, Result(result), provider_id, code, segments, cost, any(bad_address)
            )
    return Flight(worker, bool(head) and head == _boot(), outcomes)


def _boot() -> str:
    return _BOOT.read_text().strip() if _BOOT.exists() else ""


def _plain(part: object) -> str:
    return str(part).translate({9: " ", 10: " ", 13: " "})
