"""The same attacks on the forbidden scheme and on ours, and how long each takes on this machine.

The attacker is the operator: of the forbidden scheme he has the salt and the stored codes, of ours
everything that is released, and the town's key of the day, which nobody outside a sensor has.
"""

import os
import time
from math import exp

import numpy as np
from numpy.typing import NDArray

from chaland.audit import covisits, till_join
from chaland.audit.covisits import Tally, places_of
from chaland.audit.forbidden import WEEKS_KEPT, SaltedHashes
from chaland.audit.linkage import auc
from chaland.audit.promises import SKETCH_EPSILON
from chaland.audit.report import Attack
from chaland.sensor.privacy.keys import Key, Token, pointer_to
from chaland.wire.mechanism import DEFAULT_MECHANISM

VISITORS = 300
_MAKERS = 35_000
"""Blocks of 2^24 addresses that makers have bought, about."""
_BLOCK = bytes.fromhex("3c3786")
"""One of them; the attack is carried out on a part of it."""


def run(quick: bool) -> list[Attack]:
    """Carry out all attacks."""
    return [
        _brute_force(2**16 if quick else 2**20),
        *_linkages(),
        _membership(20 if quick else 200),
        *_till_joins(quick),
    ]


def _people() -> list[bytes]:
    return [bytes([0x5C]) + os.urandom(5) for _ in range(VISITORS)]


def _brute_force(space: int) -> Attack:
    """Try every address of a maker's block: who of 300 visitors is found by name?"""
    chosen = np.random.default_rng().choice(space, VISITORS, replace=False).tolist()
    people = {_BLOCK + int(n).to_bytes(3, "big") for n in chosen}
    scheme = SaltedHashes()
    scheme.hear(0, 0, people)
    began_s = time.perf_counter()
    codes = scheme.kept[0, 0]
    found = {
        address
        for address in (_BLOCK + n.to_bytes(3, "big") for n in range(space))
        if scheme.code(address) in codes
    }
    seconds = time.perf_counter() - began_s
    days = _MAKERS * 2**24 / (space / seconds) / 86_400
    began_s = time.perf_counter()
    guessed = _most_suspect(people, space)
    return Attack(
        name="brute-force",
        title="Brute force of the address space: share of visitors found by address",
        forbidden=f"{len(found & people)} of {VISITORS} visitors, by trying {space:,} addresses of "
        f"a maker; all makers' take {days:.0f} days of one core, and of a thousand cores "
        f"{days * 24 / 1000:.1f} hours",
        forbidden_success=len(found & people) / VISITORS,
        forbidden_seconds=seconds,
        ours=f"the {VISITORS} most suspect addresses hold {guessed} of {VISITORS} visitors: each "
        f"place stands for {2**48 // DEFAULT_MECHANISM.sketch.places:,} addresses",
        ours_success=guessed / VISITORS,
        ours_bound=None,
        ours_seconds=time.perf_counter() - began_s,
    )


def _most_suspect(people: set[bytes], space: int) -> int:
    """Return how many of the visitors are among as many addresses that the sketch speaks for."""
    truth = np.zeros(DEFAULT_MECHANISM.sketch.places, np.uint8)
    key = os.urandom(32)
    truth[places_of(list(people), key)] = 1
    epsilon = float(SKETCH_EPSILON)
    flips = np.random.default_rng().random(truth.size) > exp(epsilon) / (1 + exp(epsilon))
    suspect = set(np.flatnonzero(truth ^ flips).tolist())
    sample = [_BLOCK + n.to_bytes(3, "big") for n in range(min(space, 2**17))]
    places = places_of(sample, key)
    named = [a for a, place in zip(sample, places, strict=True) if place in suspect]
    chosen = np.random.default_rng().permutation(len(named))[:VISITORS]
    return len(people & {named[i] for i in chosen})


def _linkages() -> list[Attack]:
    """Who comes again on another day, or into another shop?"""
    attacks = []
    for name, title in (
        ("linkage-days", "Linking visits over days: area under the attacker's curve (0.5: blind)"),
        ("linkage-shops", "Linking visits over shops: area under the attacker's curve"),
    ):
        people, scheme = _people(), SaltedHashes()
        began_s = time.perf_counter()
        codes = [scheme.code(address) for address in people]
        area, _, _ = auc(codes, [scheme.code(address) for address in people])
        seconds = time.perf_counter() - began_s
        began_s = time.perf_counter()
        ours, _, _ = auc(_tokens(people), _tokens(people))
        attacks.append(
            Attack(
                name=name,
                title=title,
                forbidden=f"the same code for {WEEKS_KEPT} weeks, in every shop",
                forbidden_success=area,
                forbidden_seconds=seconds,
                ours="tokens under a key of each shop and process; none outlives the visit",
                ours_success=ours,
                ours_bound=0.5,
                ours_seconds=time.perf_counter() - began_s,
            )
        )
    return attacks


