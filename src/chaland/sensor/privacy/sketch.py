"""The co-visit sketch (row E5): which addresses visited today, deniably at every instant.

Each address has one place: BLAKE2b under the town's key of the day, modulo the places. A place
holds the randomised response to "did it visit?" (a bit), or, in the ordered part, to "not, or last
before or after 14:00?" (a symbol). All places begin as responses to "no visit", drawn when the key
comes; an arrival draws the address's place anew. So at every instant each place is one randomised
response to what is true of the addresses that share it, and memory holds nothing else: no address,
no token, no list of places; a second visit changes nothing but the dice.

After Alaggan, Gambs, Kermarrec, "BLIP" (2012), made pan-private as the density estimator of Dwork,
Naor, Pitassi, Rothblum, Yekhanin, "Pan-private streaming algorithms" (2010).
docs/explanation/privacy-mechanism.md has the proof.
"""

from datetime import UTC, date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from chaland.sensor.privacy.keys import Key, Pointer, Token
from chaland.sensor.privacy.random_bits import RandomBits
from chaland.sensor.privacy.response import respond, respond_many
from chaland.sensor.privacy.town_key import TownKey
from chaland.wire.mechanism import SketchMechanism
from chaland.wire.periods import CELL_S, day_bounds
from chaland.wire.sketch import DaySketch

_US = 1_000_000
_CELL_US = CELL_S * _US
_NO_VISIT, _VISIT = 0, 1
_BEFORE, _AFTER = 1, 2


class Sketch:
    """The sketch of one local day. It counts from the first whole cell after the key came."""

    def __init__(
        self,
        mechanism: SketchMechanism,
        bits: RandomBits,
        town_key: TownKey | None,
        day: date | None,
        timezone: ZoneInfo,
    ) -> None:
        """Prepare all memory. Without ``town_key`` or ``day`` it stays empty.

        Raises MemoryNotLockedFinal.
        """
        self._mechanism = mechanism
        self._epsilon = Fraction(mechanism.epsilon)
        self._random = bits
        self._town_key = town_key
        self._day = day
        self._held = ""
        """The name of the key under which it counts; "" while it is empty."""
        if day is not None:
            bounds = day_bounds(day, timezone)
            afternoon = datetime.combine(day, mechanism.afternoon_from, timezone)
            self._start_us, self._end_us, self._afternoon_us = (
                int(instant.timestamp()) * _US for instant in (*bounds, afternoon)
            )
        self._key = Key()
        self._token = Token()
        self._state: NDArray[np.uint8] = np.zeros(mechanism.places, np.uint8)
        self._places = np.full(1, mechanism.places, np.uint64)
        self._first_ordered = np.full(1, mechanism.bits, np.uint64)
        self._place: NDArray[np.uint64] = np.zeros(1, np.uint64)
        self._index = self._place.view(np.intp)
        self._is_ordered: NDArray[np.bool_] = np.zeros(1, np.bool_)
        self._answer: NDArray[np.uint8] = np.zeros(1, np.uint8)
        self._symbol: NDArray[np.uint8] = np.zeros(1, np.uint8)
        self.zero()

    def notice(self, now_us: int) -> None:
        """Follow the town's key: begin anew when another one came, be empty when it went.

        ``now_us``: the receiver's time, microseconds since the epoch. Called once a second.
        """
        town_key = self._town_key
        if town_key is None or self._day is None or town_key.held == self._held:
            return
        self.zero()
        since_us = max(-(-now_us // _CELL_US) * _CELL_US, self._start_us)
        if since_us < self._end_us:
            self._held = town_key.copy_to(self._key)
        if self._held:
            self._since_us = since_us
            self._state[:] = self._nobody()

    def visit(self, address: Pointer, now_us: int) -> None:
        """Draw the place of an arriving address anew, as the response to its visit now."""
        if self._held and self._since_us <= now_us < self._end_us:
            self._redraw(address, _VISIT, _BEFORE if now_us < self._afternoon_us else _AFTER)

    def forget(self, address: Pointer) -> None:
        """Draw the place of an objecting address anew, as if nobody of that place had visited."""
        if self._held:
            self._redraw(address, _NO_VISIT, _NO_VISIT)

    def release(self, day: date, cell_us: int) -> DaySketch | None:
        """Return the sketch of ``day``, which ends with the cell from ``cell_us``; forget it all.

        None where there is none of that day, or it had not begun to count. Where it was its day,
        the town's key has served, and is overwritten.
        """
        if day != self._day:
            return None
        released = self._released(day) if self._held and self._since_us <= cell_us else None
        self.zero()
        if self._town_key is not None:
            self._town_key.zero()
        return released

    def zero(self) -> None:
        """Forget the key and every place."""
        self._held = ""
        self._since_us = 0
        self._key.zero()
        self._token.zero()
        self._state[:] = 0
        self._forget_place()

    def _released(self, day: date) -> DaySketch:
        size = self._mechanism.bits
        return DaySketch(
            day=day,
            since=datetime.fromtimestamp(self._since_us // _US, UTC),
            key=self._held,
            bits=self._state[:size].tobytes(),
            symbols=self._state[size:].tobytes(),
            epsilon=self._mechanism.epsilon,
        )

    def _nobody(self) -> NDArray[np.uint8]:
        sizes = (self._mechanism.bits, 2), (self._mechanism.ordered, 3)
        return np.concatenate(
            [
                respond_many(np.zeros(size, np.uint8), symbols, self._epsilon, self._random)
                for size, symbols in sizes
            ]
        )

    def _redraw(self, address: Pointer, bit: int, symbol: int) -> None:
        """Put a new answer in the address's place. Both kinds of answer are drawn, and the place
        goes from array to array: neither time nor a Python object tells which place it was."""
        self._answer[0] = respond(bit, 2, self._epsilon, self._random)
        self._symbol[0] = respond(symbol, 3, self._epsilon, self._random)
        self._token.hash(self._key, address)
        np.remainder(self._token.value, self._places, out=self._place)
        self._token.zero()
        np.greater_equal(self._place, self._first_ordered, out=self._is_ordered)
        np.copyto(self._answer, self._symbol, where=self._is_ordered)
        self._state.put(self._index, self._answer)
        self._forget_place()

    def _forget_place(self) -> None:
        self._place[0] = 0
        self._is_ordered[0] = False
        self._answer[0] = self._symbol[0] = 0
