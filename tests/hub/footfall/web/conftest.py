"""A town on a Saturday afternoon, and browsers of its cast."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from chaland.hub.association.models import User
from tests import builders

SATURDAY = datetime(2026, 11, 21, 15, 20, tzinfo=UTC)
ClientOf = Callable[[User], Client]


@pytest.fixture
def saturday() -> Iterator[None]:
    with time_machine.travel(SATURDAY):
        yield


@pytest.fixture(scope="module")
def kept_town(kept: None) -> builders.Cast:
    """Five shops with ten days behind them; see ``builders.build_town`` for their faults."""
    with time_machine.travel(SATURDAY):
        made = builders.build_cast(5)
        builders.build_town(made, SATURDAY, weeks=2)
    return made


@pytest.fixture
def cast(kept_town: builders.Cast, saturday: None, db: None) -> builders.Cast:
    return deepcopy(kept_town)


@pytest.fixture
def client_of() -> ClientOf:
    def signed_in(user: User) -> Client:
        client = Client(HTTP_ACCEPT_LANGUAGE="en")
        client.force_login(user)
        client.cookies["django_language"] = "en"
        return client

    return signed_in
