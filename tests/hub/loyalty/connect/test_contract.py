"""The OpenAPI document is kept: whatever is sent, no 5xx, and no answer that it doesn't name.

Short here; the campaign sends hundreds of requests to each address. Examples are derandomised.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chaland.hub.loyalty.connect import calls, people
from chaland.hub.loyalty.members import cards
from tests.hub.loyalty.connect.tills import Till
from tests.loyalty_builders import Loyalty

pytestmark = pytest.mark.django_db
CHECKS: list[CheckFunction] = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
_QUIET = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much)


@pytest.fixture
def operations(till: Till, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    monkeypatch.setattr(calls, "CALLS_PER_MINUTE", 10**9)
    # As Django's own test client does: the test's transaction lives on these connections.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    loaded = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    yield [found.ok() for found in loaded.include(path_regex="/loyalty/").get_all_operations()]
    for signal in signals:
        signal.connect(close_old_connections)


def _try(operation: Any, till: Till, loyalty: Loyalty, examples: int) -> set[int]:
    """Send examples to one address; return the statuses that came back."""
    seen = set()
    own = people.handle(loyalty.member.pk, till.shop_id)

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        suppress_health_check=_QUIET, phases=(Phase.explicit, Phase.generate),
    )  # fmt: skip
    @given(case=operation.as_strategy(), known=st.sampled_from((own, cards.token(loyalty.member))))
    def sent(case: Any, known: str) -> None:
        if isinstance(case.body, dict) and "member" in case.body:
            case.body["member"] = known  # or nothing behind that check would be reached
        answer = case.call_and_validate(
            checks=CHECKS, headers={"Authorization": f"Bearer {till.token}"}
        )
        seen.add(answer.status_code)

    sent()
    return seen


def test_every_answer_is_a_documented_one(
    operations: list[Any], till: Till, loyalty: Loyalty
) -> None:
    seen = {op.label: _try(op, till, loyalty, 8) for op in operations}
    assert len(seen) == 13
    assert set().union(*seen.values()) >= {200, 201, 404}


@pytest.mark.campaign
def test_every_answer_is_a_documented_one_at_length(
    operations: list[Any], till: Till, loyalty: Loyalty
) -> None:
    for operation in operations:
        _try(operation, till, loyalty, 400)
