"""A town with four months of receipts, up to a Saturday in November, and browsers of its cast."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from chaland.hub.association.models import User
from tests import builders, loyalty_receipts
from tests.loyalty_builders import build_members

SATURDAY = datetime(2026, 11, 21, 15, 20, tzinfo=UTC)
ClientOf = Callable[[User], Client]


@pytest.fixture
def saturday() -> Iterator[None]:
    with time_machine.travel(SATURDAY):
        yield


@pytest.fixture
def cast(saturday: None, db: None) -> builders.Cast:
    """Five shops; the fifth has six members, too few to be shown."""
    made = builders.build_cast(5)
    members = build_members(made, 60)
    loyalty_receipts.build_receipts(made, members, SATURDAY)
    return made


@pytest.fixture
def client_of() -> ClientOf:
    def signed_in(user: User) -> Client:
        client = Client(HTTP_ACCEPT_LANGUAGE="en")
        client.force_login(user)
        client.cookies["django_language"] = "en"
        return client

    return signed_in
