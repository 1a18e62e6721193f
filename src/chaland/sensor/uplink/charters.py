"""The charter on the box's disk: the newest that was accepted, and the town key that it trusts."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from chaland.sensor.charter import CharterRefusedFinal, Refusal, accept, permission
from chaland.sensor.uplink.durable import write_whole
from chaland.wire.charter import MAX_BYTES, Charter, decode
from chaland.wire.errors import WireErrorFinal

CHARTER_NAME = "charter.json"


class CharterStore:
    """The charter in force for ``sensor``, in ``directory``.

    ``town_key`` is the fingerprint pinned when the box was enrolled; "" trusts the key of the
    first charter that is signed and names this sensor, and hands its fingerprint to ``pin``. Raises
    OSError when the disk can't be read, or what ``pin`` writes not be written.
    """

    def __init__(
        self, directory: Path, sensor: str, town_key: str, pin: Callable[[str], None]
    ) -> None:
        self.charter: Charter | None = None
        self.town_key = town_key
        self._path = directory / CHARTER_NAME
        self._sensor, self._pin = sensor, pin
        self._fault: Refusal | None = None
        self._load()

    def refusal(self, today: date) -> Refusal | None:
        """Return why the sensor may not listen on a local day; None if it may."""
        return self._fault or permission(self.charter, self._sensor, today)

    def receive(self, text: str) -> Charter | None:
        """Keep a charter that came, if it is to be obeyed; return it if it is a new one.

        Raises CharterRefusedFinal when it is not to be obeyed, OSError when the disk refuses.
        """
        try:
            charter = accept(text, self.town_key or self._first_key(text), self.charter)
        except CharterRefusedFinal as refused:
            if self.charter is None:
                self._fault = refused.refusal
            raise
        if charter == self.charter:
            return None
        write_whole(self._path, text.encode("ascii"))
        self._put_in_force(charter)
        return charter

    def _put_in_force(self, charter: Charter) -> None:
        if not self.town_key:
            self._pin(charter.fingerprint)
            self.town_key = charter.fingerprint
        self.charter, self._fault = charter, None

    def _first_key(self, text: str) -> str:
        """Return the fingerprint to trust: of a charter that at least names this sensor."""
        try:
            charter = decode(text.encode("ascii"))
        except (WireErrorFinal, UnicodeEncodeError):
            raise CharterRefusedFinal(Refusal.FORGED) from None
        if charter.sensor(self._sensor) is None:
            raise CharterRefusedFinal(Refusal.NOT_LISTED)
        return charter.fingerprint

    def _load(self) -> None:
        """Read the file; what was changed on the disk is not obeyed, and can come again."""
        try:
            text = self._path.read_bytes()[: MAX_BYTES + 1].decode("ascii", "replace")
        except FileNotFoundError:
            return
        try:
            self._put_in_force(accept(text, self.town_key or self._first_key(text), None))
        except CharterRefusedFinal as refused:
            self._fault = refused.refusal
