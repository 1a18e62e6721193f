"""Many at once for one thing, each on connections of its own, on the database configured."""

from collections import Counter
from collections.abc import Callable
from threading import Barrier, Thread
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db import connections, transaction
from nacl.public import PrivateKey

from chaland.hub.footfall.intake.exchange import relay
from chaland.hub.footfall.intake.services import mechanism_of
from chaland.hub.footfall.models import Cell
from chaland.hub.footfall.services import budget
from chaland.hub.footfall.services.budget import OverBudgetFinal
from chaland.wire import exchange as wire
from chaland.wire.periods import local_day
from chaland.wire.signature import sign
from tests.hub.footfall.intake.boxes import NOW, Box

AT_ONCE = 8
PARIS = ZoneInfo("Europe/Paris")
Result = TypeVar("Result")


def at_once(act: Callable[[int], Result]) -> list[Result]:
    """Run ``act(0)`` to ``act(AT_ONCE - 1)`` at the same time, each on connections of its own."""
    barrier, results = Barrier(AT_ONCE), dict[int, Result]()

    def run(number: int) -> None:
        try:
            barrier.wait()
            results[number] = act(number)
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == AT_ONCE
    return [results[number] for number in range(AT_ONCE)]


def offer(boxes: list[Box]) -> Counter[str]:
    """Let each box offer a key of its own; return the names of those that were answered."""
    day = local_day(NOW, PARIS)

    def act(number: int) -> str:
        box, name = boxes[number], boxes[number].sensor.identifier
        key = wire.sign_day_key(box.key, name, day, bytes(PrivateKey.generate().public_key))
        asked = wire.Exchange(name, day, key, "", f"{number:016x}", (), (number,), 0, 0)
        body = wire.encode(asked)
        said = relay(body, sign(box.key, 0, NOW, body), NOW)
        assert isinstance(said, wire.Exchanged)
        return said.key

    return Counter(at_once(act))


def overspend(boxes: list[Box], listed: int) -> Counter[str]:
    """Let all sensors of a shop release one cell, of which ``listed`` may; say how it went."""
    cell = boxes[0].summary(1).cell

    def act(number: int) -> str:
        try:
            with transaction.atomic(using="footfall"):
                budget.spend(boxes[number].sensor.shop_id, cell, PARIS, listed)
                Cell.objects.create(
                    sensor=boxes[number].sensor, shop_id=boxes[number].sensor.shop_id,
                    start=cell.start, windows=3, state="ok", mechanism=mechanism_of(cell),
                )  # fmt: skip
        except OverBudgetFinal:
            return "refused"
        return "stored"

    return Counter(at_once(act))
