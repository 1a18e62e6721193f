"""The director's page in a real browser: seen, clicked, shared, exported."""

from datetime import UTC, datetime

import pytest
import time_machine

from tests import builders
from tests.e2e.conftest import Site

SATURDAY = datetime(2026, 11, 21, 15, 20, tzinfo=UTC)


@pytest.fixture
def town(transactional_db: None) -> builders.Cast:
    """Eight shops with ten weeks behind them, on a Saturday afternoon."""
    with time_machine.travel(SATURDAY):
        cast = builders.build_cast(8, simulated=True)
        builders.build_town(cast, SATURDAY)
    return cast


def test_the_page_looks_right_everywhere(site: Site, town: builders.Cast) -> None:
    with time_machine.travel(SATURDAY):
        site.sign_in(town.director.email, builders.PASSWORD)
        site.page.wait_for_selector("[data-chart] canvas")
        site.check_everywhere("director")
