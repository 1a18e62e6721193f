"""``python -m chaland.demo PARENT serve|live|older|loyalty …``: processes that end with it."""

import os
import signal
import sys
import threading
import time


def end_with(parent: int) -> None:
    """End this process once its parent is gone, however that went (a killed terminal, a crash)."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def main(role: str, *arguments: str) -> None:
    """Run one part of the demo. Imports late: models can be imported only after the set-up."""
    if role == "serve":
        from gunicorn.app.wsgiapp import run  # noqa: PLC0415

        sys.argv = ["gunicorn", "chaland.demo.wsgi:application", *arguments]
        run()
        return
    import django  # noqa: PLC0415

    django.setup()
    from chaland.demo import live, loyalty_load, older  # noqa: PLC0415

    {"live": live, "older": older, "loyalty": loyalty_load}[role].main(*arguments)


if __name__ == "__main__":
    # The demo says who it is: it may be gone before this process could ask for its parent.
    threading.Thread(target=end_with, args=[int(sys.argv[1])], daemon=True).start()
    try:
        main(*sys.argv[2:])
    except KeyboardInterrupt:
        sys.exit(130)  # what is stored goes on from there at the next start
