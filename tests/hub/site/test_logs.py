"""The log says nothing of who asked, also where gunicorn, or Django, writes it."""

import json
import socket
from pathlib import Path

import httpx

from tests.hub.site.test_commands import serving

SECRET = "k7Qwk7Qwk7Qw"


def said_to(url: str, request: bytes) -> bytes:
    """Send what a client of httpx would not; return the status line."""
    host, _colon, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(request)
        return line.makefile("rb").readline()


def test_bad_requests_leave_a_line_each_without_address_or_path(tmp_path: Path) -> None:
    with serving(tmp_path) as (url, printed):
        before = len(printed.read_text())
        assert b" 414 " in said_to(
            url, b"GET /u/" + SECRET.encode() * 1_000 + b"/ HTTP/1.1\r\n\r\n"
        )
        assert b" 400 " in said_to(url, f"GET /u/{SECRET}/ HTTQ/1.1\r\n\r\n".encode())
        headers = {"Host": "other.example"}
        assert httpx.get(f"{url}/u/{SECRET}/", headers=headers).status_code == 400
        text = printed.read_text()[before:]
    assert SECRET not in text
    assert "127.0.0.1" not in text
    assert "Traceback" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    events = [line["event"] for line in lines if line["level"] != "info"]
    assert events[:2] == ["Invalid request"] * 2
    assert len(events) == 3
    assert "other.example" in events[2]
