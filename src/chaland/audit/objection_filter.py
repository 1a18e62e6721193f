"""F10: the objection list is no register of people, and no weapon against the town."""

import hashlib
import os
from collections import Counter
from math import log, sqrt

import numpy as np

from chaland.audit.bench import Bench
from chaland.audit.promises import objection_bit
from chaland.audit.report import FALSE_ALARM, Outcome
from chaland.sensor.privacy.keys import pointer_to
from chaland.sensor.privacy.objection import ObjectionFilter

BITS = 2**16
NEW_IN_A_WINDOW = 64
NEW_A_DAY, STANDING = 128, 1024
ADDRESSES = 20_000


def judge(bench: Bench) -> Outcome:
    """Fill the sensor's filter and the hub's."""
    outcome = Outcome()
    _one_spread_bit(outcome)
    _limit(outcome)
    _correction(outcome)
    _hub(bench, outcome)
    return outcome


def _bit_of(address: bytes) -> tuple[int, ...]:
    """Return the bits that an address sets in an empty filter."""
    one = ObjectionFilter()
    one.add(pointer_to(bytearray(address)))
    return one.take_new()


def _one_spread_bit(outcome: Outcome) -> None:
    """One bit for each address, the same in every sensor, spread over 2^16 evenly."""
    seen: Counter[int] = Counter()
    tries = ADDRESSES // 8
    for _ in range(tries):
        address = os.urandom(6)
        bits = _bit_of(address)
        outcome.require(len(bits) == 1, f"an address sets {len(bits)} bits, not one")
        seen.update(bits)
        if len(seen) < 50:
            outcome.require(
                bits == (objection_bit(address),), "sensors do not agree on an address's bit"
            )
    outcome.require(all(0 <= bit < BITS for bit in seen), "a bit lies outside of 2^16")
    high = Counter(bit >> 8 for bit in seen.elements())
    low = Counter(bit & 255 for bit in seen.elements())
    for name, counts in (("high", high), ("low", low)):
        square = sum((counts[i] - tries / 256) ** 2 / (tries / 256) for i in range(256))
        off = (square - 255) / sqrt(2 * 255)
        outcome.require(abs(off) < 8, f"the {name} half of the bit numbers is not evenly spread")
    near = {bit for i in range(64) for bit in _bit_of(b"\x5c\x00\x00\x00\x00" + bytes([i]))}
    outcome.require(len(near) > 56, "neighbouring addresses share bits: the bit tells of the maker")
    outcome.measure("addresses that one bit stands for", 2**48 // BITS, "2^32")


def _limit(outcome: Outcome) -> None:
    one = ObjectionFilter()
    for i in range(500):
        one.add(pointer_to(bytearray(hashlib.sha256(bytes([i % 256, i // 256])).digest()[:6])))
    set_bits = len(one.take_new())
    outcome.measure("new bits of 500 objections in one window", set_bits, NEW_IN_A_WINDOW)
    outcome.require(set_bits <= NEW_IN_A_WINDOW, "forged objections fill the filter in a window")


def _correction(outcome: Outcome) -> None:
    """The share that is said to be excluded is the share that is."""
    one = ObjectionFilter()
    town = np.zeros(BITS // 8, np.uint8)
    town[: BITS // 32] = 255
    one.share(town.tobytes())
    one.notice(1)
    told = one.share_excluded
    barred = sum(one.holds(pointer_to(bytearray(os.urandom(6)))) for _ in range(ADDRESSES))
    slack = sqrt(log(2 / (FALSE_ALARM / 100)) / 2 / ADDRESSES)
    outcome.measure("share of addresses barred by a quarter-full filter", barred / ADDRESSES, told)
    outcome.require(abs(barred / ADDRESSES - told) <= slack, "the share excluded is not as told")


def _hub(bench: Bench, outcome: Outcome) -> None:
    town = bench.town
    box = town.enrol(1)
    town.sign_charter(box)
    found = town.inside("objection_limits", key=(box.state / "key").read_text().strip())
    outcome.measure("bits that one sensor sets in a day", found["a_day"], NEW_A_DAY)
    outcome.measure("bits that stand in one sensor's name", found["standing"], STANDING)
    outcome.measure("bits left a month later", found["after_a_month"], 0)
    outcome.require(found["a_day"] <= NEW_A_DAY, "a sensor can set any number of bits in a day")
    outcome.require(found["standing"] <= STANDING, "a sensor can fill the filter over the days")
    outcome.require(found["after_a_month"] == 0, "objections do not expire")
    outcome.require(not found["quiet"] and found["alarm"], "a full filter raises no alarm")
    wanted = {"id", "association_id", "bit", "sensor", "first_asked_on"}
    outcome.require(
        set(found["fields"]) <= wanted, f"the hub notes more of an objection: {found['fields']}"
    )
