"""Threads with a real connection each, let go at one moment, on either engine."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


class Racers:
    """So many threads, each with its own connection to the loyalty plane's database."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count)
        self._barrier = threading.Barrier(count)
        self.count = count

    def race(self, work: Callable[[int], T]) -> list[T | Exception]:
        """Run ``work(0..count-1)`` at once; return what each returned or raised."""

        def one(number: int) -> T | Exception:
            connections["loyalty"].ensure_connection()
            connections["default"].ensure_connection()
            self._barrier.wait(60)
            try:
                return work(number)
            except Exception as error:  # noqa: BLE001  # the test asserts on each
                return error

        return list(self._pool.map(one, range(self.count)))

    def alone(self, work: Callable[[], T]) -> T:
        """Run ``work`` in one of the threads: the test's own connection may see another file."""
        return self._pool.submit(work).result()

    def close(self) -> None:
        closing = threading.Barrier(self.count)

        def one(_number: int) -> None:
            closing.wait(60)
            connections.close_all()

        list(self._pool.map(one, range(self.count)))
        self._pool.shutdown()


@contextmanager
def racers(count: int, folder: Path) -> Iterator[Racers]:
    """Open racers. Tests' SQLite lies in memory and knows no waiting: here it is copied to files
    first, which is how the product has it."""
    names = {}
    for alias in ("default", "loyalty"):
        connection = connections[alias]
        names[alias] = connections.settings[alias]["NAME"]
        if connection.vendor == "sqlite":
            path = folder / f"{alias}.sqlite3"
            connection.ensure_connection()
            with sqlite3.connect(path) as copy:
                connection.connection.backup(copy)
                # As `migrate` leaves it: two that change the mode at once don't wait, they fail.
                copy.execute("PRAGMA journal_mode=WAL")
            copy.close()
            connections.settings[alias]["NAME"] = str(path)
    there = Racers(count)
    try:
        yield there
    finally:
        there.close()
        for alias, name in names.items():
            connections.settings[alias]["NAME"] = name
