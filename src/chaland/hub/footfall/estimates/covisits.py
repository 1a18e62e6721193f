"""A town's day as it is kept once the sketches are deleted: unbiased estimates and their noise."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from chaland.hub.footfall.estimates import sketches as sketched
from chaland.hub.footfall.estimates.noise import Floats
from chaland.hub.footfall.estimates.sketches import COUNTED_MIN, Sketches

Ints = NDArray[np.int64]

VERSION = 2
WHOLE_MIN = 0.95
"""Shops that counted this share of their day count as whole where a share can not be filled up."""
_HEAD = struct.Struct("<BHH")


@dataclass(frozen=True)
class TownDay:
    """One day's unbiased estimates over S shops in Z zones; negative values are noise, and stay.

    All count different followable visitors of the day. ``visitors`` (S,) and ``variance`` (S,);
    ``covisits`` (S, S) symmetric, NaN where two shops can't be compared and on the diagonal. Their
    errors: ``noise`` (S,) and ``coupling`` as in ``sketches.covisits``. ``directed`` (S, S): the
    last visit to the row's shop before the hour, to the column's after it; its variance is
    ``noise_before[s] * noise_after[t]``. ``union`` and ``union_variance`` (Z, Z): different
    visitors of the zones together, of one zone on the diagonal. ``answers`` (S + 1,): at how many
    bits' places none, one, ... all of ``sampled`` shops answered "somebody", truly or not, in
    sketches of ``places`` places at ``epsilon``; all 0 with fewer than two shops.
    """

    shops: Ints
    zones: Ints
    visitors: Floats
    variance: Floats
    covisits: Floats
    noise: Floats
    coupling: float
    directed: Floats
    noise_before: Floats
    noise_after: Floats
    zone_ids: Ints
    union: Floats
    union_variance: Floats
    sampled: int
    answers: Floats
    places: int
    epsilon: float


def close_day(sketches: Sketches) -> TownDay:
    """Estimate a day from its sketches, after which they can be deleted.

    Shops that counted less than half of their day, and those whose sketch is saturated, are left
    out as if they had sent none. What a late shop missed is filled up in proportion, and the share
    that objections bar by accident is added to all.
    """
    counted = _rows(sketches, sketches.counted >= COUNTED_MIN)
    whole = _rows(counted, ~sketched.is_saturated(sketched.parts(counted)))
    if not len(whole.shops):
        return _nothing()
    kinds, places = sketched.parts(whole), whole.places
    more = 1 / (1 - whole.excluded)
    late = 1 / whole.counted
    visitors, variance = sketched.visitors(kinds, places)
    covisits, noise, coupling = sketched.covisits(kinds, places)
    key = np.unique(np.asarray(whole.keys), return_inverse=True)[1]
    apart = np.where(key[:, None] == key[None, :], late[:, None] * late[None, :] * more, np.nan)
    directed, before, after = _directed(whole)
    zone_ids, union, union_variance = _unions(whole, key, more)
    sampled, answers = _answers(whole, key)
    return TownDay(
        shops=whole.shops,
        zones=whole.zones,
        visitors=visitors * late * more,
        variance=variance * (late * more) ** 2,
        covisits=covisits * apart,
        noise=noise * late**2 * more,
        coupling=coupling,
        directed=directed * apart,
        noise_before=before * late**2 * more,
        noise_after=after * late**2 * more,
        zone_ids=zone_ids,
        union=union,
        union_variance=union_variance,
        sampled=sampled,
        answers=answers,
        places=whole.places,
        epsilon=whole.epsilon,
    )


def _nothing() -> TownDay:
    none, square = np.zeros(0), np.zeros((0, 0))
    ids = np.zeros(0, np.int64)
    return TownDay(
        *(ids, ids, none, none, square, none, 0.0, square, none, none, ids, square, square),
        *(0, np.zeros(1), 0, np.nan),
    )


def _rows(sketches: Sketches, wanted: NDArray[np.bool_]) -> Sketches:
    return Sketches(
        shops=sketches.shops[wanted],
        zones=sketches.zones[wanted],
        keys=[key for key, keep in zip(sketches.keys, wanted, strict=True) if keep],
        bits=sketches.bits[wanted],
        symbols=sketches.symbols[wanted],
        epsilon=sketches.epsilon,
        counted=sketches.counted[wanted],
        excluded=sketches.excluded,
    )


def _directed(sketches: Sketches) -> tuple[Floats, Floats, Floats]:
    shops = len(sketches.shops)
    if not sketches.symbols.shape[1]:
        return np.full((shops, shops), np.nan), np.ones(shops), np.ones(shops)
    return sketched.before_after(sketches)


def _unions(sketches: Sketches, key: Ints, more: float) -> tuple[Ints, Floats, Floats]:
    """Return zone ids, different visitors of each two zones together, and their variance.

    Only of zones whose shops all counted (nearly) the whole day under the commonest key.
    """
    zone_ids = np.unique(sketches.zones)
    main = np.bincount(key).argmax() if len(key) else 0
    apart = (key != main) | (sketches.counted < WHOLE_MIN)
    groups = sketches.zones == zone_ids[:, None]
    known = ~(groups & apart).any(axis=1)
    empty, variance = sketched.unions(sketched.parts(sketches), groups & known[:, None])
    value, spread = _logarithm(empty, variance, sketches.places)
    both = known[:, None] & known[None, :]
    return zone_ids, np.where(both, value * more, np.nan), np.where(both, spread * more**2, np.nan)


def _answers(sketches: Sketches, key: Ints) -> tuple[int, Floats]:
    """Return ``sampled`` and ``answers``, of the whole days under the commonest key."""
    main = key == (np.bincount(key).argmax() if len(key) else 0)
    whole = main & (sketches.counted >= WHOLE_MIN)
    seen = sketches.bits[whole].sum(axis=0, dtype=np.int64)
    answers = np.bincount(seen, minlength=len(key) + 1).astype(np.float64)
    return int(whole.sum()), answers if whole.sum() > 1 else np.zeros(len(key) + 1)


def _logarithm(empty: Floats, variance: Floats, places: int) -> tuple[Floats, Floats]:
    """Return visitors and variance from the share of empty places; NaN where too few are left."""
    clear = np.where(empty >= sketched.EMPTY_MIN, empty, np.nan)
    return -places * np.log(clear), variance * (places / clear) ** 2


def pack(day: TownDay) -> bytes:
    """Write a day as bytes: a head, integers as int64, numbers as float32, in order of fields."""
    head = _HEAD.pack(VERSION, len(day.shops), len(day.zone_ids))
    parts = [head]
    for field in fields(TownDay):
        value = np.asarray(getattr(day, field.name))
        parts.append(value.astype("<i8" if value.dtype.kind == "i" else "<f4").tobytes())
    return b"".join(parts)


def unpack(body: bytes) -> TownDay:
    """Read what ``pack`` wrote; ValueError for another version or a wrong length."""
    if len(body) < _HEAD.size or body[0] != VERSION:
        raise ValueError(f"estimates of a day: not in layout {VERSION}; rebuild the database")
    _, shops, zones = _HEAD.unpack_from(body)
    take = _reader(body)
    day = TownDay(
        shops=take("<i8", shops).astype(np.int64),
        zones=take("<i8", shops).astype(np.int64),
        visitors=take("<f4", shops),
        variance=take("<f4", shops),
        covisits=take("<f4", shops, shops),
        noise=take("<f4", shops),
        coupling=float(take("<f4")),
        directed=take("<f4", shops, shops),
        noise_before=take("<f4", shops),
        noise_after=take("<f4", shops),
        zone_ids=take("<i8", zones).astype(np.int64),
        union=take("<f4", zones, zones),
        union_variance=take("<f4", zones, zones),
        sampled=int(take("<i8")),
        answers=take("<f4", shops + 1),
        places=int(take("<i8")),
        epsilon=float(take("<f4")),
    )
    if len(pack(day)) != len(body):
        raise ValueError(f"estimates of a day: {len(body)} bytes, {len(pack(day))} were expected")
    return day


def _reader(body: bytes) -> Callable[..., Floats]:
    at = _HEAD.size

    def take(kind: str, *shape: int) -> Floats:
        nonlocal at
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
        if at + size > len(body):
            raise ValueError(f"estimates of a day: cut short at byte {len(body)}")
        values = np.frombuffer(body[at : at + size], kind).reshape(shape)
        at += size
        return values.astype(np.float64)

    return take
