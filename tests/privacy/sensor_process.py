"""A sensor's process for the memory scan: the real source and pipeline over standard input.

Run as ``python sensor_process.py FAULT DESCRIPTOR``. Test-only hook: each new key is written to
the descriptor, straight from its locked page, so that the harness can work out the tokens without
this process ever holding them elsewhere. FAULT plants what the scan must find.
"""

import os
import sys
import threading
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from chaland.sensor import pipeline
from chaland.sensor.capture.files import open_source
from chaland.sensor.presence.visits import VisitTable
from chaland.sensor.privacy.keys import KEY_SIZE, Key
from chaland.sensor.privacy.sketch import Sketch
from chaland.sensor.privacy.town_key import TownKey

DAY = date(2023, 11, 15)
KEYS_TO = int(sys.argv[2])
KEPT: dict[str, Any] = {}


def tell_keys() -> None:
    """Announce every key; a window's comes before the visit table's."""
    renew = Key.renew

    def renew_and_tell(key: Key) -> None:
        renew(key)
        os.write(KEYS_TO, memoryview(key._page)[:KEY_SIZE])

    Key.renew = renew_and_tell  # type: ignore[method-assign]


def plant(fault: str) -> None:
    """Make the pipeline keep one address, token or key in a Python object."""
    count = pipeline.Pipeline._count
    sight, visit, copy_to = VisitTable.sight, Sketch.visit, TownKey.copy_to

    def count_and_keep(self: pipeline.Pipeline) -> Any:
        at = self._observation.address_at
        KEPT.setdefault("address", bytes(self._buffer[at : at + 6]))
        return count(self)

    def sight_and_keep(self: VisitTable, *arguments: Any) -> Any:
        drop = sight(self, *arguments)
        KEPT.setdefault("token", int(self._tokens[0]))
        return drop

    def visit_and_keep(self: Sketch, address: Any, now_us: int) -> None:
        self._token.hash(self._key, address)
        KEPT.setdefault("token of the day", int(self._token.value[0]))
        visit(self, address, now_us)

    def copy_and_keep(self: TownKey, key: Key) -> str:
        KEPT["town key"] = bytes(self._key._page[:KEY_SIZE])
        return copy_to(self, key)

    if fault == "address":
        pipeline.Pipeline._count = count_and_keep  # type: ignore[method-assign]
    elif fault == "token":
        VisitTable.sight = sight_and_keep  # type: ignore[method-assign]
    elif fault == "day":
        Sketch.visit = visit_and_keep  # type: ignore[method-assign]
        TownKey.copy_to = copy_and_keep  # type: ignore[method-assign]


def exchange_keys() -> TownKey:
    """Return a holder that has the town's key from a sealed box, as all sensors but one do.

    The thread that took it stays: nothing overwrites its stack, as in the day's process.
    """
    holder, taken = TownKey(), threading.Event()

    def take() -> None:
        maker = TownKey()
        assert maker.adopt()
        assert holder.open(maker.seal(holder.public_key), maker.held)
        maker.zero()
        taken.set()
        threading.Event().wait()

    threading.Thread(target=take, daemon=True).start()
    assert taken.wait(10)
    return holder


def main() -> None:
    """Run the day over standard input; say nothing but keys."""
    town_key = exchange_keys()
    tell_keys()
    plant(sys.argv[1])
    config = pipeline.PipelineConfig(ZoneInfo("Europe/Paris"), day=DAY)
    for _ in pipeline.Pipeline(config, open_source("-"), town_key=town_key).run():
        pass


if __name__ == "__main__":
    main()
