"""A sensor's process for the memory scan: the real source and pipeline over standard input.

Run as ``python sensor_process.py FAULT DESCRIPTOR``. Test-only hook: each new key is written to
the descriptor, straight from its locked page, so that the harness can work out the tokens without
this process ever holding them elsewhere. FAULT plants what the scan must find.
"""

import os
import sys
from typing import Any
from zoneinfo import ZoneInfo

from chaland.sensor import pipeline
from chaland.sensor.capture.files import open_source
from chaland.sensor.presence.visits import VisitTable
from chaland.sensor.privacy.keys import KEY_SIZE, Key

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
    """Make the pipeline keep one address, or one token, in a Python object."""
    count = pipeline.Pipeline._count
    sight = VisitTable.sight

    def count_and_keep(self: pipeline.Pipeline) -> Any:
        at = self._observation.address_at
        KEPT.setdefault("address", bytes(self._buffer[at : at + 6]))
        return count(self)

    def sight_and_keep(self: VisitTable, *arguments: Any) -> Any:
        drop = sight(self, *arguments)
        KEPT.setdefault("token", int(self._tokens[0]))
        return drop

    if fault == "address":
        pipeline.Pipeline._count = count_and_keep  # type: ignore[method-assign]
    elif fault == "token":
        VisitTable.sight = sight_and_keep  # type: ignore[method-assign]


def main() -> None:
    """Run the day over standard input; say nothing but keys."""
    tell_keys()
    plant(sys.argv[1])
    config = pipeline.PipelineConfig(ZoneInfo("Europe/Paris"))
    for _ in pipeline.Pipeline(config, open_source("-")).run():
        pass


if __name__ == "__main__":
    main()
