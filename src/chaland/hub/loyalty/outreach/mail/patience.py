"""Reading a mail server's answers with an end to it: one that drips, or never stops, is given up.

A socket's own timeout begins anew with each byte that comes. What is sent, and the handshake of
TLS, have an end by it: Python counts it over the whole of both.
"""

import io
import socket
import time

LONGEST_BYTES = 1 << 20
"""Of all answers in one dialogue; a mail's three have some hundred bytes."""


class Patience:
    """So many seconds, and bytes, for a dialogue: from `begin`, over all answers in it."""

    def __init__(self, seconds: float, longest_bytes: int = LONGEST_BYTES) -> None:
        self.seconds, self._longest_bytes = seconds, longest_bytes
        self.begin()

    def begin(self, sock: socket.socket | None = None) -> None:
        """Begin a dialogue, over a connection that is there or will be."""
        self._until, self._left_bytes = time.monotonic() + self.seconds, self._longest_bytes
        if sock is not None:
            sock.settimeout(self.seconds)

    def reader(self, sock: socket.socket) -> io.BufferedReader:
        """Return what reads a socket. Reading raises TimeoutError where patience is at its end."""
        return io.BufferedReader(_Reading(sock, self))

    def read(self, sock: socket.socket, into: memoryview) -> int:
        """Read what is there, as `socket.recv_into` does."""
        left_s = self._until - time.monotonic()
        if left_s <= 0 or self._left_bytes <= 0:
            raise TimeoutError("the answer has no end")
        sock.settimeout(left_s)
        got = sock.recv_into(into)
        self._left_bytes -= got
        return got


class _Reading(io.RawIOBase):
    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock, self._patience = sock, patience

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]  # the base takes more
        return self._patience.read(self._sock, into)
