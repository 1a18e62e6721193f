"""French providers as their public documents describe them, on a local server.

No real provider can be called from a test: this holds what their documents say (named in each
driver), not more. What becomes of a message is in the last two digits of its number.
"""

import hashlib
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

OVH_AHEAD_S = 1_000
"""OVH's clock is ahead of ours, here: a call signed by ours is refused."""
STATUS = {"29": 429, "40": 400, "50": 500, "93": 403}


@dataclass
class Call:
    """One call as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Provider:
    """All of them in one: each has its own paths."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)

    odd: dict[str, Any] = field(default_factory=dict)
    """What a message's acceptance says instead of what it should."""

    def answer(self, call: Call) -> tuple[int, object]:
        """Answer as documented."""
        if call.path == "/auth/time":
            return 200, int(time.time()) + OVH_AHEAD_S
        if call.path.startswith("/sms/sms-ab1-1/"):
            return self._ovh(call)
        if call.path == "/sms-campaign/send":
            return self._octopush(call)
        if call.path == "/transactionalSMS/send":
            return self._brevo(call)
        if call.path.startswith("/messages"):
            return self._smsmode(call)
        return 404, {"message": "no such path"}

    def _ovh(self, call: Call) -> tuple[int, object]:
        text = json.dumps(call.body) if call.method == "POST" else ""
        told = call.headers
        signed = "+".join(
            ("secret", "consumer", call.method, self.url + call.path, text, told["x-ovh-timestamp"])
        )
        late = abs(int(told["x-ovh-timestamp"]) - time.time() - OVH_AHEAD_S) > 30
        if told["x-ovh-signature"] != "$1$" + hashlib.sha1(signed.encode()).hexdigest() or late:
            return 403, {"errorCode": "INVALID_SIGNATURE", "message": "Invalid signature"}
        if call.method == "GET":
            return self._ovh_reads(call.path.removeprefix("/sms/sms-ab1-1"))
        (number,) = call.body["receivers"]
        if number.endswith("77"):
            return 200, {
                "totalCreditsRemoved": 0, "invalidReceivers": [number], "ids": [],
                "validReceivers": [],
            }  # fmt: skip
        self.taken[call.body["tag"]] = number_of = 27_814_000 + len(self.taken)
        return self._or_trouble(number) or (
            200,
            {"totalCreditsRemoved": 2, "invalidReceivers": [], "ids": [number_of],
             "validReceivers": [number]},
        )  # fmt: skip

    def _ovh_reads(self, path: str) -> tuple[int, object]:
        parts, query = urlsplit(path), parse_qs(urlsplit(path).query)
        if parts.path == "/outgoing":
            found = self.taken.get(query["tag"][0])
            return 200, [found] if found else []
        if parts.path.startswith("/outgoing/"):
            return 200, {"id": int(parts.path[10:]), "ptt": 4, "deliveryReceipt": 1}
        if parts.path == "/blacklists":
            return 200, ["+33612345678"]
        return 200, {"number": "+33612345678", "creationDatetime": "2026-11-20T10:00:00+01:00"}

    def _octopush(self, call: Call) -> tuple[int, object]:
        if (call.headers["api-login"], call.headers["api-key"]) != ("us@example.fr", "secret"):
            return 401, {"code": 101, "message": "Bad credentials"}
        key = call.body["request_id"]
        if key in self.taken:
            return 400, {"code": 100, "message": "request_id: this value is already used."}
        self.taken[key] = 1
        ticket = {"sms_ticket": f"sms_{key[:13]}", "number_of_contacts": 1, "total_cost": 0.062}
        return self._or_trouble(call.body["recipients"][0]["phone_number"]) or (200, ticket)

    def _brevo(self, call: Call) -> tuple[int, object]:
        if call.headers["api-key"] != "secret":
            return 401, {"code": "unauthorized", "message": "Key not found"}
        told = {"reference": "ab1cde", "messageId": 1511882900176220, "smsCount": 2,
                "usedCredits": 0.7, "remainingCredits": 82.85}  # fmt: skip
        return self._or_trouble(call.body["recipient"]) or (201, told)

    def _smsmode(self, call: Call) -> tuple[int, object]:
        if call.headers["x-api-key"] != "secret":
            return 401, {"errorCode": "401000", "message": "Unauthorized"}
        if call.method == "GET":
            return 200, {"messageId": call.path[10:], "status": {"value": "DELIVERED"}}
        told = {"messageId": "b2c51fcf", "status": {"value": "ENROUTE"},
                "price": {"amount": 0.049, "currency": "EUR"}}  # fmt: skip
        return self._or_trouble(call.body["recipient"]["to"]) or (201, told)

    def _or_trouble(self, number: str) -> tuple[int, object] | None:
        status = STATUS.get(number[-2:])
        return (status, {"code": "invalid", "message": f"about {number}"}) if status else None


def _number(body: dict[str, Any]) -> str:
    """Whom a call is about: each provider says it otherwise."""
    told = body.get("recipients") or body.get("receivers") or [body.get("recipient", "")]
    one = told[0]
    return str(one.get("phone_number") or one.get("to")) if isinstance(one, dict) else str(one)


@contextmanager
def provider() -> Iterator[Provider]:
    """Run it."""
    told = Provider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._take({})

        def do_POST(self) -> None:
            self._take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _take(self, body: dict[str, Any]) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, self.path, headers, body)
            told.calls.append(call)
            status, answer = told.answer(call)
            if _number(body).endswith("91"):  # took it, and never says so
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            data = json.dumps(answer | told.odd if isinstance(answer, dict) else answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
