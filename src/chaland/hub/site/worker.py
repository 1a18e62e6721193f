"""gunicorn's threaded worker, with an end to its patience.

Its threads read requests from blocking sockets, so a few dozen clients that announce a body and
send none would hold every thread for good. Here a client that sends nothing for IDLE_S, or has not
sent its request within WHOLE_S, is treated as one that hung up.

No Django in here: gunicorn loads the worker before the site is set up.
"""

import select
import socket
import time
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

IDLE_S = 5.0
WHOLE_S = 30.0
"""A large upload over a slow line takes a while; a proxy that buffers takes it off our threads."""
LINGER_S = 0.1
"""After the answer, for what is still on its way; gunicorn's main loop waits meanwhile."""


class PatientSocket:
    """A socket whose ``recv`` waits so long and no longer; then the other side has hung up."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._until = 0.0
        self.gave_up = False

    def patience(self, seconds: float) -> None:
        """Set how long all of the coming ``recv`` may wait together."""
        self._until = time.monotonic() + seconds

    def recv(self, size: int, flags: int = 0) -> bytes:
        wait_s = max(0.0, min(IDLE_S, self._until - time.monotonic()))
        waiting = select.poll()
        waiting.register(self._connection, select.POLLIN)
        if not waiting.poll(wait_s * 1000):
            self.gave_up = True
            return b""
        return self._connection.recv(size, flags)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn is untyped
    """Serves requests; see the module's text."""

    def handle(self, conn: TConn) -> Any:
        """Serve a connection's next request, in a thread of the pool."""
        if not isinstance(conn.sock, PatientSocket):
            conn.sock = PatientSocket(conn.sock)
        conn.sock.patience(WHOLE_S)
        try:
            return super().handle(conn)
        finally:
            conn.sock.patience(LINGER_S)

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        """Go on with a connection only if nothing of its request is left unread."""
        conn.sock.patience(LINGER_S)
        # Whatever came after a body that was given up would be taken for the next request.
        return bool(super()._keepalive_after(conn, keepalive)) and not conn.sock.gave_up
