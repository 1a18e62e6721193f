"""Mails made and handed over on one core: bytes spliced into a campaign's form against an
EmailMessage for each; one driver against one session of the native ``smtp-source``.

``python -m bench mails``; it needs postfix's ``smtp-sink`` and ``smtp-source``.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chaland.hub.site.settings")

import django

django.setup()

from email import message_from_bytes, policy  # noqa: E402
from email.message import EmailMessage  # noqa: E402

from bench.report import table, write_section  # noqa: E402
from chaland.hub.loyalty.outreach.mail.compose import Form  # noqa: E402
from chaland.hub.loyalty.outreach.mail.settings import MailSettings  # noqa: E402
from chaland.hub.loyalty.outreach.mail.smtp import SmtpDriver  # noqa: E402
from chaland.hub.loyalty.outreach.shapes import Mail, Result  # noqa: E402
from tests.hub.loyalty.outreach.mail.conftest import (  # noqa: E402
    COMMON,
    KEY,
    NOW,
    OWN,
    SETTINGS,
    written,
)
from tests.hub.loyalty.outreach.peers.mail import sink  # noqa: E402
from tests.hub.loyalty.outreach.peers.programs import found  # noqa: E402

MADE, BUILT, SENT, ROUNDS = 20_000, 300, 8_000, 3
TO, FROM = "zoe@example.org", f"retours+{KEY}@port-lin.example"
FORM = Form(*written(), SETTINGS, COMMON)


def spliced(number: int) -> bytes:
    """One mail as the hub makes it."""
    return FORM.spliced(KEY, TO, NOW, OWN | {"first_name": f"Zoé{number % 1000}"})


def builder() -> Callable[[int], bytes]:
    """Return what makes the same mail as an EmailMessage."""
    whole = message_from_bytes(spliced(0), policy=policy.default)
    plain, page = (str(whole.get_body((kind,)).get_content()) for kind in ("plain", "html"))
    kept = [(n, str(v)) for n, v in whole.items() if n not in ("MIME-Version", "Content-Type")]

    def build(number: int) -> bytes:
        mail, name = EmailMessage(policy=policy.SMTP), f"Zoé{number % 1000}"
        for header, value in kept:
            mail[header] = value.replace("Zoé0", name)
        mail.set_content(plain.replace("Zoé0", name))
        mail.add_alternative(page.replace("Zoé0", name), subtype="html")
        return bytes(mail)

    return build


def rate(make: Callable[[int], bytes], count: int) -> float:
    """Return mails a second of processor time, the best of some rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        began = time.process_time()
        for number in range(count):
            make(number)
        best = max(best, count / (time.process_time() - began))
    return best


def handed_over(folder: Path) -> tuple[float, float]:
    """Return mails a second to one smtp-sink: by the driver, and by smtp-source; best rounds."""
    (folder / "mail").write_bytes(spliced(0))
    ours = native = 0.0
    with sink(folder / "log") as port:
        told = {"host": "127.0.0.1", "port": port, "tls": "none"}
        driver = SmtpDriver(MailSettings.of(told, "bonjour@port-lin.example"))
        source = [
            found("smtp-source"), "-d", "-s", "1", "-m", str(SENT), "-F", str(folder / "mail"),
            "-f", FROM, "-t", TO, f"127.0.0.1:{port}",
        ]  # fmt: skip
        for _ in range(ROUNDS):
            began = time.perf_counter()
            mails = (Mail(KEY, TO, FROM, spliced(number)) for number in range(SENT))
            taken = sum(one.result == Result.ACCEPTED for one in driver.send(mails))
            ours = max(ours, taken / (time.perf_counter() - began))
            began = time.perf_counter()
            subprocess.run(source, check=True, stdout=subprocess.DEVNULL)
            native = max(native, SENT / (time.perf_counter() - began))
        driver.close()
    return ours, native


def main() -> int:
    """Measure, and write the section."""
    ours, theirs = rate(spliced, MADE), rate(builder(), BUILT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        sent, native = handed_over(folder)
    rows = [
        ("made: spliced into the campaign’s form", f"{ours:,.0f}", f"{ours / theirs:.0f}"),
        ("made: an EmailMessage for each", f"{theirs:,.0f}", "1"),
        ("made and handed over by the driver", f"{sent:,.0f}", f"{sent / native:.2f}"),
        ("the same mail by smtp-source, one session", f"{native:,.0f}", "1"),
    ]
    text = (
        f"A mail of {len(spliced(0)) / 1000:.0f} kB, text and HTML, with a name in its subject. "
        "Made: a second of one core; handed over: a second, one connection to one smtp-sink. "
        "Without the queue, its checks and its records: those are in “Messages handed over”.\n\n"
    )
    write_section("Mails", "python -m bench mails", text + table(("", "a second", "ratio"), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
