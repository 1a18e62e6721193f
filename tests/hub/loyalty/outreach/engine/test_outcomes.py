"""What a gateway answered at once: written whole or not at all, and kept when the worker dies."""

from pathlib import Path
from uuid import UUID

import pytest

from chaland.hub.loyalty.models import Delivery, Suppression
from chaland.hub.loyalty.outreach import stopping
from chaland.hub.loyalty.outreach.engine import outcomes, recovering
from chaland.hub.loyalty.outreach.engine.journal import Journal
from chaland.hub.loyalty.outreach.shapes import Outcome, Result
from tests.hub.loyalty.outreach.engine.conftest import Town

pytestmark = pytest.mark.django_db


def nobody_there(key: UUID) -> Outcome:
    return Outcome(key.hex, Result.REFUSED, code="550 5.1.1", bad_address=True)


def test_an_address_that_is_none_is_suppressed_with_its_outcome_or_neither_is(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Delivery.objects.order_by("pk")[0]
    Delivery.objects.filter(pk=row.pk).update(state=Delivery.State.SENDING, sending_at=town.now)
    told = {row.pk: nobody_there(row.key)}

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(stopping, "_stop", killed)
        with pytest.raises(KeyboardInterrupt):
            outcomes.write(told, town.now)
    assert Delivery.objects.get(pk=row.pk).state == Delivery.State.SENDING
    assert outcomes.write(told, town.now) == {"not_sent": 1}
    assert Suppression.objects.get().cause == Suppression.Cause.BOUNCED


def test_a_dead_worker_s_journal_still_knows_that_an_address_is_none(
    town: Town, tmp_path: Path
) -> None:
    row = Delivery.objects.order_by("pk")[0]
    dying = Journal(tmp_path / "journal", town.now, lambda: False)
    Delivery.objects.filter(pk=row.pk).update(
        state=Delivery.State.SENDING,
        sending_at=town.now,
        lease=dying.worker,
        leased_until=town.later(minutes=5),
    )
    dying.drawn(row.key)
    dying.said(nobody_there(row.key))
    dying.close(lambda: None)
    heir = Journal(tmp_path / "journal", town.now, lambda: True)
    assert recovering.recover(heir, town.now) == {"not_sent": 1}
    heir.close(lambda: None)
    assert Suppression.objects.get().delivery_id == row.pk
