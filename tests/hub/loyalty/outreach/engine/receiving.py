"""The other side: a mail server that counts what it took, by the delivery's key (VERP)."""

import contextlib
import re
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator

_KEY = re.compile(rb"MAIL FROM:<[^+>]*\+([0-9a-f]{32})@", re.IGNORECASE)


class Receiver(socketserver.ThreadingTCPServer):
    """Takes every mail; ``taken`` has each key as often as it came."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.taken: Counter[str] = Counter()
        self.more = threading.Condition()
        self.port: int = self.server_address[1]

    def take(self, key: str) -> None:
        with self.more:
            self.taken[key] += 1
            self.more.notify_all()

    def wait_for(self, total: int, timeout: float) -> bool:
        """Wait until so many mails have come."""
        with self.more:
            return self.more.wait_for(lambda: self.taken.total() >= total, timeout)

    def handle_error(self, *_: object) -> None:
        """A worker that is killed hangs up."""


class _Session(socketserver.StreamRequestHandler):
    server: Receiver
    disable_nagle_algorithm = True  # else it waits 40 ms for each mail's acknowledgement

    def handle(self) -> None:
        key, answer = "", self.wfile.write
        with contextlib.suppress(OSError):
            answer(b"220 receiver\r\n")
            for line in self.rfile:
                word = line[:4].upper()
                if word == b"EHLO":
                    answer(b"250-receiver\r\n250 PIPELINING\r\n")
                elif word == b"DATA":
                    answer(b"354 go on\r\n")
                    while (said := self.rfile.readline()) not in (b".\r\n", b""):
                        pass
                    if said:  # a mail without its end was not handed over
                        self.server.take(key)
                        answer(b"250 2.0.0 taken\r\n")
                elif word == b"QUIT":
                    answer(b"221 bye\r\n")
                    return
                else:
                    if found := _KEY.match(line):
                        key = found[1].decode()
                    answer(b"250 2.1.0 ok\r\n")


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver on a free port."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()
