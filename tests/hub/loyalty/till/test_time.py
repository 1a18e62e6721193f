"""Time as people at a till have it: in a town that lives faster, on a device that is wrong."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from chaland.hub.common import clock
from chaland.hub.loyalty.account import links
from chaland.hub.loyalty.ledger import services as ledger
from chaland.hub.loyalty.models import Receipt
from chaland.hub.loyalty.till import devices
from tests.hub.loyalty.programmes.sides import ROOT

from .conftest import NOON, Counter

pytestmark = pytest.mark.django_db


@pytest.fixture
def fast_town(noon: time_machine.Traveller) -> Iterator[None]:
    """The demo's: it lives fifteen times faster than who looks at it."""

    def real() -> datetime:
        return datetime.now(UTC)

    clock.use(lambda: NOON + 15 * (real() - NOON), real=real)
    yield
    clock.use(real)


def test_a_fast_town_leaves_people_their_minutes(
    counter: Counter, noon: time_machine.Traveller, fast_town: None
) -> None:
    till = counter.till
    _till, code = devices.add_till(
        association_id=till.association_id, shop_id=till.shop_id, name="2"
    )
    link = links.account_link(counter.member.pk, "till:1").rstrip("/").rpartition("/")[2]
    counter.page.attach(50_000)
    ref = counter.page.found()["ref"]
    card = counter.page.post("member", member=ref)
    reward = next(r for r in card["rewards"] if r["kind"] == "amount")
    hold = counter.page.write("reserve", member=ref, reward=reward["id"], wanted_cents=100)
    undo = counter.page.attach(2350)["undo"]
    noon.shift(timedelta(seconds=9))
    counter.page.write("undo", undo=undo)
    noon.shift(timedelta(minutes=5))  # more than an hour in the town
    ledger.lapse_holds(clock.now())
    counter.page.write("confirm", hold=hold["hold"])
    assert links.open_link(link)
    devices.pair(code)


def test_a_page_is_told_the_hubs_time(counter: Counter) -> None:
    headers = {"X-Till": "1"}
    answer = counter.page.client.post("/till/state", {}, "application/json", headers=headers)
    assert datetime.fromisoformat(answer["X-Till-Now"]) == NOON


def test_a_typed_receipt_is_known_by_what_people_read(counter: Counter) -> None:
    code = counter.page.attach(1000)["code"]
    counter.page.attach(1100, number="0 042")
    assert [receipt.number for receipt in Receipt.objects.order_by("pk")] == [code, "0 042"]


PREVIEW = """
import { preview } from "./assets/src/till/preview.js";
const rule = (from, to) => ({
  id: 1, kind: "spend", parameters: { units: 1, per_cents: 100 }, name: "", sponsor_id: null,
  starts_at: from, ends_at: to });
const till = { shop: { timezone: "Europe/Paris" }, programmes: [
  { kind: "points", name: "over", rules: [rule("2026-01-01T00:00:00Z", "2026-06-02T09:00:00Z")] },
  { kind: "points", name: "now", rules: [rule("2026-06-02T10:00:00+00:00", null)] },
  { kind: "points", name: "later", rules: [rule("2026-06-02T10:00:01Z", null)] } ] };
const sale = { amount_cents: 1000, issued_at: "2026-06-02T10:00:00.000Z" };
console.log(JSON.stringify(preview(till, sale).map(({ why }) => why)));
"""


def test_the_preview_knows_when_a_rule_begins_and_ends() -> None:
    node = shutil.which("node") or str(Path(sys.executable).parent / "node")
    said = subprocess.check_output(
        [node, "--no-warnings", "--input-type=module", "-e", PREVIEW], cwd=ROOT, text=True
    )
    assert json.loads(said) == ["now"]
