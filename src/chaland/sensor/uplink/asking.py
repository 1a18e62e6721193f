"""Asking the hub over HTTP, whatever it answers: never read, nor waited for, without end."""

import http.client
import time
import urllib.request
from dataclasses import dataclass
from http.cookiejar import CookieJar

import httpx

TIMEOUT_S = 10.0
"""For each step: to connect, to send, to hear more."""
ANSWERED_WITHIN_S = 30.0
"""For the whole answer: who drips it byte by byte may not hold up what the sensor has to do."""
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered. ``content`` is empty where it was longer than the asker reads."""

    status_code: int
    headers: httpx.Headers
    content: bytes

    @property
    def is_success(self) -> bool:
        return httpx.codes.is_success(self.status_code)


class _NoCookies(CookieJar):
    """Keeps none: a hub that set one would have it back with each message, or, were it no ASCII,
    none at all: httpx raises UnicodeEncodeError."""

    def extract_cookies(
        self,
        response: http.client.HTTPResponse,  # noqa: ARG002 (CookieJar names them)
        request: urllib.request.Request,  # noqa: ARG002
    ) -> None:
        return


def hub_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Make the client for a hub; the caller closes it."""
    return httpx.Client(cookies=_NoCookies(), transport=transport)


def post(
    client: httpx.Client, url: str, body: bytes, headers: dict[str, str], longest: int
) -> Reply:
    """Post JSON and read an answer of at most ``longest`` bytes. Raises httpx.HTTPError."""
    deadline_s = time.monotonic() + ANSWERED_WITHIN_S
    asking = client.stream("POST", url, content=body, headers=headers | _JSON, timeout=TIMEOUT_S)
    with asking as response:
        content = bytearray()
        for chunk in response.iter_bytes(65_536):
            content += chunk
            if len(content) > longest:
                content.clear()
                break
            if time.monotonic() > deadline_s:
                raise httpx.ReadTimeout(f"no whole answer within {ANSWERED_WITHIN_S:.0f} s")
        return Reply(response.status_code, response.headers, bytes(content))


def unreachable(url: str, error: httpx.HTTPError) -> str:
    """Say that the hub could not be asked."""
    return f"the hub can't be reached at {url} ({type(error).__name__}: {error}); retrying"


def not_the_hub(url: str, reply: Reply) -> str:
    """Say that something else than a hub answered."""
    return (
        f"{url} answered {reply.status_code}, and not as a Chaland hub does: check the hub, "
        "its address and what stands between; retrying"
    )
