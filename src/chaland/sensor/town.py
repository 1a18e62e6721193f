"""The day's process among the town's others: it trusts the charter and its own keys, not the hub.

What comes from the hub is believed only where the charter's signature, or that of a sensor which
the charter names, proves it. A hub that lies can keep sensors from comparing their sketches; it
can't make one use a key that it knows.
"""

from collections.abc import Callable
from datetime import date

from chaland.sensor.charter import Refusal, accept, permission
from chaland.sensor.orders import Copy, DayOrders, KeyNews
from chaland.sensor.privacy.objection import ObjectionFilter
from chaland.sensor.privacy.town_key import TownKey
from chaland.wire.charter import Charter
from chaland.wire.exchange import Exchanged, SealedCopy, is_copy, is_day_key


class Town:
    """What one day's process knows of its town. Not for two threads at once.

    ``say`` hands news of the keys up, whenever there are some; they hold no secret.
    """

    def __init__(self, orders: DayOrders, say: Callable[[KeyNews], None]) -> None:
        """Raises MemoryNotLockedFinal when the keys' memory can't be locked."""
        self.key = TownKey()
        self.objections = ObjectionFilter()
        self._sensor, self._pin = orders.sensor, orders.town_key
        self._day = date.fromisoformat(orders.day)
        self._charter: Charter | None = None
        self._say = say
        self._told: KeyNews | None = None

    @property
    def refusal(self) -> Refusal | None:
        """Why the charter that came does not permit to listen on this day; None if it does."""
        return permission(self._charter, self._sensor, self._day)

    def hear(self, said: Exchanged) -> None:
        """Take what the hub said, as far as it is proved, and say what is new of the keys.

        Raises CharterRefusedFinal for a charter that is not to be obeyed; nothing is taken then.
        """
        if said.charter:
            self._charter = accept(said.charter, self._pin, self._charter)
        if said.filter:
            self.objections.share(said.filter)
        copies: tuple[Copy, ...] = ()
        if said.day == self._day and said.key and self._charter is not None:
            copies = self._settle(said, self._charter)
        self.tell(copies)

    def tell(self, copies: tuple[Copy, ...] = ()) -> None:
        """Say what may be known of the keys, unless that was said last."""
        key = self.key
        news = KeyNews(key.public_key, key.held, "" if key.held else key.offered, copies)
        if news != self._told:
            self._told = news
            self._say(news)

    def _settle(self, said: Exchanged, charter: Charter) -> tuple[Copy, ...]:
        """Come to hold the town's current key; return copies of it for those who want one."""
        key = self.key
        if key.held and key.held != said.key:
            key.drop()  # the town went on under another one: ours can be compared with nobody's
        if not key.held and said.key == key.offered:
            key.adopt()
        copy = said.copy
        if not key.held and copy is not None and self._is_ours(copy, said, charter):
            key.open(copy.box, copy.key)
        return tuple(self._sealed(said, charter)) if key.held == said.key else ()

    def _is_ours(self, copy: SealedCopy, said: Exchanged, charter: Charter) -> bool:
        """Tell whether another of the charter's sensors sealed this for our key of this day."""
        maker = charter.sensor(copy.maker)
        return (
            maker is not None
            and maker.sensor != self._sensor
            and copy.key == said.key
            and copy.recipient == self._sensor
            and copy.recipient_key == self.key.public_key
            and is_copy(copy, self._day, maker.public_key)
        )

    def _sealed(self, said: Exchanged, charter: Charter) -> list[Copy]:
        """Seal the key for those who want it and are named by the charter; others get nothing."""
        copies = []
        for wants in said.wanting:
            listed = charter.sensor(wants.sensor)
            if listed is None or wants.sensor == self._sensor:
                continue
            if not is_day_key(wants, self._day, listed.public_key):
                continue
            try:
                box = self.key.seal(wants.public_key)
            except ValueError:  # a weak key: whoever signed it wants nothing to be sealed
                continue
            if box:
                copies.append(Copy(wants.sensor, wants.public_key, said.key, box))
        return copies
