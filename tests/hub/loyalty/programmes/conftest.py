"""A town with three programmes and three members."""

import pytest

from tests.builders import build_cast
from tests.loyalty_builders import Loyalty, build_loyalty


@pytest.fixture
def town(db: None) -> Loyalty:
    return build_loyalty(build_cast(3))
