"""How fast the queue hands messages over, with all its checks, beside who has none.

``python -m bench outreach``; ``--deliveries 2000`` and ``--many 20000`` for a short try,
``--many 1000000`` for a long one. Needs postfix' smtp-sink and smtp-source; the SMS row needs
Kannel. PostgreSQL is measured where ``CHALAND_BENCH_POSTGRES_URL`` names an empty database. It
fails where an aim is missed on either database, or wasn't measured.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import table, write_section
from tests.hub.loyalty.outreach.peers.hooks import listening
from tests.hub.loyalty.outreach.peers.kannel import KannelPeer, kannel
from tests.hub.loyalty.outreach.peers.programs import found

TURNS = 3
"""Each is measured so often, in turn; the best of each is told: what else runs only takes away."""
AIM_NATIVE, AIM_DJANGO, AIM_KANNEL = 0.3, 3.0, 0.8
KILLS, MAILS_A_KILL = 5, 1_000
_KEPT, _BEGINS = "mails", b"X-Client-Addr: "
_ADDED = (b"127.0.0.1", b"X-Client-", b"X-Helo-", b"X-Mail-", b"X-Rcpt-", b"Received:", b"\t")
"""Begins the lines that smtp-sink puts before what it writes down."""


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def sink(kept: Path | None = None) -> Iterator[int]:
    """Run smtp-sink, which writes what comes into files in ``kept``; yields its port."""
    port = _port()
    options = ["-u", "nobody"] if os.geteuid() == 0 else []
    options += ["-D", str(kept / _KEPT)] if kept else []
    with subprocess.Popen(["smtp-sink", *options, f"127.0.0.1:{port}", "1000"]) as process:
        for _ in range(100):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        try:
            yield port
        finally:
            process.terminate()


def _environment(folder: str, url: str = "") -> dict[str, str]:
    env = {**os.environ, "CHALAND_STATE_DIR": folder, "CHALAND_LOG_LEVEL": "ERROR"}
    env["CHALAND_PUBLIC_ORIGIN"] = "http://localhost:1"
    return env | ({"CHALAND_LOYALTY_DATABASE_URL": url} if url else {})


def _step(step: str, count: int, port: int, kind: str) -> list[str]:
    return [sys.executable, "-m", "bench.queue.measure", step, str(count), str(port), kind]


def measured(kind: str, count: int, port: int, url: str = "") -> dict[str, Any]:
    """Measure one thing in a process and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        env = _environment(folder, url)
        for step in ["fill", kind] if kind in ("mail", "sms") else [kind]:
            told = subprocess.run(
                _step(step, count, port, kind), env=env, stdout=subprocess.PIPE, check=True
            )
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    if sum(found["states"].values()) == 0:
        raise RuntimeError(f"{kind}: nothing was handed over")
    return found


def rate(found: dict[str, Any]) -> float:
    return float(sum(found["states"].values()) / found["seconds"])


def native(count: int, port: int, mail_bytes: int) -> float:
    """Return the messages a second of smtp-source over one session."""
    command = [
        "smtp-source", "-d", "-s", "1", "-m", str(count), "-l", str(mail_bytes),
        "-f", "bonjour@vitrines.example", "-t", "m1@example.org", f"127.0.0.1:{port}",
    ]  # fmt: skip
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return count / (time.perf_counter() - started)


@dataclass(frozen=True)
class Killed:
    """What killing workers left: deliveries by state, mails that came, and those that came twice;
    how long a mail is, and how many a batch has."""

    mail_bytes: int
    batch: int
    states: dict[str, int]
    came: int
    twice: int


