"""How fast the queue hands messages over, with all its checks, beside who has none.

``python -m bench outreach``; ``--deliveries 2000`` and ``--many 20000`` for a short try. Needs
postfix' smtp-sink and smtp-source; the SMS row needs Kannel. PostgreSQL is measured where
``CHALAND_BENCH_POSTGRES_URL`` names an empty database.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.report import table, write_section
from tests.hub.loyalty.outreach.peers.hooks import listening
from tests.hub.loyalty.outreach.peers.kannel import KannelPeer, kannel
from tests.hub.loyalty.outreach.peers.programs import found

TURNS = 3
"""Each is measured so often, in turn; the best of each is told: what else runs only takes away."""
AIM_NATIVE, AIM_DJANGO, AIM_KANNEL = 0.3, 3.0, 0.8
_MAIL_BYTES = 9_400
"""About what one of our mails has: text and HTML."""


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def sink() -> Iterator[int]:
    """Run smtp-sink; yields its port."""
    port = _port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with subprocess.Popen(["smtp-sink", *user, f"127.0.0.1:{port}", "1000"]) as process:
        for _ in range(100):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        try:
            yield port
        finally:
            process.terminate()


def measured(kind: str, count: int, port: int, url: str = "") -> dict[str, Any]:
    """Measure one thing in a process and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "CHALAND_STATE_DIR": folder, "CHALAND_LOG_LEVEL": "ERROR"}
        env["CHALAND_PUBLIC_ORIGIN"] = "http://localhost:1"
        if url:
            env["CHALAND_LOYALTY_DATABASE_URL"] = url
        steps = ["fill", kind] if kind in ("mail", "some", "sms") else [kind]
        for step in steps:
            command = [sys.executable, "-m", "bench.queue.measure", step, str(count), str(port)]
            told = subprocess.run(
                [*command, kind], env=env, stdout=subprocess.PIPE, text=True, check=True
            )
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    if sum(found["states"].values()) == 0:
        raise RuntimeError(f"{kind}: nothing was handed over")
    return found


def rate(found: dict[str, Any]) -> float:
    return float(sum(found["states"].values()) / found["seconds"])


def native(count: int, port: int) -> float:
    """Return the messages a second of smtp-source over one session."""
    command = [
        "smtp-source", "-d", "-s", "1", "-m", str(count), "-l", str(_MAIL_BYTES),
        "-f", "bonjour@vitrines.example", "-t", "m1@example.org", f"127.0.0.1:{port}",
    ]  # fmt: skip
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return count / (time.perf_counter() - started)


def mail(count: int, urls: list[str]) -> tuple[str, bool]:
    """Measure mail beside smtp-source and Django; the table, and whether the aims are met."""
    best: dict[str, float] = {}
    cpu: dict[str, float] = {}
    with sink() as port:
        for _ in range(TURNS):
            one = {"smtp-source, one session": native(count, port)}
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
    ours = best["chaland outreach, SQLite"]
    told = table(("mail", "a second", "to native", "to Django", "CPU µs each"), rows)
    return told, ours >= AIM_NATIVE * source and ours >= AIM_DJANGO * django


def memory(many: int) -> tuple[str, bool]:
    """Compare the worker's memory over 10,000 and over many waiting deliveries."""
    with sink() as port:
        peaks = {n: measured("some", n, port)["peak_mib"] for n in (10_000, many)}
    few, much = peaks.values()
    rows = [(f"{n:,} wait, the first 10,000 go", f"{peak:.0f}") for n, peak in peaks.items()]
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
    """Measure mail, memory and SMS, and write the section; fail where an aim is missed."""
    count, many = _asked("--deliveries", 10_000), _asked("--many", 10**6)
    urls = ["", *filter(None, [os.environ.get("CHALAND_BENCH_POSTGRES_URL", "")])]
    if not (shutil.which("smtp-sink") and shutil.which("smtp-source")):
        print("smtp-sink and smtp-source are missing: install postfix")
        return 2
    load = os.getloadavg()[0]
    parts = [mail(count, urls), memory(many)]
    parts += [sms(count // 5)] if shutil.which("bearerbox") else []
    write_section(
        "Messages handed over",
        "python -m bench outreach",
        f"{count:,} mails of 9.4 kB, text and HTML, by one worker over one connection to one "
        "smtp-sink, with everything a delivery goes through: claimed under a lease, consent, stop "
        "list and caps of each member looked at, its place under the caps written, address "
        "unsealed, mail composed, SENDING committed before the call, each message in the journal, "
        "outcome committed. Batches of 250: three commits each; a worker that is killed leaves "
        "one unknown mail, whatever the batch. The best of "
        f"{TURNS} turns; the load average at the start was {load:.1f} on {os.cpu_count()} cores."
        "\n\n" + "\n\n".join(told for told, _met in parts),
    )
    return int(not all(met for _told, met in parts))


if __name__ == "__main__":
    sys.exit(main())
