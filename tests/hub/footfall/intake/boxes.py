"""A sensor's box as the hub sees it, for the tests of intake and of what follows from it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from nacl.signing import SigningKey

from chaland.hub.association.models import Shop
from chaland.hub.footfall.intake.services import Receipt, accept
from chaland.hub.footfall.models import Sensor
from chaland.wire.signature import sensor_identifier, sign
from chaland.wire.summary import CellCounts, Count, Mode, State, Summary, encode

TOWN_KEY = SigningKey(bytes(range(1, 33)))
NOW = datetime(2026, 3, 14, 12, 15, 3, tzinfo=UTC)


@dataclass
class Box:
    """A sensor's box as the hub sees it: a key, a number that grows, one cell after the other."""

    key: SigningKey
    sensor: Sensor

    def summary(self, sequence: int, **changes: object) -> Summary:
        start = NOW.replace(minute=0, second=0) + timedelta(minutes=15 * (sequence - 1))
        counts = {
            "fingerprints": Count(41, 3, "0.6"),
            "scans": Count(96, 3, "0.15"),
            "arrivals": Count(-4, 1, "0.46"),
            "passers_by": Count(2, 1, "0.46"),
        }
        cell = CellCounts(start, 3, State.OK, Mode.DEFAULT, counts)
        cell_changes = {k: v for k, v in changes.items() if k in CellCounts.__slots__}
        rest = {k: v for k, v in changes.items() if k not in cell_changes}
        whole = Summary(self.sensor.identifier, sequence, self.at(sequence), False, cell)
        return replace(whole, cell=replace(cell, **cell_changes), **rest)  # type: ignore[arg-type]

    def at(self, sequence: int) -> datetime:
        """The instant at which a box sends that summary."""
        return NOW + timedelta(minutes=15 * (sequence - 1))

    def send(
        self, summary: Summary | bytes, sequence: int = 0, at: datetime | None = None
    ) -> Receipt:
        body = summary if isinstance(summary, bytes) else encode(summary)
        sequence = sequence or (summary.sequence if isinstance(summary, Summary) else 1)
        at = at or self.at(sequence)
        return accept(body, sign(self.key, sequence, at, body), at)


def enrol(key: SigningKey, shop: Shop) -> Sensor:
    public = bytes(key.verify_key)
    return Sensor.objects.create(
        identifier=sensor_identifier(public), shop_id=shop.pk, public_key=public, enrolled_at=NOW
    )