def killed() -> Killed:
    """Kill workers with -9 in the middle of their batches, and let the last one end."""
    count = KILLS * MAILS_A_KILL
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as name:
        kept = Path(name)
        kept.chmod(0o777)
        env = _environment(folder) | {"BENCH_BEGAN": str(time.time())}
        with sink(kept) as port:
            subprocess.run(_step("fill", count, port, "mail"), env=env, check=True)
            for kill in range(KILLS):
                _kill_at(_step("mail", count, port, "mail"), env, kept, kill * MAILS_A_KILL + 600)
            subprocess.run(
                _step("mail", count, port, "mail"), env=env, stdout=subprocess.DEVNULL, check=True
            )
        told = subprocess.run(
            _step("states", 0, 0, "mail"), env=env, stdout=subprocess.PIPE, check=True
        )
        mails = _written(kept).split(_BEGINS)[1:]
    keys = [found for mail in mails for found in re.findall(rb"(?im)^message-id:\s*(\S+)", mail)]
    sizes = sorted(map(_size, mails))
    end = json.loads(told.stdout.splitlines()[-1])
    twice = len(keys) - len(set(keys))
    return Killed(sizes[len(sizes) // 2], end["batch"], end["states"], len(set(keys)), twice)


def _kill_at(command: list[str], env: dict[str, str], kept: Path, came: int) -> None:
    """Run a worker until so many mails came in all, and kill it."""
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) as process:
        while _written(kept).count(_BEGINS) < came:
            if process.poll() is not None:
                raise RuntimeError("the worker ended before it was killed")
            time.sleep(0.005)
        process.kill()


def _written(kept: Path) -> bytes:
    """Return all mails that came, whole: smtp-sink adds each to the end of one file."""
    whole = kept / _KEPT
    return whole.read_bytes() if whole.exists() else b""


def _size(dumped: bytes) -> int:
    """Return the bytes of a mail on the line, without what smtp-sink wrote before it."""
    lines = dumped.splitlines()
    while lines and lines[0].startswith(_ADDED):
        del lines[0]
    return sum(len(line) + 2 for line in lines)


def mail(count: int, urls: list[str], mail_bytes: int) -> tuple[str, bool]:
    """Measure mail beside smtp-source and Django; the table, and whether the aims are met on each
    database measured."""
    best: dict[str, float] = {}
    cpu: dict[str, float] = {}
    with sink() as port:
        for _ in range(TURNS):
            one = {"smtp-source, one session": native(count, port, mail_bytes)}
            for url in urls:
                found = measured("mail", count, port, url)
                name = f"chaland outreach, {'PostgreSQL' if url else 'SQLite'}"
                one[name] = rate(found)
                cpu[name] = 1e6 * found["cpu"] / sum(found["states"].values())
            one["Django, send_messages"] = rate(measured("django", count // 5, port))
            best = {name: max(value, best.get(name, 0)) for name, value in one.items()}
    source, django = best["smtp-source, one session"], best["Django, send_messages"]
    rows = [
        (name, f"{value:,.0f}", f"{value / source:.2f}", f"{value / django:.1f}",
         f"{cpu[name]:.0f}" if name in cpu else "")
        for name, value in best.items()
    ]  # fmt: skip
    told = table(("mail", "a second", "to native", "to Django", "CPU µs each"), rows)
    least = max(AIM_NATIVE * source, AIM_DJANGO * django)
    return told, all(best[name] >= least for name in cpu)


def memory(many: int) -> tuple[str, bool]:
    """Compare the worker's memory while it sends 10,000 and while it sends many."""
    with sink() as port:
        peaks = {n: measured("mail", n, port)["peak_mib"] for n in (10_000, many)}
    few, much = peaks.values()
    rows = [(f"{n:,} sent by one process", f"{peak:.0f}") for n, peak in peaks.items()]
    return table(("memory", "peak MiB"), rows), much < few * 1.1


def sms(count: int) -> tuple[str, bool]:
    """Measure text messages through a real Kannel beside Kannel's own load program."""
    alone, queue = 0.0, 0.0
    with (
        tempfile.TemporaryDirectory() as folder,
        listening() as hooks,
        kannel(Path(folder), hooks) as peer,
    ):
        port = int(peer.url.rsplit(":", 1)[1].split("/")[0])
        for _ in range(TURNS):
            alone = max(alone, _own_rate(peer, count))
            queue = max(queue, rate(measured("sms", count, port)))
    rows = [
        ("Kannel's test_http, 4 threads", f"{alone:,.0f}", "1"),
        ("chaland outreach, SQLite", f"{queue:,.0f}", f"{queue / alone:.2f}"),
    ]
    return table(("SMS through Kannel", "a second", "to Kannel"), rows), queue >= AIM_KANNEL * alone


def _own_rate(peer: KannelPeer, count: int) -> float:
    """Return how many a second Kannel takes from its own load program, reports asked for, too;
    they go where nobody listens, as ours do."""
    url = (
        f"{peer.url}?username={peer.username}&password={peer.password}&from=Chaland&smsc=fake"
        "&to=%2B33612345678&text=Bonjour+STOP+au+36105&coding=0&dlr-mask=31"
        "&dlr-url=http%3A%2F%2Flocalhost%3A1%2F%3Fkey%3Dabc%26dlr%3D%25d"
    )
    program, threads = found("test_http", "/usr/lib/kannel/test"), 4
    command = [program, "-q", "-r", str(count // threads), "-t", str(threads), url]
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return count / (time.perf_counter() - started)


def _asked(name: str, usual: int) -> int:
    return int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else usual


def main() -> int:
    """Measure mail, memory and SMS, and write the section; fail where an aim is missed or wasn't
    measured."""
    count, many = _asked("--deliveries", 10_000), _asked("--many", 200_000)
    urls = ["", *filter(None, [os.environ.get("CHALAND_BENCH_POSTGRES_URL", "")])]
    if not (shutil.which("smtp-sink") and shutil.which("smtp-source")):
        print("smtp-sink and smtp-source are missing: install postfix")
        return 2
    load = os.getloadavg()[0]
    after = killed()
    parts = [mail(count, urls, after.mail_bytes), memory(many)]
    has_kannel = bool(shutil.which("bearerbox"))
    parts += [sms(count // 5)] if has_kannel else []
    states = ", ".join(f"{number:,} {state}" for state, number in sorted(after.states.items()))
    write_section(
        "Messages handed over",
        "python -m bench outreach",
        f"{count:,} mails of {after.mail_bytes / 1000:.1f} kB, text and HTML (smtp-source's are as "
        "long), of one campaign, by one worker over one connection to one smtp-sink: claimed under "
        "a lease, consent, stop list and caps of each member looked at, its place under the caps "
        "written, address unsealed, mail composed, SENDING committed before the call, each message "
        "in the journal, outcome committed. Not in it: the DNS gate, rival campaigns, a past. "
        f"Batches of {after.batch}: three commits each. The best of {TURNS} turns; the load "
        f"average at the start was {load:.1f} on {os.cpu_count()} cores.\n\n"
        f"Killed with -9 in the middle of a batch {KILLS} times on SQLite, "
        f"{KILLS * MAILS_A_KILL:,} mails ended as: {states}; {after.came:,} of them came, "
        f"{after.twice} twice."
        "\n\n" + "\n\n".join(told for told, _met in parts),
    )
    for missing, there in (("Kannel", has_kannel), ("PostgreSQL", len(urls) > 1)):
        if not there:
            print(f"{missing} was not measured")
    met = all(met for _told, met in parts) and not after.twice
    return int(not (met and has_kannel and len(urls) > 1))


if __name__ == "__main__":
    sys.exit(main())
