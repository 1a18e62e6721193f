"""A place for providers to report to: keeps each call as the hub's own hook would store it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from chaland.hub.loyalty.outreach.shapes import Hook

PATIENCE_S = 20
T = TypeVar("T")


def until(found: Callable[[], T], patience_s: float = PATIENCE_S) -> T:
    """Wait for something to become true, and return it."""
    end = time.monotonic() + patience_s
    while not (value := found()):
        assert time.monotonic() < end, f"nothing came within {patience_s} s"
        time.sleep(0.01)
    return value


@dataclass
class Hooks:
    """What came in, in order."""

    url: str
    calls: list[Hook] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Hooks]:
    """Answer 200 to whatever comes, and keep it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._keep()

        def do_POST(self) -> None:
            self._keep()

        def _keep(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            hooks.calls.append(Hook(self.command, query, headers, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hooks = Hooks(f"http://127.0.0.1:{server.server_address[1]}/hooks/outreach/secret/")
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield hooks
    finally:
        server.shutdown()
        server.server_close()
