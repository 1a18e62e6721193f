"""A mailbox that answers as none should: told to its gateway, and never the worker's end."""

import socketserver
from collections.abc import Iterator
from threading import Thread

import pytest

from chaland.hub.loyalty.models import Gateway
from chaland.hub.loyalty.outreach import inbound
from tests import outreach_builders as build

pytestmark = pytest.mark.django_db


class _Session(socketserver.StreamRequestHandler):
    server: "_Mailbox"

    def handle(self) -> None:
        self.wfile.write(b"* OK IMAP4rev1 ready\r\n")
        for line in self.rfile:
            tag, command, *_rest = line.split()
            answer = self.server.answers.get(command.decode().upper(), b"OK")
            if command.upper() == b"CAPABILITY":
                self.wfile.write(b"* CAPABILITY IMAP4rev1\r\n")
            self.wfile.write(tag + b" " + answer + b" so be it\r\n")


class _Mailbox(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    answers: dict[str, bytes]


@pytest.fixture
def mailbox() -> Iterator[_Mailbox]:
    with _Mailbox(("127.0.0.1", 0), _Session) as server:
        server.answers = {}
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("answers", [{"SELECT": b"NO"}, {"UID": b"BAD"}, {"LOGIN": b"NO"}])
def test_an_odd_mailbox_is_told_and_once_it_answers_no_more(
    mailbox: _Mailbox, answers: dict[str, bytes]
) -> None:
    port = mailbox.server_address[1]
    settings = (
        f'{{"offline": true, "imap_host": "127.0.0.1", "imap_port": {port}, "imap_tls": false}}'
    )
    build.build_gateway(1, "email", "smtp", settings)
    mailbox.answers = answers
    assert inbound.fetch() == 0
    assert Gateway.objects.get().deaf
    mailbox.answers = {}
    inbound.fetch()
    assert Gateway.objects.get().deaf == ""