def _tokens(people: list[bytes]) -> list[bytes]:
    """Return what our visit table would hold of people: under a key of its own."""
    key, token = Key(), Token()
    tokens = []
    for address in people:
        token.hash(key, pointer_to(bytearray(address)))
        tokens.append(token.value.tobytes())
    key.zero()
    return tokens


def _membership(rounds: int) -> Attack:
    """Was this address in this shop today? Guessed by a holder of the key."""
    scheme, people, others = SaltedHashes(), _people(), _people()
    scheme.hear(0, 0, people)
    began_s = time.perf_counter()
    kept = scheme.kept[0, 0]
    right = np.mean([scheme.code(a) in kept for a in people])
    wrong = np.mean([scheme.code(a) in kept for a in others])
    seconds = time.perf_counter() - began_s
    began_s = time.perf_counter()
    seen = Tally()
    for _ in range(rounds):
        covisits.look(Tally(), seen)
    share: NDArray[np.float64] = seen.bits[:, 1] / seen.bits.sum(axis=1)
    epsilon = float(SKETCH_EPSILON)
    return Attack(
        name="membership",
        title="Was this address there? Advantage over guessing",
        forbidden="every visitor is named, and nobody else",
        forbidden_success=float(right - wrong),
        forbidden_seconds=seconds,
        ours=f"a holder of the day's key is right about a visitor with {share[1]:.2f}, and wrong "
        f"about a stranger with {share[0]:.2f}; without the key he guesses",
        ours_success=float(share[1] - share[0]),
        ours_bound=(exp(epsilon) - 1) / (exp(epsilon) + 1),
        ours_seconds=time.perf_counter() - began_s,
    )


def _till_joins(quick: bool) -> list[Attack]:
    """Receipts with their times, joined with what each scheme keeps of the shops' visitors."""
    part = 10 if quick else 1
    began_s = time.perf_counter()
    there, linked = _forbidden_joins()
    seconds = time.perf_counter() - began_s
    began_s = time.perf_counter()
    presence = till_join.presence(till_join.RUNS // part)
    presence_s = time.perf_counter() - began_s
    linking = till_join.linking(till_join.PAIRS // part)
    linking_s = time.perf_counter() - began_s - presence_s
    said = "who knows all other phones is right in {0.success:.3f} of cases; a guess, in 0.5"
    return [
        Attack(
            name="till-presence",
            title="Till times: was this member's phone there? Advantage over guessing",
            forbidden="six receipts have one code in common, the phone's, kept for four weeks",
            forbidden_success=there,
            forbidden_seconds=seconds,
            ours=said.format(presence),
            ours_success=2 * presence.success - 1,
            ours_bound=2 * presence.allowed - 1,
            ours_seconds=presence_s,
        ),
        Attack(
            name="till-linking",
            title="Till times: are two receipts of one phone? Advantage over guessing",
            forbidden="its code stands beside both receipts",
            forbidden_success=linked,
            forbidden_seconds=seconds,
            ours=said.format(linking),
            ours_success=2 * linking.success - 1,
            ours_bound=2 * linking.fair - 1,
            ours_seconds=linking_s,
        ),
    ]


def _forbidden_joins(members: int = 50, crowd: int = 40) -> tuple[float, float]:
    """Find members' codes by six receipts each; then ask of two more, one with the phone at home.

    Returns the advantage for presence and for linking the seventh receipt to the sixth.
    """
    scheme, when = SaltedHashes(), 0
    right = wrong = linked = mistaken = 0
    for _ in range(members):
        phone = _people()[0]
        receipts = range(when, when + 8)
        when += 8
        for cell in receipts:
            at_home = cell == receipts[7]
            scheme.hear(0, cell, _people()[:crowd] + ([] if at_home else [phone]))
        kept = [scheme.kept[0, cell] for cell in receipts]
        code = set.intersection(*kept[:6])
        right += len(code) == 1 and code <= kept[6]
        wrong += bool(code & kept[7])
        linked += bool(kept[5] & kept[6])
        mistaken += bool(kept[5] & kept[7])
    return (right - wrong) / members, (linked - mistaken) / members
