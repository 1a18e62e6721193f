"""Mail servers that answer as none should: what may have left stays unknown, and no answer, however
long it drips, keeps the worker for longer than its patience."""

import socketserver
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from threading import Thread
from typing import BinaryIO
from uuid import uuid4

import pytest

from chaland.hub.loyalty.outreach.mail import mailbox, smtp
from chaland.hub.loyalty.outreach.mail.settings import MailSettings
from chaland.hub.loyalty.outreach.mail.smtp import SmtpDriver
from chaland.hub.loyalty.outreach.shapes import GatewayErrorTemporary, Mail, Result

PATIENCE_S = 1.0
Dialogue = Callable[[BinaryIO, BinaryIO], None]


@contextmanager
def serving(dialogue: Dialogue) -> Iterator[int]:
    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                dialogue(self.rfile, self.wfile)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Session) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def answering(**said: bytes) -> Dialogue:
    """Make a server that says what it is told to by command; ``TEXT`` after the final point."""
    usual = {"DATA": b"354 go\r\n", "TEXT": b"250 2.0.0 taken\r\n"} | said

    def dialogue(heard: BinaryIO, says: BinaryIO) -> None:
        says.write(b"220 here\r\n")
        for line in heard:
            command = line[:4].decode().upper()
            says.write(usual.get(command, b"250 fine\r\n"))
            if command == "DATA" and usual["DATA"].startswith(b"354"):
                while heard.readline() not in (b".\r\n", b""):
                    pass
                says.write(usual["TEXT"])

    return dialogue


def dripping(heard: BinaryIO, says: BinaryIO) -> None:
    while True:
        says.write(b"2")
        time.sleep(0.05)


def endless(heard: BinaryIO, says: BinaryIO) -> None:
    says.write(b"220 here\r\n")
    heard.readline()
    while True:
        says.write(b"250-SIZE\r\n" * 1_000)


def silent_after_text(heard: BinaryIO, says: BinaryIO) -> None:
    answering(TEXT=b"")(heard, says)


def sent(port: int, count: int = 1) -> list[tuple[Result, str]]:
    told = {"host": "127.0.0.1", "port": port, "tls": "none"}
    with closing(SmtpDriver(MailSettings.of(told, "bonjour@port-lin.example"))) as driver:
        mails = [Mail(uuid4().hex, "z@takes.example", "b@x.example", b"x\r\n")] * count
        return [(one.result, one.code) for one in driver.send(mails)]


@pytest.mark.parametrize(
    "answer", [b"", b"000 x", b"999 x", b"-25 x", b"354 go", "２５０ x".encode(), b"hello", b"25"]
)
def test_an_odd_answer_to_the_text_tells_nothing(answer: bytes) -> None:
    with serving(answering(TEXT=answer + b"\r\n")) as port:
        assert sent(port, 2) == [(Result.UNKNOWN, "odd answer")] * 2


@pytest.mark.parametrize(
    ("answer", "result"),
    [(b"250 x", "accepted"), (b"451 4.3.0 x", "later"), (b"554 5.7.1 x", "refused")],
)
def test_what_is_an_answer_is_taken(answer: bytes, result: str) -> None:
    with serving(answering(TEXT=answer + b"\r\n")) as port:
        assert [one for one, _code in sent(port)] == [result]


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", [b"999 x", b"-25 x", b"", b"351 x"])
def test_an_odd_answer_before_the_text_hands_nothing_over(command: str, answer: bytes) -> None:
    with serving(answering(**{command: answer + b"\r\n"})) as port:
        assert [one for one, _code in sent(port)] == [Result.LATER]


def test_a_yes_instead_of_going_on_takes_no_text() -> None:
    with serving(answering(DATA=b"250 fine\r\n")) as port:
        assert [one for one, _code in sent(port)] == [Result.LATER]


@pytest.mark.parametrize("dialogue", [dripping, endless])
def test_an_answer_without_end_is_given_up(
    monkeypatch: pytest.MonkeyPatch, dialogue: Dialogue
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT_S", PATIENCE_S)
    began_s = time.monotonic()
    with serving(dialogue) as port, pytest.raises(GatewayErrorTemporary):
        sent(port)
    assert time.monotonic() - began_s < 4 * PATIENCE_S


def test_silence_after_the_text_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT_S", PATIENCE_S)
    with serving(silent_after_text) as port:
        assert sent(port) == [(Result.UNKNOWN, "connection lost")]


def test_each_mail_has_its_own_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT_S", PATIENCE_S)

    def slow(heard: BinaryIO, says: BinaryIO) -> None:
        class Slowly:
            def write(self, told: bytes) -> None:
                time.sleep(0.12)
                says.write(told)

        answering()(heard, Slowly())  # type: ignore[arg-type]

    with serving(slow) as port:
        assert [one for one, _code in sent(port, 3)] == [Result.ACCEPTED] * 3


def mail_without_end(heard: BinaryIO, says: BinaryIO) -> None:
    said = {
        b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n",
        b"UID SEARCH": b"* SEARCH 1\r\n",
    }
    says.write(b"* OK ready\r\n")
    for line in heard:
        tag, command, *rest = line.split()
        if command == b"UID" and rest[0] == b"FETCH":
            says.write(b"* 1 FETCH (UID 1 BODY[]<0> {999999999999}\r\n")
            while True:
                says.write(b"x" * 20_000)
        name = b"UID SEARCH" if command == b"UID" else command
        says.write(said.get(name, b"") + tag + b" OK so be it\r\n")


@pytest.mark.parametrize("dialogue", [dripping, mail_without_end])
def test_a_mailbox_without_end_is_given_up(
    monkeypatch: pytest.MonkeyPatch, dialogue: Dialogue
) -> None:
    monkeypatch.setattr(mailbox, "TIMEOUT_S", PATIENCE_S)
    stored: list[bytes] = []
    began_s = time.monotonic()
    with serving(dialogue) as port:
        told = {"imap_host": "127.0.0.1", "imap_port": port, "imap_tls": False}
        with pytest.raises(GatewayErrorTemporary):
            mailbox.empty_mailbox(MailSettings.of(told, "b@x.example"), stored.append)
    assert time.monotonic() - began_s < 4 * PATIENCE_S
    assert stored == []
