"""A transaction that the database gave up for another one's sake is done again, then told."""

import sqlite3

import pytest
from django.db import OperationalError, transaction

from chaland.hub.loyalty import contention


def deadlock() -> OperationalError:
    """What Django raises of a busy database."""
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorcode = sqlite3.SQLITE_BUSY
    error = OperationalError("database is locked")
    error.__cause__ = cause
    return error


class Service:
    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def ask(service: Service) -> str:
    return contention.anew(service)()


def test_it_is_begun_anew_twice() -> None:
    assert ask(Service(deadlock(), deadlock())) == "done"
    given_up = Service(deadlock(), deadlock(), deadlock(), deadlock())
    with pytest.raises(OperationalError):
        ask(given_up)
    assert given_up.asked == 3


def test_another_error_passes_through_at_once() -> None:
    broken = Service(OperationalError("no such table"))
    with pytest.raises(OperationalError):
        ask(broken)
    assert broken.asked == 1


@pytest.mark.django_db
def test_inside_a_transaction_it_is_for_who_opened_that() -> None:
    inner = Service(deadlock())
    with transaction.atomic(using="loyalty"), pytest.raises(OperationalError):
        ask(inner)
    assert inner.asked == 1
